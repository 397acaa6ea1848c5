package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/redis/go-redis/v9"
)

// redisInfoBody has the names that asynqmon's page reads.
type redisInfoBody struct {
	Address      string            `json:"address"`
	Info         map[string]string `json:"info"`
	RawInfo      string            `json:"raw_info"`
	Cluster      bool              `json:"cluster"`
	ClusterNodes string            `json:"raw_cluster_nodes"`
	Queues       []struct{}        `json:"queue_locations"` // which node holds a queue is not told
}

// redisInfo answers for asynqmon, which can only ask a connection of its own.
func (m *monitoring) redisInfo(w http.ResponseWriter, r *http.Request) {
	if !looking(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), redisPatience)
	defer cancel()
	var body redisInfoBody
	var err error
	switch c := m.rdb.(type) {
	case *redis.ClusterClient:
		body.Cluster, body.Address = true, strings.Join(c.Options().Addrs, ",")
		if body.RawInfo, err = c.ClusterInfo(ctx).Result(); err == nil {
			body.ClusterNodes, err = c.ClusterNodes(ctx).Result()
		}
	case *redis.Client:
		body.Address = c.Options().Addr
		body.RawInfo, err = c.Info(ctx).Result()
	default:
		body.RawInfo, err = c.Info(ctx).Result()
	}
	if err != nil {
		writeText(w, http.StatusInternalServerError, "Redis did not tell about itself; it may be away")
		return
	}
	body.Info = map[string]string{}
	for line := range strings.Lines(body.RawInfo) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			body.Info[key] = value
		}
	}
	writeJSON(w, "application/json", http.StatusOK, body)
}
