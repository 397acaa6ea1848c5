package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// RowView is a row with where it stands.
type RowView struct {
	Row   int64 // its number
	Given CampaignRow
	Feed  int64 // its latest feed number, which a new pass raises too; 0: never fed
	State tasks.State
	// End is how it ended; its State is "" before that.
	End RowEnd
}

// RowFilter chooses rows. The zero value is all.
type RowFilter struct {
	States   []tasks.State
	Accounts []string
	// After leaves out rows up to this line, at the cost of one look at each chunk.
	After int64
}

// readChunks are read in one round trip of each stretch, shared between stretches.
const readChunks = 8

// CampaignRows gives a campaign's rows in the order of their lines, each with
// where it stands when its chunk is read: 8,000 rows or fewer at a time. Rows that are on
// their way between two accounts are left out. After an error nothing more comes.
func (l *Ledger) CampaignRows(ctx context.Context, c Campaign, f RowFilter) iter.Seq2[RowView, error] {
	return func(yield func(RowView, error) bool) {
		stretches, err := l.stretches(ctx, c, f)
		if err == nil {
			err = merge(ctx, stretches, func(r RowView) bool { return yield(r, nil) })
		}
		if err != nil {
			yield(RowView{}, err)
		}
	}
}

// stretch is a number of chunks of one part whose lines rise.
type stretch struct {
	l      *Ledger
	part   *partReader
	filter RowFilter
	chunks []int64 // not read yet
	ahead  int     // how many to read at a time
	read   []chunkStrings
	rows   []RowView // of the chunk that is being given
}

type chunkStrings struct {
	n          int64
	r, s, f, d *redis.StringCmd
}

func (l *Ledger) stretches(ctx context.Context, c Campaign, f RowFilter) ([]*stretch, error) {
	var all []*stretch
	for _, account := range c.Accounts {
		if len(f.Accounts) > 0 && !slices.Contains(f.Accounts, account) {
			continue
		}
		chunks, err := l.chunksOf(ctx, account, c.ID)
		if err != nil {
			return nil, err
		}
		part := l.readerOf(c, account)
		runs, err := l.rising(ctx, part.key, chunks, c.home, f.After)
		if err != nil {
			return nil, err
		}
		for _, run := range runs {
			all = append(all, &stretch{l: l, part: part, filter: f, chunks: run})
		}
	}
	for _, s := range all {
		s.ahead = max(1, readChunks/len(all))
	}
	return all, nil
}

// rising splits the chunks of a part into runs whose lines rise, without chunks
// that end before the line after. Those that were accepted are such a run; what
// moves brought is sorted into few.
func (l *Ledger) rising(ctx context.Context, part string, chunks []int64, home, after int64) ([][]int64, error) {
	moved, _ := slices.BinarySearch(chunks, home)
	if moved == len(chunks) && after <= 0 {
		return [][]int64{chunks}, nil
	}
	heads := make([]*redis.StringCmd, len(chunks))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, n := range chunks {
			heads[i] = p.GetRange(ctx, chunkKey(part, 'r', n), 0, packedHead-1)
		}
		return nil
	}); err != nil && len(chunks) > 0 {
		return nil, fmt.Errorf("looking for a line: %w", err)
	}
	var runs [][]int64
	var ends []int64 // the last line of each run
	for i, n := range chunks {
		first, last := linesOf(heads[i].Val())
		if last <= after {
			continue
		}
		run := slices.IndexFunc(ends, func(end int64) bool { return end < first })
		if run < 0 {
			run = len(runs)
			runs, ends = append(runs, nil), append(ends, 0)
		}
		runs[run], ends[run] = append(runs[run], n), last
	}
	return runs, nil
}

func (l *Ledger) chunksOf(ctx context.Context, account, campaign string) ([]int64, error) {
	scored, err := l.rdb.ZRangeWithScores(ctx, keyPart(account, campaign)+":chunks", 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("listing the rows of account %s: %w", account, err)
	}
	chunks := make([]int64, len(scored))
	for i, z := range scored {
		chunks[i] = int64(z.Score)
	}
	return chunks, nil
}

