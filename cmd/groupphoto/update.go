package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
)

// updateFlags are the flags of update.
type updateFlags struct {
	group, photo, id, ref, at              string
	in, expires, wait                      durationFlag
	skipUnchanged, fetchNow, unknown, here bool
}

var errWait = errors.New("--wait: must be more than 0, such as 30s")

// defaultHereWait is how long --here works when --wait does not say.
const defaultHereWait = 5 * time.Minute

func (a *app) updateCommand() *cobra.Command {
	var f updateFlags
	cmd := &cobra.Command{
		Use:   "update --group G --photo P",
		Short: "Change the photo of one group",
		Long: `Change the photo of one group. Without --wait it prints a receipt as soon as the
update is accepted. With --wait it tells on stderr what happens, prints the
outcome, and its exit code says how it ended. With --here it needs neither Redis
nor a worker: all is done in this process, with PLUGCHAT_TOKEN.`,
		Example: `  groupphoto update --group 120363019502650977-group --photo logo.png --wait 5m
  groupphoto update --group 120363019502650977-group --photo https://example.com/logo.png --id order-881`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd, a.redis); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.update(cmd.Context(), f)
		},
	}
	a.outputFlag(cmd)
	a.redisFlag(cmd)
	a.accountFlag(cmd, "`name` of the account (default main)")
	flags := cmd.Flags()
	flags.StringVar(&f.group, "group", "", "`id` of the group, such as 120363019502650977-group")
	flags.StringVar(&f.photo, "photo", "", "the `picture`: a file, a URL, a data URI, - for stdin, or sha256:… of the photo store")
	flags.StringVar(&f.id, "id", "", "`id` of your own: the same call again is then recognised (default: a random one)")
	flags.StringVar(&f.ref, "ref", "", "your own `word` for the update; it travels to the outcome")
	flags.StringVar(&f.at, "at", "", "`time` at which it is due, such as 2026-01-31T18:00:00Z or '2026-01-31 18:00'")
	flags.Var(&f.in, "in", "how long from now it is due, such as 90s, 5m or 2d")
	flags.Var(&f.expires, "expires", "how long after its due time it is still sent (default GROUPPHOTO_EXPIRES)")
	flags.Var(&f.wait, "wait", "wait so long for the end, telling on stderr what happens")
	flags.BoolVar(&f.skipUnchanged, "skip-unchanged", false, "do not call when the group shows this photo already")
	flags.BoolVar(&f.fetchNow, "fetch-now", false, "download a URL now, not when the update's turn comes")
	flags.BoolVar(&f.unknown, "allow-unknown-account", false, "accept an account that no worker has ever served")
	flags.BoolVar(&f.here, "here", false, "do it in this process, without Redis and worker, and wait (5m unless --wait says)")
	return cmd
}

func (f updateFlags) check(cmd *cobra.Command, redis string) error {
	var missing []string
	for _, name := range []string{"group", "photo"} {
		if !cmd.Flags().Changed(name) {
			missing = append(missing, "--"+name)
		}
	}
	changed := cmd.Flags().Changed
	switch {
	case len(missing) == 1:
		return fmt.Errorf("%s is missing", missing[0])
	case len(missing) > 1:
		return fmt.Errorf("%s are missing", strings.Join(missing, " and "))
	case changed("wait") && f.wait <= 0:
		return errWait
	case f.in < 0 || f.in.duration() > enqueue.MaxAhead:
		return errors.New("--in: must be from 0 to 366d, such as 90s, 5m or 2d")
	case changed("expires") && f.expires <= 0:
		return errors.New("--expires: must be more than 0, such as 24h")
	case changed("at") && changed("in"):
		return errors.New("--at and --in contradict each other; give one")
	case f.here && (changed("at") || changed("in")):
		return errors.New("--here sends now; --at and --in need a worker")
	case f.here && redis != "":
		return errors.New("--here brings its own Redis; leave out --redis")
	}
	return nil
}

