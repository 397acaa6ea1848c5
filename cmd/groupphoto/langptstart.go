package main

// portugueseStart is the part of the catalogue for starting a campaign.
//
//nolint:misspell // it is Portuguese
var portugueseStart = map[string]string{
	"sent": "envia", "links": "links", "others": "outras", "links %d×": "links %d×",
	"%d end before their turn, unless --fetch fetches them now: %s":                               "expiram antes da sua vez, a não ser que --fetch os busque agora: %d; %s",
	"%s of campaign %s still to go to the same groups; those that do not go first are superseded": "%s da campanha %s ainda por ir aos mesmos grupos; as que não forem antes são substituídas",
	", %d photos made":                "; fotos prontas: %d",
	"line %d ends %s, its turn is %s": "linha %d expira em %s, sua vez é em %s",
	"… and %d more photos":            "… e mais %d fotos",
	"%d of %s":                        "%d de %s",
	", %d with problems left out":     "; com problemas, fora da campanha: %d",
	", behind %s":                     ", atrás de %s", "other": "outra",
	", through about %s": ", pronta por volta de %s",
	"%s was changed while it was read; nothing was started":                                                                                       "%s foi alterado durante a leitura; nada foi iniciado",
	"account %s would be through %s, after its rows expire %s; give a longer --expires, or more accounts":                                         "a conta %s terminaria em %s, depois que as linhas expiram, em %s; dê um --expires maior, ou mais contas",
	"the same campaign was cancelled; to send all rows anew: --again; to send the cancelled ones: groupphoto campaign retry %s --state cancelled": "a mesma campanha foi cancelada; para enviar todas as linhas de novo: --again; para enviar as canceladas: groupphoto campaign retry %s --state cancelled",
	"campaign %s could not be repeated; try again":                                                                                                "a campanha %s não pôde ser repetida; tente de novo",
	"the same campaign is there already; nothing was changed":                                                                                     "a mesma campanha já existe; nada foi alterado",
	"the same campaign has finished; to send all rows once more: --again; to send those that did not work: groupphoto campaign retry %s":          "a mesma campanha já terminou; para enviar todas as linhas outra vez: --again; para enviar as que não deram certo: groupphoto campaign retry %s",
	"there is a campaign %s already, and it has other rows or photos: %s; give this one another --name":                                           "já existe uma campanha %s, com outras linhas ou fotos: %s; dê outro --name a esta",
}