// merge gives the rows of all stretches by line.
func merge(ctx context.Context, stretches []*stretch, give func(RowView) bool) error {
	for {
		var first *stretch
		for _, s := range stretches {
			more, err := s.load(ctx)
			if err != nil {
				return err
			}
			if more && (first == nil || s.rows[0].Given.Line < first.rows[0].Given.Line) {
				first = s
			}
		}
		if first == nil {
			return nil
		}
		for len(stretches) == 1 && len(first.rows) > 1 { // nobody to compare with
			if !give(first.rows[0]) {
				return nil
			}
			first.rows = first.rows[1:]
		}
		if !give(first.rows[0]) {
			return nil
		}
		first.rows = first.rows[1:]
	}
}

// load sees to it that there is a row to give, and says whether there is.
func (s *stretch) load(ctx context.Context) (bool, error) {
	for len(s.rows) == 0 {
		if len(s.read) == 0 {
			if len(s.chunks) == 0 {
				return false, nil
			}
			if err := s.fetch(ctx); err != nil {
				return false, err
			}
		}
		c := s.read[0]
		s.read = s.read[1:]
		var err error
		if s.rows, err = s.part.views(ctx, c, s.filter); err != nil {
			return false, fmt.Errorf("reading rows %d…: %w", c.n*chunkWidth+1, err)
		}
	}
	return true, nil
}

// fetch reads the next chunks, all strings of them at one moment.
func (s *stretch) fetch(ctx context.Context) error {
	n := min(s.ahead, len(s.chunks))
	_, err := s.l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, chunk := range s.chunks[:n] {
			get := func(kind byte) *redis.StringCmd { return p.Get(ctx, chunkKey(s.part.key, kind, chunk)) }
			s.read = append(s.read, chunkStrings{chunk, get('r'), get('s'), get('f'), get('d')})
		}
		return nil
	})
	s.chunks = s.chunks[n:]
	if err != nil && !errors.Is(err, redis.Nil) { // chunks without feeds or ends
		return fmt.Errorf("reading the campaign's rows: %w", err)
	}
	return nil
}

// partReader makes views of what lies in one part.
type partReader struct {
	l        *Ledger
	key      string
	account  string
	closed   tasks.State
	closedAt time.Time
	words    map[int64]string
}

func (p *partReader) views(ctx context.Context, c chunkStrings, f RowFilter) ([]RowView, error) {
	rows, err := unpack(p.account, []byte(c.r.Val()))
	if err != nil {
		return nil, err
	}
	states, feeds, ends := c.s.Val(), c.f.Val(), c.d.Val()
	if len(states) != len(rows) {
		return nil, fmt.Errorf("%d states for %d rows: %w", len(states), len(rows), errPacked)
	}
	if err := p.learn(ctx, states, ends); err != nil {
		return nil, err
	}
	views := make([]RowView, 0, len(rows))
	for i, row := range rows {
		state, here := letters[states[i]]
		if (state == tasks.Waiting || state == tasks.Retrying) && p.closed != "" {
			state = p.closed
		}
		if !here || row.Line <= f.After || len(f.States) > 0 && !slices.Contains(f.States, state) {
			continue
		}
		v := RowView{Row: c.n*chunkWidth + int64(i) + 1, Given: row, State: state}
		if at := i * feedWidth; at+feedWidth <= len(feeds) {
			v.Feed = int64(lowFirst(feeds[at : at+feedWidth])) //nolint:gosec // three bytes
		}
		if state.Ended() {
			v.End = p.end(state, ends, i)
		}
		views = append(views, v)
	}
	return views, nil
}

// where the numbers of words lie in an end: reason, detail, photo, previous photo.
var wordsAt = [4]int{16, 19, 22, 25}

