package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// checkFlags are the flags of account check.
type checkFlags struct {
	live, yes, noRedis bool
	group, photo       string
	wait               durationFlag
}

// defaultTurnWait is how long account check --live waits for a turn.
const defaultTurnWait = 2 * time.Minute

func (a *app) accountCheckCommand() *cobra.Command {
	f := checkFlags{wait: durationFlag(defaultTurnWait)}
	cmd := &cobra.Command{
		Use:   "check ACCOUNT",
		Short: "Ask the provider whether an account is connected, or try it on a test group",
		Long: `Ask the provider once whether a configured account is connected to WhatsApp, and
tell how the account stands in Redis. It changes nothing. Exit code 0 when it is
connected, 1 otherwise.

With --live it changes the photo of one group, once, as a worker would: it waits for
its turn, so that the pace of the number and the order of the group hold, and its
outcome is recorded. The request and the answer are shown without token and photo,
and what they mean. A NOTICE OF THE CHANGE APPEARS IN THE GROUP: take a test group.
The exit codes are those of update.`,
		Example: `  groupphoto account check main
  groupphoto account check main --live --group 120363019502650977-group`,
		Args:              arguments("ACCOUNT"),
		ValidArgsFunction: a.completeConfigured,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args[0], a.inTerminal); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.checkAccount(cmd.Context(), f, args[0])
		},
	}
	a.outputFlag(cmd)
	a.redisFlag(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.live, "live", false, "change the photo of one group, and show the exchange")
	flags.StringVar(&f.group, "group", "", "with --live: `id` of the test group")
	flags.StringVar(&f.photo, "photo", "", "with --live: the `picture`: a file, a URL, a data URI or - (default: a sample)")
	flags.Var(&f.wait, "wait", "with --live: wait so long for the turn")
	flags.BoolVar(&f.yes, "yes", false, "with --live: do not ask; needed where stdin is no terminal")
	flags.BoolVar(&f.noRedis, "no-redis", false, "with --live: call without a turn and without a record; other calls of the number are not waited for")
	return cmd
}

func (f checkFlags) check(cmd *cobra.Command, name string, terminal bool) error {
	if err := tasks.CheckAccount(name); err != nil {
		return err
	}
	changed := cmd.Flags().Changed
	if !f.live {
		for _, flag := range []string{"group", "photo", "wait", "yes", "no-redis"} {
			if changed(flag) {
				return fmt.Errorf("--%s is for --live", flag)
			}
		}
		return nil
	}
	switch {
	case f.group == "":
		return errors.New("--live needs --group: the id of a test group")
	case changed("photo") && f.photo == "":
		return errors.New("--photo: is empty; leave it out to send a sample")
	case f.wait <= 0 || f.wait.duration() > 24*time.Hour:
		return errors.New("--wait: must be more than 0 and at most 1d, such as 2m")
	case f.noRedis && (changed("redis") || changed("wait")):
		return errors.New("--no-redis takes no turn; leave out --redis and --wait")
	case !f.yes && (!terminal || f.photo == "-"):
		return errors.New("--live changes a real group, and there is nobody to ask; say --yes")
	}
	return nil
}

func (a *app) checkAccount(ctx context.Context, f checkFlags, name string) error {
	// What the library wants to say is in the answer, in better words.
	redisconn.SetLibraryLogger(slog.New(slog.DiscardHandler))
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	chosen, err := chooseSound(c, name)
	if err != nil {
		return err
	}
	if f.live {
		return a.checkLive(ctx, c, chosen, f)
	}
	caller, err := newCaller(chosen, statusTimeout)
	if err != nil {
		return badInput(fmt.Errorf("account %s: %w", name, err))
	}
	defer caller.CloseIdle()
	facts := askStatus(ctx, caller, chosen)
	facts.Redis = a.lookInRedis(ctx, c, name)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := a.printCheck(c, facts); err != nil {
		return err
	}
	if facts.Connected == nil || !*facts.Connected {
		return &exitError{code: exitFailure}
	}
	return nil
}

