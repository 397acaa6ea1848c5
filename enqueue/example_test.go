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

func ExampleClient_StartCampaign() {
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

	// The rows may come from a file or a database: a few thousand are in memory.
	groups := []string{"120363019502650977@g.us", "5511999999999-1623281429"}
	rows := func(yield func(enqueue.CampaignRow, error) bool) {
		for _, group := range groups {
			if !yield(enqueue.CampaignRow{GroupID: group}, nil) {
				return
			}
		}
	}
	spring := enqueue.Campaign{Name: "spring-2026", Photo: enqueue.URL("https://cdn.example.com/spring.png"), Trial: 1}
	for range 2 { // calling again is safe
		receipt, err := gp.StartCampaign(ctx, spring, rows)
		fmt.Println(receipt.Name, receipt.Total, receipt.Before, err)
	}

	info, err := gp.CampaignInfo(ctx, "spring-2026")
	fmt.Println(info.State, info.Counts[enqueue.Waiting], "of", info.Total, "wait", err)

	groups[1] = "5511999999999"
	spring.Name = "summer-2026"
	_, err = gp.StartCampaign(ctx, spring, rows)
	fmt.Println(err)
	// Output:
	// spring-2026 2 false <nil>
	// spring-2026 2 true <nil>
	// running 2 of 2 wait <nil>
	// starting campaign "summer-2026": line 2: group id "5511999999999": is a phone number, not a group; expected 120363019502650977-group or 5511999999999-1623281429: not a WhatsApp group id
}
