package main

import (
	"context"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// rpcs counts requests by method, and delays them when told to.
type rpcs struct {
	mu     sync.Mutex
	counts map[string]uint64
	delay  atomic.Int64
}

func newRPCs() *rpcs { return &rpcs{counts: map[string]uint64{}} }

// arrive counts a request before it is answered. Each message of the stream of timestamps is one.
func (r *rpcs) arrive(ctx context.Context, n *node, method string) error {
	r.mu.Lock()
	r.counts[method]++
	r.mu.Unlock()
	if delay := time.Duration(r.delay.Load()); delay > 0 {
		time.Sleep(delay)
	}
	return n.pass(ctx)
}

func (r *rpcs) take(reset bool) map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]uint64, len(r.counts))
	for method, count := range r.counts {
		counts[method] = count
	}
	if reset {
		r.counts = map[string]uint64{}
	}
	return counts
}

func (r *rpcs) intercept(n *node) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		if err := r.arrive(ctx, n, path.Base(info.FullMethod)); err != nil {
			return nil, err
		}
		return handle(ctx, request)
	}
}
