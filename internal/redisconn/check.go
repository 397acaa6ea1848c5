package redisconn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrTooOld says that the server is older than Redis 6.2, the first whose
// ZRANGE the engine's archive script can use.
var ErrTooOld = errors.New("this Redis is older than 6.2, which the engine needs; upgrade it (Valkey serves as well)")

// Level says how much a [Finding] matters.
type Level string

// The levels: an error breaks a promise, a warning weakens one, an info is
// good to know.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelInfo    Level = "info"
)

// Finding is one thing to know about a server. Both texts are sentences for
// people, without a full stop; Mend is empty where there is nothing to do.
type Finding struct {
	Level Level
	What  string
	Mend  string
}

// Persistence says what a crash of the server can lose.
type Persistence string

// What can be lost, from nothing to everything.
const (
	PersistenceAlways   Persistence = "always"                  // nothing that was acknowledged
	PersistenceEverySec Persistence = "about two seconds"       // appendfsync everysec
	PersistenceOS       Persistence = "about half a minute"     // appendfsync no: the kernel decides
	PersistenceSnapshot Persistence = "until the last snapshot" // RDB files only
	PersistenceNone     Persistence = "none"                    // everything is lost at a restart
	PersistenceUnknown  Persistence = "unknown"                 // the settings could not be read
)

// Report is what [Check] learnt. Unreadable parts are empty, or "unknown" for
// Persistence, and named in an info finding.
type Report struct {
	Version     string // such as "7.0.15"
	Mode        string // standalone, sentinel or cluster
	Persistence Persistence
	Eviction    string // maxmemory-policy
	MaxMemory   int64  // bytes; 0 = no limit, or not readable
	Findings    []Finding
}

func (r *Report) add(level Level, what, mend string) {
	r.Findings = append(r.Findings, Finding{Level: level, What: what, Mend: mend})
}

// Check looks at the server behind c without writing to it. A version before
// 6.2 gives an error that wraps [ErrTooOld] and a schema this program does not
// know one that wraps [ErrSchemaNewer], each beside the Report; what a provider
// forbids to read, or an embedded server lacks, becomes an info finding. Other
// errors mean that Redis could not be reached or the context ended. Of a
// Cluster it sees one node.
func Check(ctx context.Context, c redis.UniversalClient) (Report, error) {
	var r Report
	f, err := readFacts(ctx, c)
	if err != nil {
		return r, fmt.Errorf("checking Redis: %w", err)
	}
	r.Version, r.Mode = f.info["redis_version"], f.info["redis_mode"]
	if f.infoErr != nil || r.Version == "" {
		r.add(LevelInfo, "the server's version and state could not be read (INFO)", "")
	}
	r.judgePersistence(f)
	r.judgeMemory(f)
	r.judgeTopology(f)
	if r.Version != "" && tooOld(r.Version) {
		return r, fmt.Errorf("checking Redis: version %.20q: %w", r.Version, ErrTooOld)
	}
	if err := checkSchema(ctx, c); err != nil {
		return r, fmt.Errorf("checking Redis: %w", err)
	}
	return r, nil
}

type facts struct {
	info    map[string]string
	config  map[string]string
	infoErr error
}

func readFacts(ctx context.Context, c redis.UniversalClient) (facts, error) {
	f := facts{config: map[string]string{}}
	text, err := c.Info(ctx).Result()
	if unreachable(err) {
		return f, fmt.Errorf("reading INFO: %w", err)
	}
	f.info, f.infoErr = parseInfo(text), err
	// One pattern each: several in one CONFIG GET need Redis 7.
	for _, pattern := range []string{"append*", "save", "maxmemory*"} {
		got, err := c.ConfigGet(ctx, pattern).Result()
		if unreachable(err) {
			return f, fmt.Errorf("reading CONFIG: %w", err)
		}
		maps.Copy(f.config, got)
	}
	return f, nil
}

