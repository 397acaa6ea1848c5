package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

//go:embed campaign_name.lua
var campaignNameLua string

//go:embed campaign_chunk.lua
var campaignChunkLua string

//go:embed campaign_seal.lua
var campaignSealLua string

//go:embed campaign_ready.lua
var campaignReadyLua string

//go:embed campaign_letgo.lua
var campaignLetGoLua string

var (
	campaignNameScript  = newScript(campaignNameLua)
	campaignChunkScript = newRowScript(campaignChunkLua)
	campaignSealScript  = newRowScript(campaignSealLua)
	campaignReadyScript = newScript(campaignReadyLua)
	campaignLetGoScript = newScript(campaignLetGoLua)
)

const (
	// acceptLease is how long nobody else may accept a campaign of the same name
	// after its acceptor was heard of last.
	acceptLease = time.Minute
	// acceptChunks go out together, acceptTrips at a time.
	acceptChunks, acceptTrips = 16, 2
)

// CampaignRequest asks for a campaign to be accepted.
type CampaignRequest struct {
	Name, By string
	// Settings are kept as they are.
	Settings string
	// Start is when its first row may go; zero: at once. Expires is required.
	Start, Expires time.Time
	SkipUnchanged  bool
	// Trial is how many rows per account may go before somebody resumes; 0: all.
	Trial int
	// Again accepts a campaign once more that was accepted under this name before.
	// The rows must be the same.
	Again bool
}

// AcceptedCampaign is what became of a CampaignRequest.
type AcceptedCampaign struct {
	Campaign
	// Before says that the same campaign had been accepted earlier: nothing was
	// changed.
	Before bool
	// Kept is how many rows an accepting that broke off had left, which were not
	// sent again.
	Kept int64
}

// AcceptCampaign takes a campaign in, many rows per round trip. It is accepted when
// it is whole, and only then: what a crash leaves runs never, and the same call
// goes on from there. A name that stands for the same rows and photos already
// gives the campaign as it is, with Before; one that stands for others gives a
// *CampaignDiffersError. An error among the rows ends it. Other errors:
// ErrCampaignBusy while another process accepts this name, and Redis'.
func (l *Ledger) AcceptCampaign(ctx context.Context, r CampaignRequest, rows iter.Seq2[CampaignRow, error]) (AcceptedCampaign, error) {
	a := &accepting{
		l: l, request: r, token: rand.Text(), digest: newRowDigest(),
		until: time.Now().Add(time.Until(r.Expires) + l.keep + Outlive), open: map[string]*packer{}, parts: map[string]*acceptedPart{},
	}
	follows := ""
	if r.Again {
		c, err := l.Campaign(ctx, r.Name)
		if err != nil && !errors.Is(err, ErrNoCampaign) {
			return AcceptedCampaign{}, err
		}
		follows = c.ID
	}
	a.follows = follows
	there, err := a.name(ctx)
	if err != nil {
		return AcceptedCampaign{}, err
	}
	if there != "" {
		return l.compareCampaign(ctx, there, rows)
	}
	if err := a.take(ctx, rows); err != nil {
		a.letGo(ctx)
		return AcceptedCampaign{}, err
	}
	accepted, err := a.finish(ctx)
	if err != nil {
		a.letGo(ctx)
	}
	return accepted, err
}

// letGo gives the right to accept back at once, so that whoever has mended what was
// wrong need not wait for the lease to end. What is in Redis stays for them.
func (a *accepting) letGo(ctx context.Context) {
	const enough = 2 * time.Second // Redis may be what was wrong
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enough)
	defer cancel()
	_, _ = a.l.run(ctx, "giving back the right to accept", campaignLetGoScript, []string{keyHead(a.id)}, a.token) // else the lease ends by itself
}

// accepting is one run of AcceptCampaign.
type accepting struct {
	l       *Ledger
	request CampaignRequest
	token   string
	follows string
	id      string
	epoch   int64
	heard   time.Time // when the lease was asked for last
	until   time.Time
	digest  *rowDigest

	open  map[string]*packer // the chunk that each account's rows go into
	full  []*packer
	next  int64 // chunk
	total int64
	line  int64

	mu    sync.Mutex
	parts map[string]*acceptedPart
	kept  int64
}

// acceptedPart is what is known of a part while it is filled.
type acceptedPart struct {
	rows   int64
	chunks map[string]bool   // ours
	before map[string]string // digests of what was there, by chunk
}

