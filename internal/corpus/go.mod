module github.com/plugchat-go/groupphoto/internal/corpus

go 1.26.0

replace github.com/plugchat-go/groupphoto => ../..

require (
	github.com/disintegration/imaging v1.6.2
	github.com/plugchat-go/groupphoto v0.0.0-00010101000000-000000000000
	golang.org/x/image v0.47.0
)

require golang.org/x/sync v0.24.0 // indirect
