package enqueue

import (
	"context"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// withContext binds the calls of asynq's Inspector, which takes no context and
// would go on when its caller has given up, to one. It lives for one call.
type withContext struct {
	redis.UniversalClient

	ctx context.Context
}

// EvalSha runs a script under the bound context.
func (w withContext) EvalSha(_ context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return w.UniversalClient.EvalSha(w.ctx, sha, keys, args...) //nolint:contextcheck // replacing the context is what it is for
}

// Eval runs a script under the bound context.
func (w withContext) Eval(_ context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return w.UniversalClient.Eval(w.ctx, script, keys, args...) //nolint:contextcheck // replacing the context is what it is for
}

// SIsMember asks under the bound context.
func (w withContext) SIsMember(_ context.Context, key string, member any) *redis.BoolCmd {
	return w.UniversalClient.SIsMember(w.ctx, key, member) //nolint:contextcheck // replacing the context is what it is for
}

// SMembers asks under the bound context.
func (w withContext) SMembers(_ context.Context, key string) *redis.StringSliceCmd {
	return w.UniversalClient.SMembers(w.ctx, key) //nolint:contextcheck // replacing the context is what it is for
}

func inspector(ctx context.Context, rdb redis.UniversalClient) *asynq.Inspector {
	return asynq.NewInspectorFromRedisClient(withContext{rdb, ctx})
}
