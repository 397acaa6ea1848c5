package main

// portugueseRun is the part of the catalogue for campaign run.
//
//nolint:misspell // it is Portuguese
var portugueseRun = map[string]string{
	"account %s is not configured here, and %s of the sheet name it; known: %s":                     "a conta %s não está configurada aqui, e %s da planilha pedem por ela; conhecidas: %s",
	"it goes on: %d of %s have an outcome from before":                                              "ela continua: %d de %s já têm resultado",
	"calls under way are let finish":                                                                "as chamadas em andamento terminam",
	"the same command again goes on":                                                                "o mesmo comando outra vez continua",
	"its trial is over; look at the groups, and give the same command without --trial for the rest": "o teste terminou; olhe os grupos e dê o mesmo comando sem --trial para o resto",
	"it paused itself: %s; look at what went wrong, and give the same command again to go on":       "ela parou sozinha: %s; veja o que deu errado e dê o mesmo comando outra vez para continuar",
	"to send those rows once more: the same command with --retry":                                   "para enviar essas linhas mais uma vez: o mesmo comando com --retry",
	"results: %s": "resultados: %s",
	"report: %s":  "relatório: %s",
}
