package redisconn_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

func TestParse_Accepted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"host and port", "redis://example.org:6380", "redis://example.org:6380"},
		{"defaults", "redis://", "redis://127.0.0.1:6379"},
		{"port alone", "redis://:6380", "redis://127.0.0.1:6380"},
		{"default port", "redis://cache", "redis://cache:6379"},
		{"database", "redis://cache/3", "redis://cache:6379/3"},
		{"database as option", "redis://cache?db=3", "redis://cache:6379/3"},
		{"space around", "  redis://cache\n", "redis://cache:6379"},
		{"scheme in capitals", "REDIS://cache", "redis://cache:6379"},
		{"password masked", "redis://:sesame@cache", "redis://:xxxxx@cache:6379"},
		{"user kept", "redis://ann:sesame@cache", "redis://ann:xxxxx@cache:6379"},
		{"user alone masked", "redis://sesame@cache", "redis://xxxxx@cache:6379"},
		{"encoded password", "redis://:a%2Fb%23c%40d@cache", "redis://:xxxxx@cache:6379"},
		{"at sign in password", "redis://:a@b@cache", "redis://:xxxxx@cache:6379"},
		{"IPv6", "redis://[::1]:6380", "redis://[::1]:6380"},
		{"IPv6 without port", "redis://[::1]/2", "redis://[::1]:6379/2"},
		{"TLS", "rediss://cache:6380/1?skip_verify=true", "rediss://cache:6380/1?skip_verify=true"},
		{"protocol", "redis://cache?protocol=2", "redis://cache:6379?protocol=2"},
		{"socket", "unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"},
		{"socket with login", "unix://ann:sesame@/run/redis@1.sock", "unix://ann:xxxxx@/run/redis@1.sock"},
		{"sentinel", "redis-sentinel://:sesame@a:1,b/main/2?sentinel_password=sesame&tls=true",
			"redis-sentinel://:xxxxx@a:1,b:26379/main/2?sentinel_password=xxxxx&tls=true"},
		{"sentinel master as option", "redis-sentinel://a?master=main", "redis-sentinel://a:26379/main"},
		{"sentinel user alone masked", "redis-sentinel://a/m?sentinel_username=sesame", "redis-sentinel://a:26379/m?sentinel_username=xxxxx"},
		{"cluster", "redis-cluster://a:1,b:2", "redis-cluster://a:1,b:2"},
		{"embedded", "embedded:", "embedded:"},
		{"embedded with slashes", "embedded://", "embedded:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := redisconn.Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if s.String() != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
			if s.Embedded() != (tt.want == "embedded:") {
				t.Errorf("Embedded() = %t", s.Embedded())
			}
			// What is printed is readable again, and prints the same.
			again, err := redisconn.Parse(s.String())
			if err != nil || again.String() != s.String() && !strings.Contains(s.String(), "xxxxx") {
				t.Errorf("reading %s again gives %s, %v", s, again, err)
			}
		})
	}
}

func TestParse_Refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"empty", " ", "empty"},
		{"no scheme", "sesame:6379", "none of redis://"},
		{"one slash", "redis:/sesame", "none of redis://"},
		{"other scheme", "http://sesame", "none of redis://"},
		{"space inside", "redis://:ses ame@h", "space"},
		{"control character", "redis://:sesame\x00@h", "control"},
		{"slash in password", "redis://:sesame/x@h", "percent-encode"},
		{"question mark in password", "redis://:sesame?x@h", "percent-encode"},
		{"hash in password", "redis://:sesame#x@h", "percent-encode"},
		{"bad escape in password", "redis://:sesame%zz@h", "the password has a percent sign"},
		{"bad escape in user", "redis://sesame%zz:x@h", "the user has a percent sign"},
		{"password as port", "redis://h:sesame", "the port is not"},
		{"port zero", "redis://h:0", "the port is not"},
		{"port too high", "redis://h:65536", "the port is not"},
		{"forgotten at sign", "redis://:sesame:h:1", "more than one colon"},
		{"bare IPv6", "redis://::1", "more than one colon"},
		{"open bracket", "redis://[::1", "not closed"},
		{"no IPv6 in brackets", "redis://[sesame]", "not an IPv6"},
		{"no colon after bracket", "redis://[::1]6379", "colon is missing"},
		{"character in host", "redis://ses$ame", "host has a character"},
		{"several hosts", "redis://a,b", "several hosts"},
		{"database no number", "redis://h/sesame", "the database"},
		{"database negative", "redis://h/-1", "the database"},
		{"database twice", "redis://h/1?db=2", "twice"},
		{"option db empty", "redis://h?db=", "option db"},
		{"unknown option", "redis://h?password=sesame", "known are: db, protocol"},
		{"option of another form", "redis://h?tls=true", "known are: db, protocol"},
		{"option twice", "redis://h?protocol=2&protocol=3", "more than once"},
		{"option badly encoded", "redis://h?db=%zz", "well encoded"},
		{"protocol 4", "redis://h?protocol=4", "neither 2 nor 3"},
		{"skip_verify yes", "rediss://h?skip_verify=yes", "neither true nor false"},
		{"socket without path", "unix://", "socket path is missing"},
		{"socket path without slash", "unix://run/sesame", "begin with a slash"},
		{"sentinel without master", "redis-sentinel://a,b", "master name is missing"},
		{"sentinel master twice", "redis-sentinel://a/m?master=m", "twice"},
		{"sentinel empty address", "redis-sentinel://a,,b/m", "address 2 is empty"},
		{"sentinel bad address", "redis-sentinel://a,b:x/m", "address 2: the port"},
		{"cluster with database", "redis-cluster://a/1", "has only one"},
		{"cluster without host", "redis-cluster://", "address 1 is empty"},
		{"embedded with more", "embedded:sesame", "nothing after"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := redisconn.Parse(tt.in)
			if err == nil {
				t.Fatalf("accepted as %s", s)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q and without sesame", err, tt.want)
			}
		})
	}
}

// Given a Spec with passwords everywhere, when it is printed by any verb or
// logged, then none of them appears.
func TestSpec_PrintsNoPassword(t *testing.T) {
	t.Parallel()
	s, err := redisconn.Parse("redis-sentinel://u:sesame@a/m?sentinel_password=sesame")
	if err != nil {
		t.Fatal(err)
	}
	s = s.WithPassword("sesame2")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "spec", s, "list", []redisconn.Spec{s})
	for _, text := range []string{s.String(), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), fmt.Sprintf("%#v", &s), log.String()} {
		if strings.Contains(text, "sesame") {
			t.Errorf("a password shows in %s", text)
		}
	}
	if zero := (redisconn.Spec{}).String(); zero != "redis://127.0.0.1:6379" {
		t.Errorf("the zero Spec is %s", zero)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"redis://u:p@h:1/2?db=1", "unix:///s", "redis-sentinel://a,b/m", "redis-cluster://a", "embedded:", "redis://[::1]:1", "%", "redis://:/@", "",
	} {
		f.Add(seed)
	}
	const secret = "S3cr3tMark"
	f.Fuzz(func(t *testing.T, in string) {
		// The secret stands wherever the fuzzer put an X; it may be named as
		// host, path, master or user with a password, but never printed from an error.
		s, err := redisconn.Parse(strings.ReplaceAll(in, "X", secret))
		if err != nil {
			if strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("the error quotes its input: %q", err)
			}
			return
		}
		if again, err := redisconn.Parse(s.String()); err != nil || again.Embedded() != s.Embedded() {
			t.Fatalf("%q prints as %q, which reads as %v, %v", in, s, again, err)
		}
	})
}
