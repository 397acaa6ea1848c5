package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// photoFlags are the flags of photo. Those that stand for a setting hold texts,
// which are read like the setting's.
type photoFlags struct {
	out            string
	round, explain bool
	settings       map[string]*string // by the name of the setting
}

func (a *app) photoCommand() *cobra.Command {
	f := photoFlags{settings: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "photo SOURCE...",
		Short: "Make the photo of a picture, exactly as it would be sent",
		Long: `Make the photo of a picture, exactly as a worker with the same settings would send
it, and say what it was made from. A source is a file, a URL, a data URI, or - for
stdin. No account, no Redis and no provider is needed. Without --out it only tells
whether a photo can be made, and what of it is worth knowing.

Exit codes: 0 all were made, 2 a source or an option cannot be used, 1 a source
cannot be had now.`,
		Example: `  groupphoto photo IMG_4711.JPG --out out.jpg --explain
  groupphoto photo logos/*.png --out photos/ --round -o json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{cmd.CommandPath(), errors.New("SOURCE is missing")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(args, a.json()); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.makePhotos(cmd.Context(), f, args)
		},
	}
	a.outputFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "the `file` to write; with several sources a folder; - is stdout")
	flags.BoolVar(&f.round, "round", false, "also write a preview with WhatsApp's round crop beside the photo (.round.png)")
	flags.BoolVar(&f.explain, "explain", false, "say each step")
	for setting, usage := range map[string]string{
		"GROUPPHOTO_PHOTO_SIDE":       "width and height in `pixels`",
		"GROUPPHOTO_PHOTO_QUALITY":    "JPEG `quality` to begin with",
		"GROUPPHOTO_PHOTO_MAX_BYTES":  "`size` up to which quality is lowered, such as 100KiB",
		"GROUPPHOTO_PHOTO_MIN_SIDE":   "`pixels` that the short side must have; 0 takes all",
		"GROUPPHOTO_PHOTO_FIT":        "`crop` to the centred square, or pad",
		"GROUPPHOTO_PHOTO_EXTREME":    "`pad` or refuse what is too long for a crop",
		"GROUPPHOTO_PHOTO_BACKGROUND": "`colour` under transparency and padding: white, black or 1f6feb",
	} {
		name := strings.TrimPrefix(photoFlagNames[setting], "--")
		f.settings[setting] = flags.String(name, "", usage+" (default "+setting+")")
	}
	return cmd
}

func (f photoFlags) check(sources []string, json bool) error {
	stdin := 0
	for _, s := range sources {
		if s == "-" {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return errors.New("stdin (-) can be given once")
	case f.out == "-" && len(sources) > 1:
		return errors.New("--out -: stdout takes one photo; give a folder")
	case f.out == "-" && json:
		return errors.New("--out - and -o json: both want stdout; give --out a file")
	case f.round && (f.out == "" || f.out == "-"):
		return errors.New("--round: the preview is written beside the photo; give --out a file or a folder")
	}
	return nil
}

// makePhotos makes the photos of all sources, some at a time, and tells of them
// in the order they were given.
func (a *app) makePhotos(ctx context.Context, f photoFlags, sources []string) error {
	given := map[string]string{}
	for setting, text := range f.settings {
		given[setting] = *text
	}
	c, err := a.config(ctx, given)
	if err != nil {
		return err
	}
	maker, err := photo.New(c.photo.make)
	if err != nil {
		return badInput(err)
	}
	targets, err := f.targets(sources)
	if err == nil {
		err = f.spare(sources, targets)
	}
	if err != nil {
		return badInput(err)
	}
	a.limitMemory(c)
	w := workshop{app: a, config: c, maker: maker, fetcher: fetch.New(c.photo.from)}
	defer w.fetcher.CloseIdle()
	results := make([]chan shown, len(sources))
	for i := range results {
		results[i] = make(chan shown, 1)
	}
	ctx, stop := context.WithCancel(ctx)
	var making errgroup.Group
	making.SetLimit(runtime.GOMAXPROCS(0))
	done := make(chan error, 1)
	go func() {
		for i, source := range sources {
			making.Go(func() error {
				results[i] <- w.show(ctx, source, targets[i], f.round)
				return nil
			})
		}
		done <- making.Wait()
	}()
	err = a.tellPhotos(ctx, f, c, results)
	stop()
	return errors.Join(err, <-done)
}

// tellPhotos prints the results as they come; its error carries the exit code.
func (a *app) tellPhotos(ctx context.Context, f photoFlags, c config, results []chan shown) error {
	code := exitDone
	for i := range results {
		s := <-results[i]
		if ctx.Err() != nil {
			return fmt.Errorf("making the photos: %w", context.Cause(ctx))
		}
		if err := a.printPhoto(f, c, s); err != nil {
			return err
		}
		if s.err == nil {
			continue
		}
		for _, line := range problems(s.err) {
			fmt.Fprintln(a.err, "groupphoto: "+line)
		}
		code = worse(code, s.code)
	}
	if code != exitDone {
		return &exitError{code: code}
	}
	return nil
}

// worse prefers what the person can mend.
func worse(a, b int) int {
	if a == exitUsage || b == exitUsage {
		return exitUsage
	}
	return max(a, b)
}

// targets names the file that each source's photo is written to; "" for none.
func (f photoFlags) targets(sources []string) ([]string, error) {
	targets := make([]string, len(sources))
	info, err := os.Stat(f.out)
	folder := f.out != "" && f.out != "-" && (len(sources) > 1 || os.IsPathSeparator(f.out[len(f.out)-1]) || err == nil && info.IsDir())
	if !folder {
		for i := range targets {
			targets[i] = f.out
		}
		return targets, nil
	}
	if err := os.MkdirAll(f.out, 0o750); err != nil {
		return nil, fmt.Errorf("--out: the folder can't be made: %w", bare(err, f.out))
	}
	var taken []string
	for i, source := range sources {
		stem := stem(source)
		name := stem
		for n := 2; slices.Contains(taken, name); n++ {
			name = fmt.Sprintf("%s-%d", stem, n)
		}
		taken = append(taken, name)
		targets[i] = filepath.Join(f.out, name+".jpg")
	}
	return targets, nil
}

// spare refuses to write over a source: what is there may be the only copy.
func (f photoFlags) spare(sources, targets []string) error {
	var r reader
	for _, target := range targets {
		written := []string{target}
		if f.round {
			written = append(written, roundName(target))
		}
		for _, path := range written {
			info, err := os.Stat(path)
			if path == "-" || err != nil {
				continue // nothing is there
			}
			for _, source := range sources {
				if other, err := os.Stat(source); err == nil && os.SameFile(info, other) {
					r.note(fmt.Errorf("--out: the photo would be written over the source %q; give another place", clip(source, 200)))
				}
			}
		}
	}
	return errors.Join(r.problems...)
}

// stem is a file name for the photo of a source, without its ending.
func stem(source string) string {
	switch {
	case source == "-":
		return "stdin"
	case len(source) >= 5 && strings.EqualFold(source[:5], "data:"):
		return "data"
	case strings.Contains(source[:min(len(source), 64)], "://"):
		source, _, _ = strings.Cut(source, "?")
		source, _, _ = strings.Cut(source, "#")
	}
	name := filepath.Base(filepath.FromSlash(source))
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return plain(r)
	}, strings.TrimSuffix(name, filepath.Ext(name)))
	if name == "" || strings.Trim(name, "._ ") == "" {
		return "photo"
	}
	return clip(name, 100)
}
