// Package enqueue is how a program asks for changes of group photos, and how it
// learns what became of them. One import serves an ordinary producer:
//
//	gp, err := enqueue.Open(ctx, "redis://127.0.0.1:6379")
//	receipt, err := gp.UpdateGroupPhoto(ctx, enqueue.Update{GroupID: id, Photo: enqueue.File("logo.png")}, enqueue.ID("order-881"))
//	outcome, err := gp.Wait(ctx, receipt.ID) // outcome.State == enqueue.Updated
//
// An update is accepted when the call returned without an error; it then ends in
// exactly one recorded outcome. The same id with the same content is a
// duplicate, which is a result and not an error, so a call whose answer was lost
// is simply made again.
//
// Thousands of groups are a campaign, which StartCampaign takes in as a stream of
// rows, and which can be looked at, paused, sent again and undone as a whole.
//
// The package owns validation at the door, the way of image bytes into the
// photo store, the ledger's entry before the engine's task, and waiting. It
// refuses to know images beyond their first bytes, the provider, and when and
// how often a worker calls it. It never imports the worker, and links no image
// decoder. A producer's own tests use the double in enqueuetest; the interface
// to write for it is the producer's:
//
//	type photos interface {
//		UpdateGroupPhoto(context.Context, enqueue.Update, ...enqueue.Option) (enqueue.Receipt, error)
//		Wait(context.Context, string, ...enqueue.Where) (enqueue.Outcome, error)
//	}
package enqueue
