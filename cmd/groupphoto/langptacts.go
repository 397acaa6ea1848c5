package main

// portugueseActs is the part of the catalogue for what is done to a campaign.
var portugueseActs = map[string]string{}
