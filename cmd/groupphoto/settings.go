package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/sethvargo/go-envconfig"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
)

// rawSettings are the texts of all settings that the environment can give. The
// tags are the one list of names, defaults and secrets: the configuration table
// of the README and .env.example are compared with them by tests.
type rawSettings struct {
	RedisURL       string `env:"REDIS_URL, default=redis://127.0.0.1:6379" secret:"url"`
	Token          string `env:"PLUGCHAT_TOKEN" secret:"all"`
	Phone          string `env:"PLUGCHAT_PHONE"`
	BaseURL        string `env:"PLUGCHAT_BASE_URL, default=https://www.plugchat.com.br"`
	AuthScheme     string `env:"PLUGCHAT_AUTH_SCHEME"`
	AccountsFile   string `env:"GROUPPHOTO_ACCOUNTS_FILE"`
	Pace           string `env:"GROUPPHOTO_PACE, default=10s"`
	PaceJitter     string `env:"GROUPPHOTO_PACE_JITTER, default=0.3"`
	Concurrency    string `env:"GROUPPHOTO_CONCURRENCY, default=1"`
	Attempts       string `env:"GROUPPHOTO_ATTEMPTS, default=10"`
	RefusalRetries string `env:"GROUPPHOTO_REFUSAL_RETRIES, default=1"`
	RefusalDelay   string `env:"GROUPPHOTO_REFUSAL_DELAY, default=2m"`
	RefusalReads   string `env:"GROUPPHOTO_REFUSAL_METADATA, default=true"`
	CampaignStop   string `env:"GROUPPHOTO_CAMPAIGN_STOP, default=25"`
	Expires        string `env:"GROUPPHOTO_EXPIRES, default=24h"`
	Keep           string `env:"GROUPPHOTO_KEEP, default=30d"`
	PhotoMode      string `env:"GROUPPHOTO_PHOTO_MODE, default=jpeg"`
	PhotoSide      string `env:"GROUPPHOTO_PHOTO_SIDE, default=592"`
	PhotoQuality   string `env:"GROUPPHOTO_PHOTO_QUALITY, default=80"`
	PhotoMaxBytes  string `env:"GROUPPHOTO_PHOTO_MAX_BYTES, default=100KiB"`
	PhotoMinSide   string `env:"GROUPPHOTO_PHOTO_MIN_SIDE, default=192"`
	PhotoFit       string `env:"GROUPPHOTO_PHOTO_FIT, default=crop"`
	PhotoExtreme   string `env:"GROUPPHOTO_PHOTO_EXTREME, default=pad"`
	PhotoGround    string `env:"GROUPPHOTO_PHOTO_BACKGROUND, default=white"`
	PhotoMemory    string `env:"GROUPPHOTO_PHOTO_MEMORY, default=160MiB"`
	PhotoCache     string `env:"GROUPPHOTO_PHOTO_CACHE, default=32MiB"`
	PhotoAllow     string `env:"GROUPPHOTO_PHOTO_ALLOW"`
	PhotoHosts     string `env:"GROUPPHOTO_PHOTO_HOSTS"`
	PhotoPorts     string `env:"GROUPPHOTO_PHOTO_PORTS"`
	PhotoProxy     string `env:"GROUPPHOTO_PHOTO_PROXY" secret:"all"`
	PhotoNAT64     string `env:"GROUPPHOTO_PHOTO_NAT64, default=false"`
	Zone           string `env:"GROUPPHOTO_TZ"`
	HTTPAddr       string `env:"GROUPPHOTO_HTTP_ADDR"`
	HTTPToken      string `env:"GROUPPHOTO_HTTP_TOKEN" secret:"all"`
	WebhookURL     string `env:"GROUPPHOTO_WEBHOOK_URL" secret:"host"`
	WebhookSecret  string `env:"GROUPPHOTO_WEBHOOK_SECRET" secret:"all"`
	WebhookAllow   string `env:"GROUPPHOTO_WEBHOOK_ALLOW"`
	LogFormat      string `env:"GROUPPHOTO_LOG_FORMAT, default=auto"`
	LogLevel       string `env:"GROUPPHOTO_LOG_LEVEL, default=info"`
}

const (
	ownPrefix = "GROUPPHOTO_"
	// A misspelt PLUGCHAT_BASE_URL would send the token to the default host.
	providerPrefix = "PLUGCHAT_"
	fileTail       = "_FILE"
)

// setting is one setting as doctor shows it.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`  // secrets masked
	Source string `json:"source"` // flag, environment, file or default

	bad bool // what was given cannot be used
}

// sources finds the text of a setting: flag, then environment, or the file that
// NAME_FILE points at. It implements envconfig.Lookuper and remembers where
// each text came from, and what was wrong, so that all problems are told at once.
type sources struct {
	env, flags map[string]string
	secret     map[string]bool
	origin     map[string]string
	bad        map[string]bool
	problems   []error
}

