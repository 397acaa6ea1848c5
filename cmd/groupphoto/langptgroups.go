package main

// portugueseGroups is the part of the catalogue for groups.
var portugueseGroups = map[string]string{}
