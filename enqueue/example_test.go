package enqueue_test

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"github.com/plugchat-go/groupphoto/enqueue"
)

func Example() {
	ctx := context.Background()
	server, err := miniredis.Run() // stands in for your Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	gp, err := enqueue.Open(ctx, "redis://"+server.Addr())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = gp.Close() }()

	update := enqueue.Update{GroupID: "120363019502650977@g.us", Photo: enqueue.URL("https://cdn.example.com/logo.png?sig=1f")}
	for range 2 { // calling again is safe
		receipt, err := gp.UpdateGroupPhoto(ctx, update, enqueue.ID("order-881"))
		fmt.Println(receipt.ID, receipt.State, receipt.Duplicate, err)
	}

	outcome, err := gp.Outcome(ctx, "order-881") // or gp.Wait, until it has ended
	fmt.Println(outcome.State, outcome.GroupID, outcome.Photo, err)

	update.GroupID = "5511999999999"
	_, err = gp.UpdateGroupPhoto(ctx, update)
	fmt.Println(err)
	// Output:
	// order-881 waiting false <nil>
	// order-881 waiting true <nil>
	// waiting 120363019502650977-group https://cdn.example.com/logo.png <nil>
	// enqueuing the update: group id "5511999999999": is a phone number, not a group; expected 120363019502650977-group or 5511999999999-1623281429: not a WhatsApp group id
}
