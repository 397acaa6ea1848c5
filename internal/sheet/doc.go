// Package sheet reads the rows of a campaign from CSV or JSONL as people and
// their spreadsheets write it, and writes such rows again.
//
// It owns what a sheet may look like: encodings, separators, quotes, headers in
// two languages, how a cell names a group, a photo and an account, which rows are
// duplicates, and every word for what can be wrong with a row. It reads a stream
// in flat memory, but for the groups it has seen: 24 to 30 bytes for each.
//
// It refuses to know Redis, HTTP, campaigns and pictures. It opens no file: a
// photo's path is worked out from its text alone, and whether there is a picture
// at it is somebody else's question.
package sheet
