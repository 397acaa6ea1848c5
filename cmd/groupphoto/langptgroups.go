package main

// portugueseGroups is the part of the catalogue for groups.
var portugueseGroups = map[string]string{
	"none of the numbers is in this group":                                                        "nenhum dos números está neste grupo",
	"add one of them to it and list the groups again, or take the row out":                        "coloque um deles no grupo e liste os grupos de novo, ou tire a linha",
	"is an account whose number is not in this group":                                             "é uma conta cujo número não está neste grupo",
	"add it to the group and list the groups again, or leave the cell empty for a number that is": "coloque o número no grupo e liste os grupos de novo, ou deixe a célula vazia para um número que está nele",

	"no group is in it": "nenhum grupo está nele",
	"no line is of the account %s; leave it out of --accounts, or list its groups: groupphoto groups --account %s": "nenhuma linha é da conta %s; tire-a de --accounts, ou liste os grupos dela: groupphoto groups --account %s",
	"it has no column of accounts; write it with: groupphoto groups -o csv":                                        "não tem coluna de contas; grave com: groupphoto groups -o csv",
	"line %d: the account is missing":             "linha %d: falta a conta",
	"the numbers' queues are taken for empty: %s": "as filas dos números contam como vazias: %s",
	"… and %d more":                               "… e mais %d",

	"%s: %s among %s (%s)": "%s: %s entre %s (%s)",
	"groups":               "grupos",
	"chat":                 "conversa",
	"chats":                "conversas",
	"call":                 "chamada",
	"calls":                "chamadas",
}
