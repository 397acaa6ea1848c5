package corpus

// Set is one source of pictures: a Go module at one version, or Go's own tree.
type Set struct {
	Name    string // short, as it stands in front of every path of the set
	Module  string // module path; "" for Go's own tree
	Version string // of the module
	Sum     string // of the module's files, as go.sum would have it
}

// Sets returns all sets. Go's own tree comes first; it is that of the go command in the PATH.
func Sets() []Set {
	return []Set{
		{Name: "go"},
		{Name: "ximage", Module: "golang.org/x/image", Version: "v0.47.0", Sum: "h1:za/8gVz++PPZqmZJBNSISICN5Rrj5zixP/8K++fgmqo="},
		{Name: "kovid", Module: "github.com/kovidgoyal/imaging", Version: "v1.8.23", Sum: "h1:4WsboyQ/E8tic2kX49P93Rvscg33SPsCwTBG5EZZF54="},
		{Name: "imaging", Module: "github.com/disintegration/imaging", Version: "v1.6.2", Sum: "h1:w1LecBlG2Lnp8B3jk5zSuNqd7b4DXhcjwek1ei82L+c="},
		{
			Name: "imageorient", Module: "github.com/disintegration/imageorient",
			Version: "v0.0.0-20180920195336-8147d86e83ec", Sum: "h1:YrB6aVr9touOt75I9O1SiancmR2GMg45U9UYf0gtgWg=",
		},
		{Name: "bimg", Module: "github.com/h2non/bimg", Version: "v1.1.9", Sum: "h1:WH20Nxko9l/HFm4kZCA3Phbgu2cbHvYzxwxn9YROEGg="},
		{Name: "imagemeta", Module: "github.com/bep/imagemeta", Version: "v1.0.1", Sum: "h1:p8W9TcQraMbCbP3ubUPyVVEremktUV7LJm0O2t4jC9o="},
		{
			Name: "goexif", Module: "github.com/rwcarlsen/goexif",
			Version: "v0.0.0-20190401172101-9e8deecbddbd", Sum: "h1:CmH9+J6ZSsIjUK3dcGsnCnO41eRBOnY12zwkn5qVwgc=",
		},
		{Name: "heic", Module: "github.com/gen2brain/heic", Version: "v0.7.1", Sum: "h1:Aha1sZdKEeZeWl5o0xkSg7NBRhhkrlokGVCRri+2Qcc="},
		{Name: "avif", Module: "github.com/gen2brain/avif", Version: "v0.5.3", Sum: "h1:Q5T0ilD4v3Ylu804+Flzhzw6eAta+RVF76yIX1b5LFg="},
		{Name: "webp", Module: "github.com/gen2brain/webp", Version: "v0.6.4", Sum: "h1:SUDdmxADOAiPQ+5ylNmuHhuYf2dOi0KgKZHL5vpVCNU="},
		{Name: "jpegli", Module: "github.com/gen2brain/jpegli", Version: "v0.4.2", Sum: "h1:m8/fIKEgvt+l/rh9STDZcm3wdXoktaPmhki4F3OKpO8="},
	}
}
