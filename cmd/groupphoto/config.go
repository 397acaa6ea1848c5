package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/web"
	"github.com/plugchat-go/groupphoto/internal/webhook"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// config is the settings, read and checked.
type config struct {
	redis        redisconn.Spec
	token        plugchat.Secret
	phone        string // of PLUGCHAT_TOKEN's account
	baseURL      string
	authScheme   string
	accountsFile string
	pace         time.Duration
	jitter       float64
	concurrency  int
	policy       worker.Policy
	expires      time.Duration
	keep         time.Duration
	photo        photoConfig
	campaignStop int // of the last tasks.StopWindow rows; 0: never
	zone         *time.Location
	httpAddr     string
	httpToken    plugchat.Secret
	webhook      webhook.Config // without a URL nobody is told
	logFormat    string
	logLevel     slog.Level

	shown []setting
	bad   map[string]bool // the names of settings whose text cannot be used
}

// The longest that a setting may be, where Redis or a person would suffer.
const (
	maxPace = 30 * time.Minute
	maxLife = 366 * 24 * time.Hour
	// maxRefusalRetries: asking again and again for what is refused gets numbers banned.
	maxRefusalRetries = 10
)

// config reads the settings and reports every problem at once, each with the
// variable's name. flags holds what the command's own flags gave, by variable.
func (a *app) config(ctx context.Context, flags map[string]string) (config, error) {
	if flags == nil {
		flags = map[string]string{}
	}
	flags["REDIS_URL"] = a.redis
	raw, shown, err := readSettings(ctx, a.env, flags)
	r := reader{bad: map[string]bool{}, flags: flags}
	r.note(err)
	for _, s := range shown {
		if s.bad {
			r.bad[s.Name] = true
		}
	}
	c := config{
		shown: shown, bad: r.bad, token: plugchat.Secret(raw.Token), baseURL: raw.BaseURL, authScheme: raw.AuthScheme,
		accountsFile: raw.AccountsFile, httpAddr: raw.HTTPAddr, httpToken: plugchat.Secret(raw.HTTPToken),
		pace:         r.duration("GROUPPHOTO_PACE", raw.Pace, 0, maxPace),
		jitter:       r.part("GROUPPHOTO_PACE_JITTER", raw.PaceJitter),
		concurrency:  r.count("GROUPPHOTO_CONCURRENCY", raw.Concurrency, 1, 1000),
		expires:      r.duration("GROUPPHOTO_EXPIRES", raw.Expires, time.Second, maxLife),
		keep:         r.duration("GROUPPHOTO_KEEP", raw.Keep, time.Hour, 10*maxLife),
		photo:        r.photo(raw),
		campaignStop: r.count("GROUPPHOTO_CAMPAIGN_STOP", raw.CampaignStop, 0, tasks.StopWindow),
		zone:         r.zone("GROUPPHOTO_TZ", raw.Zone),
		logFormat:    r.choice("GROUPPHOTO_LOG_FORMAT", raw.LogFormat, "auto", "text", "json"),
		logLevel:     r.level("GROUPPHOTO_LOG_LEVEL", raw.LogLevel),
	}
	c.policy = worker.Policy{
		Attempts:       r.count("GROUPPHOTO_ATTEMPTS", raw.Attempts, 1, 100),
		RefusalRetries: r.count("GROUPPHOTO_REFUSAL_RETRIES", raw.RefusalRetries, 0, maxRefusalRetries),
		RefusalDelay:   r.duration("GROUPPHOTO_REFUSAL_DELAY", raw.RefusalDelay, time.Millisecond, 24*time.Hour),
		NoMetadata:     r.choice("GROUPPHOTO_REFUSAL_METADATA", raw.RefusalReads, "true", "false") == "false",
	}
	if c.policy.RefusalRetries == 0 {
		c.policy.RefusalRetries = -1 // the policy's own zero means its default
	}
	if raw.Phone != "" {
		c.phone = r.phone("PLUGCHAT_PHONE", raw.Phone)
	}
	c.webhook = r.webhook(raw, c.photo.from.NAT64)
	r.web(ctx, c, addrName(flags))
	c.redis, err = redisconn.Parse(raw.RedisURL)
	switch {
	case err != nil:
		r.failed("REDIS_URL", fmt.Errorf("%s: %w", redisName(a.redis), err))
	case a.redis != "" && carriesPassword(a.redis, c.redis):
		r.failed("REDIS_URL", errors.New("--redis: carries a password, which every user of this machine could read; put it into REDIS_URL or REDIS_URL_FILE"))
	}
	for i, s := range c.shown {
		c.shown[i].bad = r.bad[s.Name]
	}
	return c, badInput(errors.Join(r.problems...))
}

// web checks what the HTTP side is given, before anything is started with it.
func (r *reader) web(ctx context.Context, c config, name string) {
	if c.httpToken != "" {
		r.failed("GROUPPHOTO_HTTP_TOKEN", web.CheckToken(string(c.httpToken)))
	}
	if c.httpAddr != "" {
		r.failed("GROUPPHOTO_HTTP_ADDR", checkAddress(ctx, name, c.httpAddr))
	}
}

