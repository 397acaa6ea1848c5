package main

// portugueseRun is the part of the catalogue for campaign run.
var portugueseRun = map[string]string{}