// Lookup returns the text of a setting. An empty variable counts as not set:
// compose files hand over empty ones for what nobody gave.
func (s *sources) Lookup(name string) (string, bool) {
	file := ""
	if s.secret[name] {
		file = s.env[name+fileTail]
		if file != "" && s.env[name] != "" {
			s.origin[name], s.bad[name] = "environment", true
			s.problems = append(s.problems, fmt.Errorf("%s and %s%s are both set; set one of them", name, name, fileTail))
			return "", false
		}
	}
	if text := s.flags[name]; text != "" {
		s.origin[name] = "flag"
		return text, true
	}
	if text := s.env[name]; text != "" {
		s.origin[name] = "environment"
		return text, true
	}
	if file == "" {
		return "", false
	}
	s.origin[name] = "file"
	text, err := readSecret(file)
	if err != nil {
		s.bad[name] = true
		s.problems = append(s.problems, fmt.Errorf("%s%s: %w", name, fileTail, err))
	}
	return text, err == nil
}

// readSettings collects the texts from all sources, with the settings as they
// may be shown. flags holds what flags gave, by the name of their variable.
func readSettings(ctx context.Context, env, flags map[string]string) (rawSettings, []setting, error) {
	s := &sources{env: env, flags: flags, secret: map[string]bool{}, origin: map[string]string{}, bad: map[string]bool{}}
	fields := settingFields()
	for _, f := range fields {
		s.secret[f.name] = f.secret != ""
	}
	var raw rawSettings
	// Every field is a text: nothing here can fail but the struct's own tags.
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &raw, Lookuper: s}); err != nil {
		return raw, nil, fmt.Errorf("reading the settings: %w", err)
	}
	shown := make([]setting, 0, len(fields))
	texts := reflect.ValueOf(raw)
	for i, f := range fields {
		origin := s.origin[f.name]
		if origin == "" {
			origin = "default"
		}
		value := mask(f.secret, texts.Field(i).String())
		if s.bad[f.name] {
			value = "" // what stands there is the default, which is not what was asked for
		}
		shown = append(shown, setting{f.name, value, origin, s.bad[f.name]})
	}
	return raw, shown, errors.Join(s.problems...)
}

type settingField struct{ name, preset, secret string }

// settingFields lists the settings in the order of rawSettings.
func settingFields() []settingField {
	t := reflect.TypeFor[rawSettings]()
	fields := make([]settingField, 0, t.NumField())
	for field := range t.Fields() {
		tag := field.Tag
		name, rest, _ := strings.Cut(tag.Get("env"), ",")
		_, preset, _ := strings.Cut(rest, "default=")
		fields = append(fields, settingField{name, preset, tag.Get("secret")})
	}
	return fields
}

// mask hides a secret: all of it, the password within a URL of Redis, or what
// follows the host of another URL, which may be all that keeps others out.
func mask(secret, text string) string {
	switch {
	case secret == "" || text == "":
		return text
	case secret == "url":
		if spec, err := redisconn.Parse(text); err == nil {
			return spec.String()
		}
	case secret == "host":
		if host := bareHost(text); host != "" {
			return host
		}
	}
	return "[set]"
}

// bareHost is a URL without what follows its host; "" for what is no such URL.
func bareHost(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	bare := u.Scheme + "://" + u.Host
	if strings.TrimPrefix(text, bare) == "" || strings.TrimPrefix(text, bare) == "/" {
		return bare
	}
	return bare + "/…"
}

// unknownName is a variable of ours that means nothing.
type unknownName struct{ name, near string }

func (u unknownName) Error() string {
	if u.near == "" {
		return fmt.Sprintf("%s is no setting of this program; remove it", u.name)
	}
	return fmt.Sprintf("%s is no setting of this program; did you mean %s?", u.name, u.near)
}

// unknownNames finds variables that begin like ours and are none, in order.
func unknownNames(env map[string]string) []unknownName {
	var known []string
	for _, f := range settingFields() {
		known = append(known, f.name)
		if f.secret != "" {
			known = append(known, f.name+fileTail)
		}
	}
	var unknown []unknownName
	for name := range env {
		near := tasks.Nearest(name, known)
		// Others may have variables about PlugChat too; one letter off is meant for us.
		ours := strings.HasPrefix(name, ownPrefix) || strings.HasPrefix(name, providerPrefix) && near != ""
		if ours && !slices.Contains(known, name) {
			unknown = append(unknown, unknownName{name, near})
		}
	}
	slices.SortFunc(unknown, func(a, b unknownName) int { return strings.Compare(a.name, b.name) })
	return unknown
}
