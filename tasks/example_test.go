package tasks_test

import (
	"fmt"

	"github.com/plugchat-go/groupphoto/tasks"
)

func ExampleParseGroupID() {
	for _, text := range []string{"120363019502650977@g.us", "5511999999999-1623281429", "5511999999999"} {
		id, err := tasks.ParseGroupID(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(id)
	}
	// Output:
	// 120363019502650977-group
	// 5511999999999-1623281429
	// group id "5511999999999": is a phone number, not a group; expected 120363019502650977-group or 5511999999999-1623281429: not a WhatsApp group id
}

func ExampleParseUpdate() {
	payload := []byte(`{"groupId": "120363019502650977@g.us", "groupPhoto": "https://example.com/logo.png?signature=secret"}`)
	account, _ := tasks.QueueAccount("photo.sales")
	update, err := tasks.ParseUpdate(payload, account)
	fmt.Println(update, err)

	_, err = tasks.ParseUpdate([]byte(`{"groupId": "120363019502650977"}`), account)
	fmt.Println(err)
	// Output:
	// update of 120363019502650977-group with https://example.com/logo.png through sales <nil>
	// field groupPhoto is missing: not a well-formed update
}

func ExampleOutcome_Sentence() {
	fmt.Println(tasks.Outcome{State: tasks.Refused, Reason: tasks.NotInGroup}.Sentence())
	// Output: not_in_group: the number is not in the group; mend: add the number to the group, then: groupphoto retry ID
}