func (r *Report) judgePersistence(f facts) {
	r.Persistence = persistenceOf(f)
	const mend = "set appendonly yes and appendfsync always"
	switch r.Persistence {
	case PersistenceAlways:
		r.add(LevelInfo, "an accepted update survives a crash of Redis (appendfsync always)", "")
	case PersistenceEverySec:
		r.add(LevelWarning, "a crash of Redis may lose about the last two seconds of accepted updates and outcomes (appendfsync everysec)", mend)
	case PersistenceOS:
		r.add(LevelWarning, "a crash of the machine may lose about the last half minute of accepted updates and outcomes (appendfsync no)", mend)
	case PersistenceSnapshot:
		r.add(LevelWarning, "a crash of Redis loses everything since the last snapshot (appendonly no)", mend)
	case PersistenceNone:
		r.add(LevelError, "a restart of Redis loses everything: it writes nothing to disk", mend)
	case PersistenceUnknown:
		r.add(LevelInfo, "what survives a crash could not be read (CONFIG)", "ask the provider for the settings appendonly and appendfsync")
	}
	const disk = "free disk space and read the log of Redis"
	if f.info["aof_last_write_status"] == "err" {
		r.add(LevelError, "the last write of the append-only file failed, so Redis refuses changes", disk)
	}
	if f.info["rdb_last_bgsave_status"] == "err" {
		r.add(LevelWarning, "the last snapshot failed, for which Redis may refuse changes", disk)
	}
}

func persistenceOf(f facts) Persistence {
	appendonly, known := f.config["appendonly"]
	if !known {
		switch f.info["aof_enabled"] {
		case "1":
			appendonly = "yes"
		case "0":
			appendonly = "no"
		}
	}
	save, saveKnown := f.config["save"]
	switch fsync := f.config["appendfsync"]; {
	case appendonly == "yes" && fsync == "always":
		return PersistenceAlways
	case appendonly == "yes" && fsync == "everysec":
		return PersistenceEverySec
	case appendonly == "yes" && fsync == "no":
		return PersistenceOS
	case appendonly == "no" && saveKnown && save == "":
		return PersistenceNone
	case appendonly == "no" && saveKnown:
		return PersistenceSnapshot
	default:
		return PersistenceUnknown
	}
}

func (r *Report) judgeMemory(f facts) {
	policy, known := f.config["maxmemory-policy"]
	if !known {
		policy, known = f.info["maxmemory_policy"]
	}
	limit, ok := f.config["maxmemory"]
	if !ok {
		limit = f.info["maxmemory"]
	}
	r.Eviction = policy
	r.MaxMemory, _ = strconv.ParseInt(limit, 10, 64) // unreadable counts as no limit, as the field says
	switch {
	case !known:
		r.add(LevelInfo, "what Redis does when its memory is full could not be read (CONFIG, INFO)", "ask the provider for maxmemory-policy noeviction")
	case policy != "noeviction" && r.MaxMemory > 0:
		r.add(LevelError, "when its memory is full, Redis throws away updates and outcomes (maxmemory-policy "+policy+")", "set maxmemory-policy noeviction")
	case policy != "noeviction":
		r.add(LevelError, "Redis is set to throw away updates and outcomes as soon as a memory limit is set (maxmemory-policy "+policy+")", "set maxmemory-policy noeviction")
	}
}

func (r *Report) judgeTopology(f facts) {
	if r.Mode == "cluster" || f.info["cluster_enabled"] == "1" {
		r.add(LevelInfo, "this is a Redis Cluster, which can be tried but is not promised", "use a single Redis, or Sentinel")
	}
	if f.info["role"] == "slave" {
		r.add(LevelError, "this is a replica, not a master", "give the address of the master, or use redis-sentinel:// to follow it")
	}
	if n, _ := strconv.Atoi(f.info["connected_slaves"]); n > 0 {
		r.add(LevelInfo, "a failover loses the writes that the replica had not received yet", "")
	}
}

func tooOld(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil {
		return false // a fork with names for versions is not refused for them
	}
	return a < 6 || a == 6 && b < 2
}

// parseInfo reads the lines name:value of INFO; all others are headings.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}
