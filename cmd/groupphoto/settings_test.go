package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConfig_Precedence(t *testing.T) {
	t.Parallel()
	secret := file(t, "url", "redis://from-file:6379\n")
	for _, tt := range []struct {
		name       string
		env        map[string]string
		flag       string
		want, from string
	}{
		{"nothing set", nil, "", "redis://127.0.0.1:6379", "default"},
		{"empty is not set", map[string]string{"REDIS_URL": ""}, "", "redis://127.0.0.1:6379", "default"},
		{"file", map[string]string{"REDIS_URL_FILE": secret}, "", "redis://from-file:6379", "file"},
		{"environment", map[string]string{"REDIS_URL": "redis://from-env:6379"}, "", "redis://from-env:6379", "environment"},
		{"flag beats environment", map[string]string{"REDIS_URL": "redis://from-env:6379"}, "redis://from-flag:6379", "redis://from-flag:6379", "flag"},
		{"flag beats file", map[string]string{"REDIS_URL_FILE": secret}, "redis://from-flag:6379", "redis://from-flag:6379", "flag"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := (&app{env: tt.env, redis: tt.flag}).config(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.shown[0]; c.redis.String() != tt.want || got.Source != tt.from {
				t.Errorf("%s from %s; want %s from %s", c.redis, got.Source, tt.want, tt.from)
			}
		})
	}
}

