//go:build unix

package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	standIn   = "GROUPPHOTO_TEST_PROVIDER" // set in the child process that stands for PlugChat
	sendCalls = 2_000                      // of each kind in each round
	sendTurns = 5
)

// TestMain lets the benchmark start this binary as a provider of its own
// process, so that only the client's CPU is counted, and lets tests start it as one
// worker of several.
func TestMain(m *testing.M) {
	if text := os.Getenv(fleetMember); text != "" {
		os.Exit(beMember(text))
	}
	if address := os.Getenv(metronome); address != "" {
		os.Exit(beMetronome(address))
	}
	if os.Getenv(standIn) == "" {
		os.Exit(m.Run())
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(0)
	}()
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"value":true}`)
	})}
	fmt.Fprintln(os.Stderr, server.Serve(listener))
	os.Exit(1)
}

func providerProcess(b *testing.B) string {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), standIn+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(address)
}

// cpu is what this process has used so far, in the program and in the kernel.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spend runs f n times, from as many goroutines as a lane has handlers, and
// returns the CPU of it.
func spend(b *testing.B, n int64, f func() error) time.Duration {
	b.Helper()
	before := cpu(b)
	var left atomic.Int64
	left.Store(n)
	var all sync.WaitGroup
	for range benchConcurrency {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := f(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return cpu(b) - before
}

// BenchmarkOnePhoto is what a delivery costs in CPU when 10,000 updates share one
// photo URL, beside a bare POST of the same bytes to the same server in the same
// run. The provider, and Redis, are processes of their own.
//
//	go test -run '^$' -bench OnePhoto -benchtime 1x -count 3 ./worker
//
// bare: an http.Client, whose transport takes a whole body in one write, posts the
// finished body. send: the photo from the process cache and the call. all: the
// whole delivery with asynq and the ledger. Each is in microseconds of CPU per
// delivery; /bare is the ratio to the first.
func BenchmarkOnePhoto(b *testing.B) {
	ref, fetched := pictureServer(b, busyJPEG(b))
	base := providerProcess(b)
	client, err := plugchat.New(plugchat.Config{BaseURL: base, Token: "token"})
	if err != nil {
		b.Fatal(err)
	}
	rdb := benchEngine(b)
	maker, err := photo.New(photo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var bare, send, all time.Duration
	var made, size int64
	for b.Loop() {
		if err := rdb.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		fillWith(b, rdb, ref)
		config := worker.Config{
			Redis: rdb, Logger: slog.New(slog.DiscardHandler), Maker: maker, Servers: 4,
			Accounts: []worker.Account{{Name: "main", Caller: client}},
		}
		fromLoopback(&config)
		config.Accounts[0].Concurrency = benchConcurrency
		w, err := worker.New(config)
		if err != nil {
			b.Fatal(err)
		}
		makings := w.CountMakings()
		before := cpu(b)
		if err := w.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		redistest.Eventually(b, 5*time.Minute, func() bool {
			return rdb.XLen(b.Context(), "groupphoto:{main}:outcomes").Val() == benchUpdates
		}, "not all updates have ended")
		all += cpu(b) - before
		jpeg, err := w.Made(b.Context(), ref)
		if err != nil {
			b.Fatal(err)
		}
		one, two := bareAndSend(b, base, client, w, ref, jpeg)
		bare, send, made, size = bare+one, send+two, made+makings.Load(), int64(len(jpeg))
		if err := w.Shutdown(); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(b.N)
	per := func(spent time.Duration, calls int) float64 {
		return float64(spent.Nanoseconds()) / 1e3 / n / float64(calls)
	}
	first := per(bare, sendCalls*sendTurns)
	b.ReportMetric(first, "bare-µs")
	b.ReportMetric(per(send, sendCalls*sendTurns), "send-µs")
	b.ReportMetric(per(send, sendCalls*sendTurns)/first, "send/bare")
	b.ReportMetric(per(all, benchUpdates), "all-µs")
	b.ReportMetric(per(all, benchUpdates)/first, "all/bare")
	b.ReportMetric(float64(fetched.Load())/n, "fetches")
	b.ReportMetric(float64(made)/n, "decodes")
	b.ReportMetric(float64(size), "jpeg-B")
}

// bareAndSend takes turns, so that what else the machine does hits both alike.
func bareAndSend(b *testing.B, base string, client *plugchat.Client, w *worker.Worker, ref tasks.PhotoRef, jpeg []byte) (bare, send time.Duration) {
	b.Helper()
	whole := fmt.Appendf(nil, `{"groupId":%q,"groupPhoto":"data:image/jpeg;base64,%s"}`, groupA, base64.StdEncoding.EncodeToString(jpeg))
	transport := &http.Transport{MaxIdleConns: 2 * benchConcurrency, MaxIdleConnsPerHost: 2 * benchConcurrency, WriteBufferSize: 256 << 10, DisableCompression: true}
	defer transport.CloseIdleConnections()
	plain := &http.Client{Transport: transport, Timeout: 90 * time.Second}
	post := func() error {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, base+"/api/whatsapp/update-group-photo", bytes.NewReader(whole))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "token")
		resp, err := plain.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	call := func() error {
		shown, err := w.Resolve(b.Context(), ref)
		if err != nil {
			return err
		}
		_, err = client.UpdateGroupPhoto(b.Context(), plugchat.Call{GroupID: string(groupA), Photo: shown, NotAfter: time.Now().Add(time.Minute)})
		return err
	}
	for range sendTurns {
		bare += spend(b, sendCalls, post)
		send += spend(b, sendCalls, call)
	}
	return bare, send
}

// busyJPEG is a source whose finished photo has about the size of a real one.
func busyJPEG(b *testing.B) []byte {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	img := image.NewYCbCr(image.Rect(0, 0, 1200, 900), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = uint8(60 + i%1200/10 + random.IntN(40))
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = uint8(128+i%40), uint8(128+i%30)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}
