package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

// campaignCommand is the group of all that is done with campaigns.
func (a *app) campaignCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "campaign",
		Short: "Change the photos of many groups, from a spreadsheet",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return &usageError{cmd.CommandPath(), unknownCommand(cmd, args[0])}
		},
	}
	cmd.AddCommand(a.campaignCheckCommand(), a.campaignStartCommand(), a.campaignRunCommand())
	cmd.AddCommand(append(a.campaignLooks(), a.campaignActs()...)...)
	return cmd
}

// sheetFlags are those of every command that reads a campaign's sheet.
type sheetFlags struct {
	photo, rejects        string
	skipInvalid, absolute bool
	lang                  string
	groupsFlags

	folder string    // that photo files are named relative to; "": the sheet's own
	copy   io.Writer // gets what is read of the sheet; nil: nobody does
}

func (a *app) sheetFlags(cmd *cobra.Command, f *sheetFlags) {
	a.outputFlag(cmd)
	a.accountFlag(cmd, "`name` of the account for rows that name none (default main)")
	flags := cmd.Flags()
	flags.StringVar(&f.photo, "photo", "", "the `picture` for rows that name none: a file, a URL or a data URI")
	flags.BoolVar(&f.skipInvalid, "skip-invalid", false, "be content with the rows that are good")
	flags.StringVar(&f.rejects, "rejects", "", "write the rows with problems, and the reasons, into this `file`")
	flags.BoolVar(&f.absolute, "absolute", false, "allow absolute paths of photo files in the sheet")
	a.groupsFlags(cmd, &f.groupsFlags)
	a.langFlag(cmd, &f.lang)
}

// openSheet opens the file of a campaign, or stdin, and recognises it. who gives its
// rows to accounts; nil is --account for all that name none.
func (a *app) openSheet(ctx context.Context, path string, f sheetFlags, who *roster) (*sheet.Reader, io.Closer, error) {
	opts := sheet.Options{PhotoGiven: f.photo != "", Account: a.accountName(), AllowAbsolute: f.absolute}
	if who != nil {
		opts.Placer = who
	}
	if path == "-" {
		r, err := sheet.Open(&impatient{ctx: ctx, r: a.in}, opts)
		return r, io.NopCloser(nil), err
	}
	opts.Folder = cmp.Or(f.folder, filepath.Dir(path))
	file, err := openRegular(path)
	if err != nil {
		return nil, nil, badInput(err)
	}
	var from io.Reader = file
	if f.copy != nil {
		from = io.TeeReader(file, f.copy)
	}
	r, err := sheet.Open(from, opts)
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return r, file, nil
}

// openRegular opens a file that can be read as a stream: no folder, device or
// pipe, which could wait for ever.
func openRegular(path string) (*os.File, error) {
	fail := func(err error) (*os.File, error) {
		return nil, fmt.Errorf("the file cannot be read: %w", bare(err, path))
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fail(err)
	case info.Mode()&os.ModeNamedPipe != 0:
		return fail(errors.New("is a pipe; give - and let it write to stdin"))
	case !info.Mode().IsRegular():
		return fail(readable(info.Mode()))
	}
	file, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	return file, nil
}

// impatient reads stdin, on which a person may never end the input: when the
// command is interrupted, what reads is left behind until the process ends.
type impatient struct {
	ctx  context.Context //nolint:containedctx // that of the one run it reads for
	r    io.Reader
	buf  [64 << 10]byte
	left []byte
	err  error
}

// Read returns what came, or the end of the context.
func (i *impatient) Read(p []byte) (int, error) {
	if len(i.left) == 0 && i.err == nil {
		type got struct {
			n   int
			err error
		}
		done := make(chan got, 1)
		go func() {
			n, err := i.r.Read(i.buf[:])
			done <- got{n, err}
		}()
		select {
		case g := <-done:
			i.left, i.err = i.buf[:g.n], g.err
		case <-i.ctx.Done():
			i.err = context.Cause(i.ctx) // the buffer belongs to whoever was left behind
		}
	}
	n := copy(p, i.left)
	i.left = i.left[n:]
	if len(i.left) > 0 {
		return n, nil
	}
	return n, i.err
}
