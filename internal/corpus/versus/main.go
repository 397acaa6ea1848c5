// Command versus holds worker/photo against libvips' thumbnailer on the same files: processor time and peak memory. It
// owns the measuring and the table, and refuses to judge: machines differ, so it asserts nothing.
//
//	go run ./versus [-runs N] [-photos FOLDER] [-o text|json]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "versus:", err)
		os.Exit(1)
	}
}

// run is the program. Its first argument may be the name of a task that the program gives to itself, in a process of its
// own: draw or make.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case drawTask:
			return draw(ctx, args[1:])
		case makeTask:
			return makePhotos(ctx, args[1:])
		}
	}
	flags := flag.NewFlagSet("versus", flag.ContinueOnError)
	flags.SetOutput(stderr)
	runs := flags.Int("runs", 11, "how often each file is made into a photo by each of the two")
	photos := flags.String("photos", "/usr/share/backgrounds/mate/nature", "folder with photos of your own; Debian's mate-backgrounds puts some there")
	format := flags.String("o", "text", "text (a Markdown table) or json")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *runs < 1:
		return fmt.Errorf("-runs is %d; it must be at least 1", *runs)
	case *format != "text" && *format != "json":
		return fmt.Errorf("-o is %q; it must be text or json", *format)
	}
	b, err := newBench(*runs, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	rows, err := b.measure(ctx, *photos)
	if err != nil {
		return err
	}
	if *format == "json" {
		return writeJSON(stdout, *runs, rows)
	}
	return writeTable(stdout, *runs, rows)
}
