// Package worker carries updates out. Every account has a lane: its own asynq
// servers on its two queues, single updates strictly before campaign rows. The
// handler takes an update through five steps: claim, resolve the photo, take a
// turn, call, settle (see handler.go).
//
// It owns the order of those steps (handler.go), what follows from an answer
// (policy.go) and how that is said to asynq (engine.go). What an answer means
// is plugchat's business, how a photo is fetched and made that of fetch and
// photo, and what has happened is the ledger's to say. The package refuses to
// know where its settings come from and never reads the environment.
package worker
