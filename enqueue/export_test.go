package enqueue

// InfoOf derives where a campaign stands from its counters and its log.
var InfoOf = infoOf