// checkExposure refuses an address that others can reach without a token, unless
// one of both cannot be used anyway, which has been told.
func (c config) checkExposure() error {
	if c.httpAddr == "" || c.bad["GROUPPHOTO_HTTP_ADDR"] || c.bad["GROUPPHOTO_HTTP_TOKEN"] {
		return nil
	}
	return web.CheckExposure(c.httpAddr, c.httpToken != "")
}

func addrName(flags map[string]string) string {
	if flags["GROUPPHOTO_HTTP_ADDR"] != "" {
		return "--http"
	}
	return "GROUPPHOTO_HTTP_ADDR"
}

func redisName(flag string) string {
	if flag != "" {
		return "--redis"
	}
	return "REDIS_URL"
}

func carriesPassword(text string, spec redisconn.Spec) bool {
	return spec.WithPassword("").String() != spec.String() || strings.Contains(text, "sentinel_password=")
}

// reader reads texts into values and keeps all problems. A value that may be
// shown is quoted; secrets do not come here.
type reader struct {
	problems []error
	bad      map[string]bool // by the name of the setting; nil where nobody asks
	flags    map[string]string
}

// photoFlagNames are the flags of photo and worker that stand for a setting.
var photoFlagNames = map[string]string{
	"GROUPPHOTO_PHOTO_MODE": "--photo-mode", "GROUPPHOTO_PHOTO_SIDE": "--side", "GROUPPHOTO_PHOTO_QUALITY": "--quality",
	"GROUPPHOTO_PHOTO_MAX_BYTES": "--max-bytes", "GROUPPHOTO_PHOTO_MIN_SIDE": "--min-side", "GROUPPHOTO_PHOTO_FIT": "--fit",
	"GROUPPHOTO_PHOTO_EXTREME": "--extreme", "GROUPPHOTO_PHOTO_BACKGROUND": "--background",
}

// called is what the person who gave a setting calls it.
func (r *reader) called(name string) string {
	if flag := photoFlagNames[name]; flag != "" && r.flags[name] != "" {
		return flag
	}
	return name
}

func (r *reader) note(err error) {
	if err != nil {
		r.problems = append(r.problems, err)
	}
}

// failed notes what is wrong with a setting, if anything is.
func (r *reader) failed(name string, err error) {
	if err != nil && r.bad != nil {
		r.bad[name] = true
	}
	r.note(err)
}

func (r *reader) fail(name, text, want string) {
	r.failed(name, fmt.Errorf("%s %q: must be %s", r.called(name), clip(text, 60), want))
}

func (r *reader) duration(name, text string, least, most time.Duration) time.Duration {
	d, err := parseDuration(text)
	if err != nil || d < least || d > most {
		r.fail(name, text, fmt.Sprintf("a duration from %s to %s, such as 90s, 5m or 2d", short(least), short(most)))
	}
	return d
}

func (r *reader) count(name, text string, least, most int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		r.fail(name, text, fmt.Sprintf("a whole number from %d to %d", least, most))
	}
	return n
}

// phone reads a number as people write it, and keeps its digits.
func (r *reader) phone(name, text string) string {
	digits := strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "").Replace(strings.TrimPrefix(strings.TrimSpace(text), "+"))
	if len(digits) < 8 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		r.fail(name, text, "a phone with its country code, such as 5511999999999 or +55 11 99999-9999")
		return ""
	}
	return digits
}

func (r *reader) part(name, text string) float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1 {
		r.fail(name, text, "a number from 0 to 1")
	}
	return f
}

func (r *reader) zone(name, text string) *time.Location {
	if text == "" {
		return time.Local
	}
	zone, err := time.LoadLocation(text)
	if err != nil {
		r.fail(name, text, "the name of a time zone, such as America/Sao_Paulo or UTC")
		return time.UTC
	}
	return zone
}

func (r *reader) choice(name, text string, choices ...string) string {
	if slices.Contains(choices, text) {
		return text
	}
	r.fail(name, text, "one of "+strings.Join(choices, ", "))
	return choices[0]
}

func (r *reader) level(name, text string) slog.Level {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[text]
	if !ok {
		r.fail(name, text, "one of debug, info, warn, error")
	}
	return level
}

var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// parseDuration is time.ParseDuration with days before everything else: 30d,
// 1d12h; and a bare 0.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	var whole time.Duration
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, fmt.Errorf("reading the days: %w", err)
		}
		whole = time.Duration(n) * 24 * time.Hour
		if text = m[2]; text == "" {
			return whole, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("not a duration such as 90s, 5m or 2d")
	}
	return whole + d, nil
}

// durationFlag is a flag's duration that knows days.
type durationFlag time.Duration

func (d *durationFlag) String() string {
	if *d == 0 {
		return ""
	}
	return short(time.Duration(*d))
}

func (d *durationFlag) Set(text string) error {
	v, err := parseDuration(text)
	*d = durationFlag(v)
	return err
}

// Type names the kind of value in help and errors.
func (*durationFlag) Type() string { return "duration" }

func (d *durationFlag) duration() time.Duration { return time.Duration(*d) }
