package main

// portugueseLooks is the part of the catalogue for looking at a campaign.
//
//nolint:misspell // it is Portuguese
var portugueseLooks = map[string]string{
	"progress": "progresso", "hours": "horário", "trial": "teste", "moving": "mudando", "started": "início", "finished": "fim", "accounts": "contas",
	" by %s":               " por %s",
	", open until %s":      ", aberto até %s",
	", closed until %s":    ", fechado até %s",
	"%d of %d rows, %d %%": "%d de %d linhas, %d %%",
	"%d rows are being moved between accounts and are not in it":               "linhas que estão mudando de conta e não estão nela: %d",
	"%d rows of each account":                                                  "%d linhas de cada conta",
	"%s counted, in %s: the counters agree":                                    "%s contadas, em %s: os contadores conferem",
	"%s, done in about %s (%s)":                                                "%s, pronta em cerca de %s (%s)",
	"%s: counter %d, rows %d":                                                  "%s: contador %d, linhas %d",
	"; it starts %s":                                                           "; ela começa em %s",
	"; let it go on with: groupphoto campaign resume %s":                       "; para continuar: groupphoto campaign resume %s",
	"Redis does not answer; trying again: %s":                                  "o Redis não responde; tentando de novo: %s",
	"counters and rows did not agree; they were set right":                     "contadores e linhas não conferiam; foram corrigidos",
	"counters and rows do not agree; set them right with --repair":             "contadores e linhas não conferem; corrija com --repair",
	"from %s to %s; go on with: groupphoto campaign move %s --from %s --to %s": "de %s para %s; para continuar: groupphoto campaign move %s --from %s --to %s",
	"it has not ended: %s":                                                     "ela não terminou: %s",
	"line %d: %s through %s":                                                   "linha %d: %s pela %s",
	"the export is incomplete, after %s":                                       "a exportação está incompleta, depois de %s",
	"there are no campaigns; start one with: groupphoto campaign start FILE":   "não há campanhas; inicie uma com: groupphoto campaign start ARQUIVO",
	"… and %d more: groupphoto campaign export %s --state %s":                  "… e mais %d: groupphoto campaign export %s --state %s",
}