func (a *app) update(ctx context.Context, f updateFlags) error {
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	u, opts, err := a.wish(ctx, c, f)
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		return badInput(err)
	}
	// All that can be wrong with the input itself, before Redis is asked.
	prepared, err := enqueue.Prepare(u, opts...)
	if err != nil {
		return err
	}
	gp, err := a.open(ctx, c, f.here)
	if err != nil {
		return err
	}
	defer gp.close()
	receipt, err := gp.UpdateGroupPhoto(ctx, u, opts...)
	if errors.Is(err, enqueue.ErrUnavailable) && receipt.ID != "" && !f.here {
		return fmt.Errorf("%w; it may have been accepted: the same command with --id %s sends it once at most", err, receipt.ID)
	}
	if err != nil {
		return err
	}
	switch {
	case f.here && f.wait == 0:
		return a.await(ctx, c, gp, receipt, defaultHereWait, true)
	case f.wait > 0:
		return a.await(ctx, c, gp, receipt, f.wait.duration(), f.here)
	default:
		return a.printReceipt(c, prepared.Update.GroupID, receipt)
	}
}

// open gives a client on the Redis of the settings, or on one inside this
// process with a worker beside it.
func (a *app) open(ctx context.Context, c config, here bool) (*client, error) {
	if here {
		return a.openHere(ctx, c)
	}
	return a.connect(ctx, c)
}

// wish turns the flags into an update.
func (a *app) wish(ctx context.Context, c config, f updateFlags) (enqueue.Update, []enqueue.Option, error) {
	u := enqueue.Update{GroupID: f.group, Account: a.account, Ref: f.ref, By: a.who()}
	var err error
	if u.Photo, err = a.photo(ctx, f.photo); err != nil {
		return u, nil, err
	}
	var opts []enqueue.Option
	add := func(yes bool, o enqueue.Option) {
		if yes {
			opts = append(opts, o)
		}
	}
	add(f.id != "", enqueue.ID(f.id))
	add(f.in != 0, enqueue.In(f.in.duration()))
	add(f.skipUnchanged, enqueue.SkipUnchanged())
	add(f.fetchNow, enqueue.FetchNow())
	add(f.unknown, enqueue.AllowUnknownAccount())
	add(f.expires != 0, enqueue.ExpiresIn(f.expires.duration()))
	add(f.expires == 0, enqueue.ExpiresIn(c.expires))
	if f.at != "" {
		due, err := parseTime(f.at, c.zone)
		if err != nil {
			return u, nil, err
		}
		opts = append(opts, enqueue.At(due))
	}
	return u, opts, nil
}

// parseTime reads a time with its zone, or one in the chosen zone.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at %q: must be a time such as 2026-01-31T18:00:00Z, or '2026-01-31 18:00' in the zone of GROUPPHOTO_TZ", clip(text, 40))
}

// schemeLike finds a URL whose beginning is misspelt. What follows may be secret.
var schemeLike = regexp.MustCompile(`^(?i)https?(:/?|//)`)

// hostLike finds what was meant as a URL and lacks its beginning.
var hostLike = regexp.MustCompile(`^(www\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(:[0-9]+)?/`)

func (a *app) photo(ctx context.Context, text string) (enqueue.Photo, error) {
	switch {
	case text == "-":
		b, err := a.readStdin(ctx)
		if err != nil {
			return enqueue.Photo{}, err
		}
		return enqueue.Bytes(b), nil
	case strings.HasPrefix(text, "sha256:"), strings.HasPrefix(text, "src:sha256:"):
		return enqueue.Stored(text), nil
	case len(text) >= 5 && strings.EqualFold(text[:5], "data:"):
		if _, data, _ := strings.Cut(text, ","); strings.TrimSpace(data) == "" {
			return enqueue.Photo{}, errors.New("--photo: is a data URI with no picture in it; write data:image/jpeg;base64, and the picture in Base64")
		}
		return enqueue.Base64(text), nil
	case strings.Contains(text[:min(len(text), 64)], "://"):
		return enqueue.URL(text), nil
	}
	if err := meantURL(text); err != nil {
		return enqueue.Photo{}, err
	}
	return enqueue.File(text), nil
}

// meantURL tells of a URL without its beginning, which would be taken for a file.
func meantURL(text string) error {
	if _, err := os.Stat(text); schemeLike.MatchString(text) && errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("photo %q…: is neither a URL nor a file; a URL begins with https://", schemeLike.FindString(text))
	}
	if !hostLike.MatchString(text) {
		return nil
	}
	if _, err := os.Stat(text); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	path, _, _ := strings.Cut(text, "?") // what follows may be a signature
	return fmt.Errorf("photo %q: is no file; if it is a URL, write https:// before it", clip(path, 80))
}
