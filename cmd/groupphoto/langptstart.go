package main

// portugueseStart is the part of the catalogue for starting a campaign.
//
//nolint:misspell // it is Portuguese
var portugueseStart = map[string]string{
	"%d of %s":                    "%d de %s",
	", %d with problems left out": "; com problemas, fora da campanha: %d",
	", behind %d others":          ", atrás de %d outras",
	", through about %s":          ", pronta por volta de %s",
	"%s was changed while it was read; nothing was started":                                                                              "%s foi alterado durante a leitura; nada foi iniciado",
	"account %s would be through %s, after its rows expire %s; give a longer --expires, or more accounts":                                "a conta %s terminaria em %s, depois que as linhas expiram, em %s; dê um --expires maior, ou mais contas",
	"campaign %s could not be repeated; try again":                                                                                       "a campanha %s não pôde ser repetida; tente de novo",
	"the same campaign is there already; nothing was changed":                                                                            "a mesma campanha já existe; nada foi alterado",
	"the same campaign has finished; to send all rows once more: --again; to send those that did not work: groupphoto campaign retry %s": "a mesma campanha já terminou; para enviar todas as linhas outra vez: --again; para enviar as que não deram certo: groupphoto campaign retry %s",
	"there is a campaign %s already, and it has other rows or photos: %s; give this one another --name":                                  "já existe uma campanha %s, com outras linhas ou fotos: %s; dê outro --name a esta",
}
