// Package tasks is the contract between those who enqueue group-photo updates
// and those who carry them out: the payload of the asynq task, group ids, photo
// references, outcomes with their reasons, and the names of queues and tasks.
//
// It owns the wire format and every rule about what is well formed. It refuses
// to know Redis, HTTP, images and time: nothing here does I/O, nothing here
// imports another package of this module, and every function is pure and safe
// for concurrent use.
//
// Types that may carry image bytes, tokens in URLs or the like print facts
// only: their String and LogValue never show a query string, user information
// or image data.
package tasks
