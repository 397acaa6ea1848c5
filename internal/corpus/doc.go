// Package corpus finds the pictures that other projects keep for their own tests, so that worker/photo is judged by files
// nobody here made. It owns the list of sets, their versions and their sums, and it is a module of its own, because no
// user of groupphoto should get them. It refuses to know what a right photo is: its tests know that.
package corpus
