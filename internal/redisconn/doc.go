// Package redisconn is the one place that opens Redis. It owns the address
// ([Spec]), the connection settings, the cure for the engine's dead completion
// retries, the check of a server's version and durability, the schema number,
// and the bridges that carry the libraries' logs into slog.
//
// It refuses to know what is stored: no task, no campaign, no queue name. It
// reads no environment and starts no server; the embedded one lives in the
// embedded package below, so that a producer never links it.
package redisconn