// learn looks up the words that a chunk's ends use and that are not known yet.
func (p *partReader) learn(ctx context.Context, states, ends string) error {
	var unknown []string
	for i := range len(states) {
		at := i * endWidth
		if at+endWidth > len(ends) || !letters[states[i]].Ended() {
			continue
		}
		for _, w := range wordsAt {
			n := int64(lowFirst(ends[at+w : at+w+3])) //nolint:gosec // three bytes
			if _, known := p.words[n]; n != 0 && !known {
				p.words[n] = ""
				unknown = append(unknown, strconv.FormatInt(n, 10))
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	texts, err := p.l.rdb.HMGet(ctx, p.key+":words", unknown...).Result()
	if err != nil {
		return fmt.Errorf("reading reasons and photos: %w", err)
	}
	for i, name := range unknown {
		n, _ := strconv.ParseInt(name, 10, 64) // written above
		p.words[n], _ = texts[i].(string)
	}
	return nil
}

// end reads one end; a row that was closed with others has none of its own.
func (p *partReader) end(state tasks.State, ends string, i int) RowEnd {
	e := RowEnd{State: state}
	at := i * endWidth
	if at+endWidth <= len(ends) && ends[at:at+endWidth] != noEnd {
		return p.readEnd(state, ends[at:at+endWidth])
	}
	switch state {
	case tasks.Cancelled:
		e.Reason, e.FinishedAt = tasks.Stopped, p.closedAt
	case tasks.Expired:
		e.Reason, e.FinishedAt = tasks.ExpiredTime, p.closedAt
	}
	return e
}

var noEnd = string(make([]byte, endWidth))

func (p *partReader) readEnd(state tasks.State, b string) RowEnd {
	word := func(i int) string { return p.words[int64(lowFirst(b[wordsAt[i]:wordsAt[i]+3]))] } //nolint:gosec // three bytes
	e := RowEnd{
		State: state, Attempts: int(lowFirst(b[2:4])), HTTPStatus: int(lowFirst(b[4:6])), //nolint:gosec // two bytes
		FinishedAt: fromMillis(int64(lowFirst(b[6:12]))), Took: time.Duration(lowFirst(b[12:16])) * time.Millisecond, //nolint:gosec // short
		Reason: tasks.Reason(word(0)), Detail: word(1), Photo: unpackPhoto(word(2)), PreviousPhoto: unpackPhoto(word(3)),
	}
	if said := lowFirst(b[0:2]); said > 0 {
		value := said == 2
		e.Value = &value
	}
	return e
}

// lowFirst reads a number as rows.lua packs it.
func lowFirst(b string) (n uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n
}

// Row reads one row by its update's id, whichever account it is with; the feed
// number does not matter. A row that moved is found under its new number only.
// Errors: ErrNoCampaign, ErrNoRow, and Redis'.
func (l *Ledger) Row(ctx context.Context, id tasks.RowID) (RowView, error) {
	c, err := l.Campaign(ctx, id.Campaign)
	if err != nil {
		return RowView{}, err
	}
	n, at := chunkOf(id.Row)
	found := make([]*redis.IntCmd, len(c.Accounts))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, account := range c.Accounts {
			found[i] = p.StrLen(ctx, chunkKey(keyPart(account, c.ID), 's', n))
		}
		return nil
	}); err != nil {
		return RowView{}, fmt.Errorf("looking for row %s: %w", id, err)
	}
	i := slices.IndexFunc(found, func(rows *redis.IntCmd) bool { return int64(at) < rows.Val() })
	if i < 0 {
		return RowView{}, fmt.Errorf("row %s: %w", id, ErrNoRow)
	}
	s := &stretch{l: l, part: l.readerOf(c, c.Accounts[i]), chunks: []int64{n}, ahead: 1}
	if _, err := s.load(ctx); err != nil {
		return RowView{}, err
	}
	if i = slices.IndexFunc(s.rows, func(r RowView) bool { return r.Row == id.Row }); i < 0 {
		return RowView{}, fmt.Errorf("row %s is with another account now: %w", id, ErrNoRow)
	}
	return s.rows[i], nil
}

func (l *Ledger) readerOf(c Campaign, account string) *partReader {
	return &partReader{l: l, key: keyPart(account, c.ID), account: account, closed: c.Closed, closedAt: c.ClosedAt, words: map[int64]string{}}
}