// completeConfigured offers the accounts that can be checked to the shell.
func (a *app) completeConfigured(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	c, err := a.config(cmd.Context(), nil)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	sound, _ := c.accounts() // a shell must not be told errors
	for _, account := range sound {
		if strings.HasPrefix(account.name, begun) {
			names = append(names, account.name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// chooseSound finds an account that can be worked with, whatever is wrong with
// others.
func chooseSound(c config, name string) (account, error) {
	sound, problems := c.accounts()
	if slices.ContainsFunc(sound, func(a account) bool { return a.name == name }) || problems == nil {
		return choose(sound, name)
	}
	return account{}, problems
}

// checkFacts is the JSON of account check.
type checkFacts struct {
	Account     string    `json:"account"`
	BaseURL     string    `json:"baseURL"`
	Connected   *bool     `json:"connected"` // null when the provider could not be asked
	Detail      string    `json:"detail"`    // the provider's own words, or why it could not be asked
	Reason      string    `json:"reason"`
	Mend        string    `json:"mend"`
	RoundTripMs int64     `json:"roundTripMs"`
	Redis       redisSays `json:"redis"`

	took time.Duration
}

// redisSays is how the account stands in Redis: what account list tells, all of it
// empty when Redis could not be looked at.
type redisSays struct {
	Address   string `json:"address"`
	Reachable bool   `json:"reachable"`
	Problem   string `json:"problem"`
	laneFacts

	lane enqueue.Lane
}

// askStatus asks the provider once.
func askStatus(ctx context.Context, caller *plugchat.Client, a account) checkFacts {
	facts := checkFacts{Account: a.name, BaseURL: hide(a.token, a.baseURL)}
	began := time.Now()
	s, err := caller.Status(ctx)
	facts.took = time.Since(began)
	facts.RoundTripMs = facts.took.Milliseconds()
	switch e, known := errors.AsType[*plugchat.Error](err); {
	case known:
		facts.Detail, facts.Reason = e.Error(), e.Reason
	case err != nil:
		facts.Detail = err.Error()
	default:
		facts.Connected, facts.Detail = &s.Connected, s.Detail
		if !s.Connected {
			facts.Reason = plugchat.ReasonDisconnected
		}
	}
	facts.Mend = statusMend(facts.Reason)
	return facts
}

// lookInRedis tells how an account stands in Redis, as far as Redis answers. It
// reads only.
func (a *app) lookInRedis(ctx context.Context, c config, name string) redisSays {
	says := redisSays{Address: c.redis.String(), laneFacts: laneFacts{Account: name, Owners: []string{}}}
	if c.redis.Embedded() {
		says.Problem = "an embedded Redis exists only inside the process that brings it"
		return says
	}
	rdb, err := redisconn.Open(ctx, c.redis, redisconn.Options{Name: "groupphoto-check"})
	if err != nil {
		says.Problem = err.Error()
		return says
	}
	defer rdb.Close() //nolint:errcheck // nothing was written
	_, err = redisconn.Check(ctx, rdb)
	if err == nil {
		says.lane, err = findLane(ctx, rdb, c.keep, name)
	}
	if err != nil {
		says.Problem = err.Error()
		return says
	}
	says.Reachable, says.laneFacts = true, factsOf(says.lane)
	return says
}

// findLane tells all of an account of which only the name is known, as
// enqueue.Client.Lanes would. It reads only: to look at a database must not make it
// one of ours.
func findLane(ctx context.Context, rdb redis.UniversalClient, keep time.Duration, name string) (enqueue.Lane, error) {
	l := ledger.New(rdb, keep)
	known, err := l.Accounts(ctx)
	if err != nil {
		return enqueue.Lane{}, err
	}
	account := enqueue.Account{Name: name}
	for _, k := range known {
		if k.Name == name {
			account = enqueue.Account{Name: name, LastSeen: k.LastSeen, Served: k.Served}
		}
	}
	lane, err := laneOf(ctx, l, account)
	if err != nil {
		return enqueue.Lane{}, err
	}
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	queues, err := inspector.Queues()
	if err != nil {
		return enqueue.Lane{}, fmt.Errorf("listing the queues: %w", err)
	}
	for _, queue := range []string{tasks.Queue(name), tasks.BulkQueue(name)} {
		if !slices.Contains(queues, queue) {
			continue
		}
		info, err := inspector.GetQueueInfo(queue)
		if err != nil {
			return enqueue.Lane{}, fmt.Errorf("asking asynq about queue %s: %w", queue, err)
		}
		lane.Waiting += info.Pending + info.Active
		lane.Later += info.Scheduled + info.Retry
		lane.Archived += info.Archived
	}
	return lane, nil
}

func (a *app) printCheck(c config, f checkFacts) error {
	if a.json() {
		return printJSON(a.out, f)
	}
	word := "not asked"
	if f.Connected != nil {
		word = map[bool]string{true: "connected", false: "not connected"}[*f.Connected]
	}
	pairs := []string{word, fmt.Sprintf("%s at %s", f.Account, f.BaseURL), "PlugChat says", f.Detail, "round trip", short(f.took), "mend", f.Mend}
	if f.Connected == nil {
		pairs[2] = "why"
	}
	if !f.Redis.Reachable {
		return printFields(a.out, append(pairs, "Redis", "not looked at: "+f.Redis.Problem)...)
	}
	pairs = append(pairs, "Redis", f.Redis.Address, "account", laneState(f.Redis.lane)+", "+attended(c, f.Redis.lane), "updates", counts(f.Redis.lane))
	for _, line := range heldUp(c, f.Redis.lane) {
		pairs = append(pairs, "held up", line)
	}
	return printFields(a.out, pairs...)
}
