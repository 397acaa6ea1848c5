package main

// portugueseActs is the part of the catalogue for what is done to a campaign.
//
//nolint:misspell // it is Portuguese
var portugueseActs = map[string]string{
	"campaign": "campanha", "state": "estado", "sent again": "de novo", "expires": "expira", "moved": "movidas",
	"restores": "restaura", "leaves": "não restaura",
	"stopped by %s":     "parada por %s",
	"its trial is over": "o teste terminou",
	"%s from %s to %s":  "%s de %s para %s",

	"it starts %s":                           "ela começa em %s",
	"it goes on in its hours, from %s":       "ela continua no seu horário, a partir de %s",
	"it was not paused":                      "ela não estava pausada",
	"it was started before":                  "ela já foi iniciada antes",
	"it was cancelled already":               "ela já estava cancelada",
	"nothing was changed":                    "nada foi alterado",
	"watch it: groupphoto campaign watch %s": "acompanhe: groupphoto campaign watch %s",
	"it is paused; let it go on with: groupphoto campaign resume %s":                                      "ela está pausada; para continuar: groupphoto campaign resume %s",
	"it was paused already; go on with: groupphoto campaign resume %s":                                    "ela já estava pausada; para continuar: groupphoto campaign resume %s",
	"calls under way end, and no other row goes; go on with: groupphoto campaign resume %s":               "as chamadas em curso terminam, e nenhuma outra linha sai; para continuar: groupphoto campaign resume %s",
	"calls under way end, and count as what they come to":                                                 "as chamadas em curso terminam, e contam conforme o resultado",
	"%d of the %d rows of campaign %s have not gone and would be cancelled. Go on? [y/N] ":                "linhas que ainda não saíram e seriam canceladas: %d de %d da campanha %s. Continuar? [s/N] ",
	"to send the cancelled rows after all: groupphoto campaign retry %s --state cancelled":                "para enviar mesmo assim as linhas canceladas: groupphoto campaign retry %s --state cancelled",
	"no row has ended so; nothing is sent again":                                                          "nenhuma linha terminou assim; nada é enviado de novo",
	"no row of %s was left to move":                                                                       "não havia linha de %s para mover",
	"being called, and staying with %s: %d; the same command takes along those that wait by then":         "em chamada, e ficam com %s: %d; o mesmo comando leva as que então estiverem esperando",
	"%d: changed since %d, photo before unknown %d, no longer stored %d":                                  "%d: alterados depois %d, foto anterior desconhecida %d, foto não mais guardada %d",
	"there is nothing to restore in campaign %s":                                                          "não há nada para restaurar na campanha %s",
	"rows of %s that have not ended, and are not undone: %d; to stop them: groupphoto campaign cancel %s": "linhas de %s que não terminaram, e não são desfeitas: %d; para pará-las: groupphoto campaign cancel %s",
	"after %s of each account it waits for: groupphoto campaign resume %s":                                "depois de %s de cada conta ela espera por: groupphoto campaign resume %s",
	"there is no campaign %q; see: groupphoto campaign list":                                              "não há campanha %q; veja: groupphoto campaign list",
	"; did you mean %q?": "; quis dizer %q?",
	"campaign %s is being worked on by another process; try again in a moment":                                                "a campanha %s está sendo trabalhada por outro processo; tente de novo daqui a pouco",
	"campaign %s was cancelled; to send its rows after all: groupphoto campaign retry %s --state cancelled":                   "a campanha %s foi cancelada; para enviar mesmo assim as linhas dela: groupphoto campaign retry %s --state cancelled",
	"the time of campaign %s ran out; to send its rows after all: groupphoto campaign retry %s --state expired --expires 24h": "o prazo da campanha %s acabou; para enviar mesmo assim as linhas dela: groupphoto campaign retry %s --state expired --expires 24h",
	"campaign %s has finished; to send rows again: groupphoto campaign retry %s":                                              "a campanha %s terminou; para enviar linhas de novo: groupphoto campaign retry %s",
}
