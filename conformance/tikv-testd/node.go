package main

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// node is PD or one store: a listener that can be stopped, hung and started again on the same address.
type node struct {
	address string
	make    func() *grpc.Server

	mu       sync.Mutex
	server   *grpc.Server
	listener net.Listener  // bound and not yet served
	hung     chan struct{} // closed when requests go on; nil while they do
}

func bind(address string) (*node, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &node{address: l.Addr().String(), listener: l}, nil
}

func (n *node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.goOn()
	if n.server != nil {
		return nil
	}
	l := n.listener
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", n.address); err != nil {
			return err
		}
	}
	n.listener, n.server = nil, n.make()
	go n.server.Serve(l)
	return nil
}

// stop breaks all connections, as the death of the process does.
func (n *node) stop() {
	n.mu.Lock()
	server := n.server
	n.server = nil
	n.goOn()
	n.mu.Unlock()
	if server != nil {
		server.Stop()
	}
}

// hang keeps connections and answers nothing until the next start or stop.
func (n *node) hang() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hung == nil {
		n.hung = make(chan struct{})
	}
}

func (n *node) goOn() {
	if n.hung != nil {
		close(n.hung)
		n.hung = nil
	}
}

func (n *node) isUp() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server != nil && n.hung == nil
}

// pass returns once the node does not hang.
func (n *node) pass(ctx context.Context) error {
	n.mu.Lock()
	hung := n.hung
	n.mu.Unlock()
	if hung == nil {
		return nil
	}
	select {
	case <-hung:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
