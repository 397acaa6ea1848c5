package plugchat_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// yesServer answers every request with true and allocates next to nothing for it.
func yesServer(t testing.TB) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for r := bufio.NewReaderSize(conn, 64<<10); yes(conn, r) == nil; {
				}
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

func yes(conn net.Conn, r *bufio.Reader) error {
	req, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return err
	}
	_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"value\":true}")
	return err
}

// TestUpdateGroupPhoto_NoCopyOfThePhoto is not parallel: it reads what the whole process allocates.
func TestUpdateGroupPhoto_NoCopyOfThePhoto(t *testing.T) {
	// Given a photo of 1 MiB, when it is sent 50 times, then the client and the test's server together allocate far less than
	// one copy of it for a call.
	const calls, size = 50, 1 << 20
	client, err := plugchat.New(plugchat.Config{BaseURL: yesServer(t), Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdle)
	photo := plugchat.JPEG(append([]byte{0xff, 0xd8, 0xff}, bytes.Repeat([]byte{7}, size)...))
	call := func() {
		if ok, err := client.UpdateGroupPhoto(t.Context(), plugchat.Call{GroupID: "120363019502650977-group", Photo: photo}); !ok || err != nil {
			t.Fatalf("got %t, %v", ok, err)
		}
	}
	call() // connects
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		call()
	}
	runtime.ReadMemStats(&after)
	perCall := (after.TotalAlloc - before.TotalAlloc) / calls
	t.Logf("%d bytes are allocated for a call with a photo of %d", perCall, size)
	if perCall > size/8 {
		t.Errorf("%d bytes are allocated for a call with a photo of %d", perCall, size)
	}
}
