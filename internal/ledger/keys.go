package ledger

import "github.com/plugchat-go/groupphoto/tasks"

// Keys. What stands in braces is the hash tag: everything that one script
// touches lives in one slot. Photos are shared by all accounts.
const (
	keyAccounts = "groupphoto:{accounts}:known"
	keyServing  = "groupphoto:{accounts}:serving"
	keyPhotos   = "groupphoto:photo:"
)

func accountKey(account, rest string) string { return "groupphoto:{" + account + "}:" + rest }

func keySeq(account string) string        { return accountKey(account, "seq") }
func keyLane(account string) string       { return accountKey(account, "lane") }
func keyTurns(account string) string      { return accountKey(account, "turns") }
func keyLine(account string) string       { return accountKey(account, "line") }
func keyEvents(account string) string     { return accountKey(account, "events") }
func keyRepairs(account string) string    { return accountKey(account, "repairs") }
func keyOutcomes(account string) string   { return accountKey(account, "outcomes") }
func keyRecord(account, id string) string { return accountKey(account, "u:"+id) }

func keyGroup(account string, group tasks.GroupID) string {
	return accountKey(account, "g:"+string(group))
}
