package main

// portugueseStart is the part of the catalogue for starting a campaign.
var portugueseStart = map[string]string{}
