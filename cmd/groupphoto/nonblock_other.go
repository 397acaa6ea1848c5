//go:build !unix

package main

// withoutWaiting is nothing here: such systems have no pipes among their files.
const withoutWaiting = 0
