package main

// portugueseLooks is the part of the catalogue for looking at a campaign.
var portugueseLooks = map[string]string{}
