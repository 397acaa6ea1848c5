package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	"github.com/plugchat-go/groupphoto/internal/web"
	"github.com/plugchat-go/groupphoto/worker"
)

// webEnd is how long requests may go on after the end was asked for.
const webEnd = 5 * time.Second

// webSide is the running HTTP side of a worker.
type webSide struct {
	url    string
	server *web.Server
	gp     *client
	failed chan error // told when serving ends by itself
}

// webConfig is what differs between worker and dev.
type webConfig struct {
	token   string
	actions bool
	log     *slog.Logger
	ready   func(context.Context) error
}

// listen opens an address and says what is wrong with it in words. With spare
// set, a taken address is replaced by a free port of the same host.
func listen(ctx context.Context, name, addr string, spare bool) (l net.Listener, moved bool, err error) {
	if err := checkAddress(ctx, name, addr); err != nil {
		return nil, false, badInput(err)
	}
	host, _, _ := net.SplitHostPort(addr) // just checked
	var lc net.ListenConfig
	l, err = lc.Listen(ctx, "tcp", addr)
	if taken(err) && spare {
		l, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
		moved = true
	}
	switch {
	case taken(err):
		return nil, false, fmt.Errorf("%s %s: another program listens there; give another port", name, addr)
	case err != nil:
		return nil, false, fmt.Errorf("%s: %w", name, err)
	}
	return l, moved, nil
}

// checkAddress says what is wrong with an address without listening there.
func checkAddress(ctx context.Context, name, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return fmt.Errorf("%s %q: must be host:port, such as 127.0.0.1:8080", name, clip(addr, 60))
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return fmt.Errorf("%s %q: the port must be a number from 0 to 65535", name, clip(addr, 60))
	}
	return nil
}

// taken reports that another program listens at an address. Windows has a number
// of its own for it, which no other system uses.
func taken(err error) bool {
	const windows = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windows)
}

// serveWeb serves the API and the asynq web UI on a listener, which it owns from
// then on, also after an error.
func serveWeb(l net.Listener, gp *client, wc webConfig) (*webSide, error) {
	server, err := web.New(web.Config{
		Updates: gp.Client, Redis: gp.rdb, Token: wc.token, Actions: wc.actions, Logger: wc.log,
		Ready: func(ctx context.Context) error {
			err := wc.ready(ctx)
			if errors.Is(err, worker.ErrStopping) {
				return web.NotReady("stopping")
			}
			return err
		},
	})
	if err != nil {
		_ = l.Close() // the reason for giving up is the one worth telling
		return nil, err
	}
	w := &webSide{url: "http://" + reachable(l.Addr()), server: server, gp: gp, failed: make(chan error, 1)}
	go func() {
		if err := server.Serve(l); err != nil {
			w.failed <- err
		}
		close(w.failed)
	}()
	return w, nil
}

// reachable is the address under which a person of this machine finds a listener.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return addr.String()
}

// stop ends the web side; requests get some seconds.
func (w *webSide) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), webEnd)
	defer cancel()
	err := w.server.Shutdown(ctx)
	for range w.failed { // Serve has returned when this is closed
	}
	return err
}
