// Package compose loads docker-compose.yml the way docker compose does and checks what the file promises. It is a module
// of its own, because its loader brings modules that no user of groupphoto should get. It owns the test and refuses to
// know the product's code: what it needs of it, it reads as text.
package compose
