package main

// portugueseGroups is the part of the catalogue for groups.
var portugueseGroups = map[string]string{
	"%s: %s among %s (%s)": "%s: %s entre %s (%s)",
	"groups":               "grupos",
	"chat":                 "conversa",
	"chats":                "conversas",
	"call":                 "chamada",
	"calls":                "chamadas",
}
