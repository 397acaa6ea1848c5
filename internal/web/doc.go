// Package web is the HTTP side of a worker: the API under /v1 for programs that
// are not written in Go, the asynq web UI under /monitoring/, health, and one
// page that points at all of them.
//
// It owns who may ask (token, exposure, foreign hosts and origins), the reading
// of requests, the problems that answer bad ones, and what the asynq web UI may
// show. No answer, page or log of it repeats a photo, a token or a query string.
// It refuses to know how an update is stored or run: package enqueue does that,
// and package worker is never imported.
package web
