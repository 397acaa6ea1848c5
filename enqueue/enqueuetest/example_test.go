package enqueuetest_test

import (
	"context"
	"fmt"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/enqueue/enqueuetest"
)

// photos is what the program below needs; *enqueue.Client has it as well.
type photos interface {
	UpdateGroupPhoto(context.Context, enqueue.Update, ...enqueue.Option) (enqueue.Receipt, error)
	Wait(context.Context, string, ...enqueue.Where) (enqueue.Outcome, error)
}

// celebrate is the program under test.
func celebrate(ctx context.Context, gp photos, group string) string {
	r, err := gp.UpdateGroupPhoto(ctx, enqueue.Update{GroupID: group, Photo: enqueue.URL("https://cdn.example.com/party.png")}, enqueue.ID("party-7"))
	if err != nil {
		return "not accepted: " + err.Error()
	}
	o, err := gp.Wait(ctx, r.ID)
	if err != nil {
		return err.Error()
	}
	return string(o.State)
}

func Example() {
	gp := enqueuetest.New()
	gp.Settle("party-7", enqueue.Refused)

	fmt.Println(celebrate(context.Background(), gp, "120363019502650977-group"))
	fmt.Println(celebrate(context.Background(), gp, ""))
	for _, call := range gp.Updates() {
		fmt.Println(call.ID, call.Update.GroupID, call.Update.Photo, call.Outcome.State)
	}
	// Output:
	// refused
	// not accepted: enqueuing the update: group id "": is empty; expected 120363019502650977-group or 5511999999999-1623281429: not a WhatsApp group id
	// party-7 120363019502650977-group https://cdn.example.com/party.png refused
}
