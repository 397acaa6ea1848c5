package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// SchemaKey is the key that carries the schema number.
const SchemaKey = "groupphoto:schema"

// Schema is the number this program writes. It rises when data is written that
// an older program would misread; programs one apart run together.
const Schema = 1

// ErrSchemaNewer says that the data was written by a program too new for this
// one to share it with.
var ErrSchemaNewer = errors.New("the data in Redis was written by a newer groupphoto; upgrade this program")

// EnsureSchema first refuses a server that is too old, with [ErrTooOld], before
// anything is written to it. It then writes this program's schema number where none stands, in one
// step that is safe from many processes, and otherwise checks the one there: one
// newer than the next gives [ErrSchemaNewer]; one that is no number is an error
// too. It returns the context's error when that ends first.
func EnsureSchema(ctx context.Context, c redis.UniversalClient) error {
	if err := checkVersion(ctx, c); err != nil {
		return err
	}
	// Not the GET option of SET: together with NX it needs Redis 7.
	set, err := c.SetNX(ctx, SchemaKey, Schema, 0).Result()
	if err != nil {
		return fmt.Errorf("writing the schema number: %w", err)
	}
	if set {
		return nil
	}
	return checkSchema(ctx, c)
}

// checkVersion lets a server pass that keeps its version to itself.
func checkVersion(ctx context.Context, c redis.UniversalClient) error {
	text, err := c.Info(ctx, "server").Result()
	if unreachable(err) {
		return fmt.Errorf("reading INFO: %w", err)
	}
	if version := parseInfo(text)["redis_version"]; version != "" && tooOld(version) {
		return fmt.Errorf("version %.20q: %w", version, ErrTooOld)
	}
	return nil
}

func checkSchema(ctx context.Context, c redis.UniversalClient) error {
	text, err := c.Get(ctx, SchemaKey).Result()
	if errors.Is(err, redis.Nil) {
		return nil // fresh data, or another process emptied it meanwhile
	}
	if err != nil {
		return fmt.Errorf("reading the schema number: %w", err)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("reading the schema number: the key %s holds no number of ours; "+
			"another program may use this database: choose another database, or delete the key", SchemaKey)
	}
	if n > Schema+1 {
		return fmt.Errorf("schema %d found, %d known: %w", n, Schema, ErrSchemaNewer)
	}
	return nil
}
