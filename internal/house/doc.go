// Package house holds the rules of this repository: who may import whom (section 4 of the design), how long files and
// functions may be, and which words and calls stay out. It owns the checks and refuses to know what the product does:
// nothing of the product imports it, and it imports nothing of the product.
//
// The folder exists, without two users, because these checks belong to no package that they judge. Beside the package
// stand the small programs that make needs: notices (third-party licences), dist (reproducible archives), skips (go test
// output with the skipped tests named), and compose, a module of its own that loads docker-compose.yml, so that its
// loader stays out of the product's go.mod.
package house