func TestConfig_Problems(t *testing.T) {
	t.Parallel()
	secret := file(t, "token", "marked-secret\n")
	two := file(t, "two", "marked-secret\nmarked-secret\n")
	empty := file(t, "empty", "\n")
	for _, tt := range []struct {
		name string
		env  map[string]string
		want []string // every line, each a beginning
	}{
		{"both ways", map[string]string{"PLUGCHAT_TOKEN": "marked-secret", "PLUGCHAT_TOKEN_FILE": secret}, []string{"PLUGCHAT_TOKEN and PLUGCHAT_TOKEN_FILE are both set; set one of them"}},
		{"no such file", map[string]string{"PLUGCHAT_TOKEN_FILE": "/no/such/file"}, []string{`PLUGCHAT_TOKEN_FILE: the file cannot be read: "/no/such/file": no such file`}},
		{"a folder", map[string]string{"PLUGCHAT_TOKEN_FILE": filepath.Dir(secret)}, []string{fmt.Sprintf("PLUGCHAT_TOKEN_FILE: the file cannot be read: %q: is a folder", filepath.Dir(secret))}},
		{"HTTP side", map[string]string{"GROUPPHOTO_HTTP_TOKEN": "marked-a b", "GROUPPHOTO_HTTP_ADDR": "127.0.0.1:"}, []string{"GROUPPHOTO_HTTP_TOKEN has a space", `GROUPPHOTO_HTTP_ADDR "127.0.0.1:": must be host:port`}},
		{"webhook without a secret", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://hooks.example.com/marked-path"}, []string{"GROUPPHOTO_WEBHOOK_SECRET: is missing, and GROUPPHOTO_WEBHOOK_URL is set; make one with: echo whsec_$(openssl rand -base64 32)"}},
		{"webhook without a URL", map[string]string{"GROUPPHOTO_WEBHOOK_SECRET": webhookSecret}, []string{"GROUPPHOTO_WEBHOOK_URL: is missing, and GROUPPHOTO_WEBHOOK_SECRET is set; set both or none"}},
		{"webhook with three secrets", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://hooks.example.com/", "GROUPPHOTO_WEBHOOK_SECRET": webhookSecret + "," + webhookSecret + " " + webhookSecret}, []string{"GROUPPHOTO_WEBHOOK_SECRET: holds 3 secrets; give the one that signs"}},
		{"webhook without the file of its secret", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://hooks.example.com/", "GROUPPHOTO_WEBHOOK_SECRET_FILE": "/no/such/file"}, []string{`GROUPPHOTO_WEBHOOK_SECRET_FILE: the file cannot be read: "/no/such/file"`}},
		{"all of the webhook at once", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "http://8.8.8.8/?marked-query", "GROUPPHOTO_WEBHOOK_SECRET": webhookSecret + " marked-secret", "GROUPPHOTO_WEBHOOK_ALLOW": "here"}, []string{
			`GROUPPHOTO_WEBHOOK_ALLOW "here": must be`, "GROUPPHOTO_WEBHOOK_SECRET: secret 2 of 2 must be whsec_", "GROUPPHOTO_WEBHOOK_URL: must begin with https://",
		}},
		{"two lines", map[string]string{"PLUGCHAT_TOKEN_FILE": two}, []string{"PLUGCHAT_TOKEN_FILE: "}},
		{"nothing in it", map[string]string{"GROUPPHOTO_HTTP_TOKEN_FILE": empty}, []string{"GROUPPHOTO_HTTP_TOKEN_FILE: "}},
		{"all at once", map[string]string{
			"GROUPPHOTO_PACE": "fast", "GROUPPHOTO_PACE_JITTER": "2", "GROUPPHOTO_CONCURRENCY": "0", "GROUPPHOTO_EXPIRES": "0",
			"GROUPPHOTO_KEEP": "1m", "GROUPPHOTO_PHOTO_ALLOW": "10.0.0.0/8, here", "GROUPPHOTO_TZ": "Mars/Olympus",
			"GROUPPHOTO_LOG_FORMAT": "xml", "GROUPPHOTO_LOG_LEVEL": "loud", "GROUPPHOTO_ATTEMPTS": "1000",
			"GROUPPHOTO_REFUSAL_RETRIES": "-1", "GROUPPHOTO_REFUSAL_DELAY": "0", "GROUPPHOTO_REFUSAL_METADATA": "yes", "REDIS_URL": "ftp://x", "PLUGCHAT_PHONE": "mine",
		}, []string{
			`GROUPPHOTO_PACE "fast": must be`, `GROUPPHOTO_PACE_JITTER "2": must be`, `GROUPPHOTO_CONCURRENCY "0": must be`, `GROUPPHOTO_EXPIRES "0": must be`,
			`GROUPPHOTO_KEEP "1m": must be`, `GROUPPHOTO_PHOTO_ALLOW "here": must be`, `GROUPPHOTO_TZ "Mars/Olympus": must be`,
			`GROUPPHOTO_LOG_FORMAT "xml": must be`, `GROUPPHOTO_LOG_LEVEL "loud": must be`, `GROUPPHOTO_ATTEMPTS "1000": must be`,
			`GROUPPHOTO_REFUSAL_RETRIES "-1": must be`, `GROUPPHOTO_REFUSAL_DELAY "0": must be`, `GROUPPHOTO_REFUSAL_METADATA "yes": must be one of true, false`, `PLUGCHAT_PHONE "mine": must be a phone`, "REDIS_URL: ",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := (&app{env: tt.env}).config(t.Context(), nil)
			if e, ok := errors.AsType[*exitError](err); !ok || e.code != exitUsage {
				t.Fatalf("got %v; want an error with exit code 2", err)
			}
			got := problems(err)
			if len(got) != len(tt.want) {
				t.Fatalf("problems:\n%s\nwant %d", strings.Join(got, "\n"), len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], want) || strings.Contains(got[i], "marked-") {
					t.Errorf("problem %q; want it to begin with %q and show no secret", got[i], want)
				}
			}
		})
	}
}

func TestConfig_Values(t *testing.T) {
	t.Parallel()
	c, err := (&app{env: map[string]string{
		"GROUPPHOTO_REFUSAL_RETRIES": "0", "GROUPPHOTO_KEEP": "30d", "GROUPPHOTO_PACE": "0", "GROUPPHOTO_PHOTO_ALLOW": "10.1.2.3, fd00::/8",
		"GROUPPHOTO_TZ": "America/Sao_Paulo", "REDIS_URL": "redis://user:marked-secret@h:1", "PLUGCHAT_TOKEN": "marked-secret",
		"GROUPPHOTO_REFUSAL_METADATA": "false",
	}}).config(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.policy.RefusalRetries != -1 {
		t.Errorf("no refusal retries became %d; want -1, since the policy's 0 is its default", c.policy.RefusalRetries)
	}
	if preset, err := (&app{}).config(t.Context(), nil); err != nil || preset.policy.NoMetadata || !c.policy.NoMetadata {
		t.Errorf("metadata is not read: %t, and %t when nothing is set, %v; want true and false", c.policy.NoMetadata, preset.policy.NoMetadata, err)
	}
	if c.keep != 30*24*time.Hour || c.pace != 0 || c.zone.String() != "America/Sao_Paulo" {
		t.Errorf("keep %s, pace %s, zone %s", c.keep, c.pace, c.zone)
	}
	if allow := c.photo.from.Allow; len(allow) != 2 || allow[0].String() != "10.1.2.3/32" || allow[1].String() != "fd00::/8" {
		t.Errorf("allowed prefixes: %v", allow)
	}
	for _, s := range c.shown {
		if strings.Contains(s.Value, "marked-") {
			t.Errorf("%s shows its secret: %s", s.Name, s.Value)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true}, {"90s", 90 * time.Second, true}, {"30d", 720 * time.Hour, true}, {"1d12h", 36 * time.Hour, true},
		{" 5m ", 5 * time.Minute, true}, {"", 0, false}, {"d", 0, false}, {"1d2d", 0, false}, {"99999999999d", 0, false}, {"5", 0, false},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			if got, err := parseDuration(tt.text); got != tt.want && tt.ok || (err == nil) != tt.ok {
				t.Errorf("got %s, %v; want %s, ok %t", got, err, tt.want, tt.ok)
			}
		})
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 s", time.Microsecond: "1 ms", 20 * time.Millisecond: "20 ms", 240 * time.Millisecond: "0.2 s", 5 * time.Second: "5 s",
		12345 * time.Millisecond: "12 s", 90 * time.Second: "1 min 30 s", 2 * time.Hour: "2 h", 49 * time.Hour: "2 d 1 h", -time.Minute: "-1 min",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%v) = %q; want %q", d, got, want)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	var got []string
	for _, u := range unknownNames(map[string]string{
		"GROUPPHOTO_PACE": "1s", "GROUPPHOTO_HTTP_TOKEN_FILE": "x", "GROUPPHOTO_ACCOUNTS_FILE": "x", "HOME": "x",
		"GROUPPHOTO_PASE": "1s", "GROUPPHOTO_COLOR_OF_THE_SKY": "blue", "GROUPPHOTO_KEEP_FILE": "x",
		"PLUGCHAT_BASEURL": "x", "PLUGCHAT_CAMPAIGN_SHEET": "somebody else's",
	}) {
		got = append(got, u.Error())
	}
	want := []string{
		"GROUPPHOTO_COLOR_OF_THE_SKY is no setting of this program; remove it",
		"GROUPPHOTO_KEEP_FILE is no setting of this program; did you mean GROUPPHOTO_KEEP?",
		"GROUPPHOTO_PASE is no setting of this program; did you mean GROUPPHOTO_PACE?",
		"PLUGCHAT_BASEURL is no setting of this program; did you mean PLUGCHAT_BASE_URL?",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
