// Package tasks is the contract between those who enqueue group-photo updates
// and those who carry them out: the payload of the asynq task, group ids, photo
// references, outcomes with their reasons, what holds for a whole campaign, and the
// names of queues and tasks.
//
// It owns the wire format and every rule about what is well formed. It refuses
// to know Redis, HTTP, images and what time it is: nothing here does I/O but to look
// up a time zone, nothing here imports another package of this module, and every
// function is pure and safe for concurrent use. Zones are the system's; a program
// that must run where there are none imports time/tzdata.
//
// Types that may carry image bytes, tokens in URLs or the like print facts
// only: their String and LogValue never show a query string, user information
// or image data.
package tasks