// name asks for the right to accept, or prolongs it. there is the campaign that
// has the name.
func (a *accepting) name(ctx context.Context) (there string, err error) {
	id := a.id
	if id == "" {
		id = strings.ToLower(rand.Text()[:13])
	}
	answer, err := a.l.run(ctx, "beginning to accept a campaign", campaignNameScript, []string{keyHeadNames, keyHeads},
		a.request.Name, id, a.token, millis(acceptLease), a.follows)
	if err != nil {
		return "", err
	}
	switch answer.text(0) {
	case "there":
		return answer.text(1), nil
	case "busy":
		return "", fmt.Errorf("campaign %q is being accepted; try again in %s: %w", a.request.Name, answer.duration(2).Round(time.Second), ErrCampaignBusy)
	}
	a.heard = time.Now()
	if a.id != "" && (a.id != answer.text(1) || a.epoch != answer.number(2)) {
		return "", a.lost()
	}
	a.id, a.epoch = answer.text(1), answer.number(2)
	return "", nil
}

func (a *accepting) lost() error {
	return fmt.Errorf("campaign %q: another process has taken over accepting it: %w", a.request.Name, ErrCampaignBusy)
}

// take packs the rows and sends chunks as they fill.
func (a *accepting) take(ctx context.Context, rows iter.Seq2[CampaignRow, error]) error {
	trips, ctx := errgroup.WithContext(ctx)
	trips.SetLimit(acceptTrips)
	err := a.pack(ctx, trips, rows)
	if sent := trips.Wait(); sent != nil { // the cause, where the other is that ctx ended
		return sent
	}
	return err
}

func (a *accepting) pack(ctx context.Context, trips *errgroup.Group, rows iter.Seq2[CampaignRow, error]) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		if row.Line <= a.line {
			return fmt.Errorf("row of line %d comes after line %d: lines must rise", row.Line, a.line)
		}
		a.line = row.Line
		a.total++
		a.digest.add(row)
		p := a.open[row.Account]
		if p == nil {
			p = &packer{account: row.Account, chunk: a.next}
			a.open[row.Account] = p
			a.next++
		}
		if p.add(row); p.count == chunkWidth {
			delete(a.open, row.Account)
			if err := a.send(ctx, trips, p); err != nil {
				return err
			}
		}
	}
	for _, p := range a.open {
		if err := a.send(ctx, trips, p); err != nil {
			return err
		}
	}
	return a.flush(ctx, trips)
}

func (a *accepting) send(ctx context.Context, trips *errgroup.Group, p *packer) error {
	a.full = append(a.full, p)
	if len(a.full) < acceptChunks {
		return nil
	}
	return a.flush(ctx, trips)
}

func (a *accepting) flush(ctx context.Context, trips *errgroup.Group) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if time.Since(a.heard) > acceptLease/3 {
		there, err := a.name(ctx)
		if err != nil {
			return err
		}
		if there != "" {
			return a.lost()
		}
	}
	some := a.full
	a.full = nil
	if len(some) > 0 {
		trips.Go(func() error { return a.trip(ctx, some) })
	}
	return nil
}

// trip sends chunks, those of one account in one script.
func (a *accepting) trip(ctx context.Context, some []*packer) error {
	calls := map[string][]any{}
	for _, p := range some {
		part, err := a.part(ctx, p.account)
		if err != nil {
			return err
		}
		b := p.bytes()
		sum := sha256.Sum256(b)
		n, digest := strconv.FormatInt(p.chunk, 10), string(sum[:12])
		a.mu.Lock()
		part.rows += int64(p.count)
		part.chunks[n] = true
		there := part.before[n] == digest
		if there {
			a.kept += int64(p.count)
		}
		a.mu.Unlock()
		if !there {
			calls[p.account] = append(calls[p.account], n, p.count, digest, b)
		}
	}
	answers := make([]*redis.Cmd, 0, len(calls))
	err := pipelined(ctx, a.l.rdb, campaignChunkScript, func(p redis.Pipeliner) {
		answers = answers[:0]
		for account, chunks := range calls {
			args := append([]any{a.epoch, unixMillis(a.until)}, chunks...)
			answers = append(answers, campaignChunkScript.EvalSha(ctx, p, []string{keyPart(account, a.id)}, args...))
		}
	})
	if err != nil {
		return fmt.Errorf("sending rows of the campaign: %w", err)
	}
	for _, answer := range answers {
		if list, _ := answer.Slice(); reply(list).text(0) != "ok" {
			return a.lost()
		}
	}
	return nil
}

// part returns what is known of an account's part. What an accepting that broke
// off has left is looked up once.
func (a *accepting) part(ctx context.Context, account string) (*acceptedPart, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.parts[account]; p != nil {
		return p, nil
	}
	p := &acceptedPart{chunks: map[string]bool{}}
	if a.epoch > 1 {
		// The earlier one is locked out first: what it has on its way must not come after the look.
		answer, err := a.l.run(ctx, "taking over a campaign", campaignChunkScript, []string{keyPart(account, a.id)}, a.epoch, unixMillis(a.until))
		if err != nil {
			return nil, err
		}
		if answer.text(0) != "ok" {
			return nil, a.lost()
		}
		if p.before, err = a.l.rdb.HGetAll(ctx, keyPart(account, a.id)+":sums").Result(); err != nil {
			return nil, fmt.Errorf("looking for rows that are there already: %w", err)
		}
	}
	a.parts[account] = p
	return p, nil
}

// finish seals every part, makes the campaign known, and opens it.
func (a *accepting) finish(ctx context.Context) (AcceptedCampaign, error) {
	if a.total == 0 {
		return AcceptedCampaign{}, fmt.Errorf("campaign %q: %w", a.request.Name, ErrNoRow)
	}
	accounts := make([]string, 0, len(a.parts))
	for account := range a.parts {
		accounts = append(accounts, account)
	}
	slices.Sort(accounts)
	if err := a.l.eachPart(ctx, accounts, func(account string) error { return a.seal(ctx, account) }); err != nil {
		return AcceptedCampaign{}, err
	}
	r := a.request
	fields := []any{
		a.token, a.digest.sum(), a.id, r.Name, unixMillis(a.until), r.By,
		"accounts", strings.Join(accounts, " "), "total", a.total, "places", a.next * chunkWidth, "home", a.next, "settings", r.Settings,
		"start", unixMillis(r.Start), "expires", unixMillis(r.Expires), "skip", flag(r.SkipUnchanged), "trial", r.Trial,
	}
	answer, err := a.l.run(ctx, "accepting the campaign", campaignReadyScript,
		[]string{keyHead(a.id), keyHeadNames, keyHeadKnown, keyHead(a.follows), keyHeadLog(a.id)}, fields...)
	if err != nil {
		return AcceptedCampaign{}, err
	}
	switch answer.text(0) {
	case "lost":
		return AcceptedCampaign{}, a.lost()
	case "differs":
		return AcceptedCampaign{}, &CampaignDiffersError{Name: r.Name, After: a.total}
	}
	c, err := a.l.Campaign(ctx, a.id)
	if err != nil {
		return AcceptedCampaign{}, err
	}
	return AcceptedCampaign{Campaign: c, Kept: a.kept}, a.l.ApplyCampaign(ctx, c)
}

func (a *accepting) seal(ctx context.Context, account string) error {
	p, part := a.parts[account], keyPart(account, a.id)
	args := []any{a.epoch, unixMillis(a.until), a.next * chunkWidth}
	for n := range p.before {
		if !p.chunks[n] {
			args = append(args, n)
		}
	}
	answer, err := a.l.run(ctx, "completing the campaign", campaignSealScript, []string{part, keyCampaigns(account)}, args...)
	switch {
	case err != nil:
		return err
	case answer.text(0) == "lost":
		return a.lost()
	case answer.number(1) != p.rows:
		return fmt.Errorf("completing the campaign: account %s has %d rows in Redis and %d were sent", account, answer.number(1), p.rows)
	}
	return nil
}

// pipelined sends script calls in one round trip; a Redis that does not know the
// script is told it first. The calls are made a second time then.
func pipelined(ctx context.Context, rdb redis.UniversalClient, script *redis.Script, calls func(redis.Pipeliner)) error {
	for again := false; ; again = true {
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			calls(p)
			return nil
		})
		if err == nil || again || !redis.HasErrorPrefix(err, "NOSCRIPT") {
			return err
		}
		if err := script.Load(ctx, rdb).Err(); err != nil {
			return err
		}
	}
}
