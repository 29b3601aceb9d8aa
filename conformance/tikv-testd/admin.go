package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// serveAdmin answers on an HTTP address, if there is one.
func (c *cluster) serveAdmin(address string) error {
	if address == "" {
		return nil
	}
	var err error
	if c.admin, err = net.Listen("tcp", address); err != nil {
		return err
	}
	routes := http.NewServeMux()
	for path, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"/split": c.answerSplit, "/leader": c.answerLeader, "/regions": c.answerRegions, "/rpcs": c.answerRPCs,
		"/delay": c.answerDelay, "/stop": c.answerStop, "/hang": c.answerHang, "/start": c.answerStart,
	} {
		routes.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	go http.Serve(c.admin, routes)
	return nil
}

func (c *cluster) answerSplit(w http.ResponseWriter, r *http.Request) error {
	key, err := hex.DecodeString(r.FormValue("key"))
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if len(key) == 0 {
		key = c.middle()
	}
	if len(key) > 0 {
		c.split(key)
	}
	fmt.Fprintf(w, "%x\n", key)
	return nil
}

func (c *cluster) answerLeader(_ http.ResponseWriter, r *http.Request) error {
	id, _, err := c.nodeOf(r)
	if err != nil {
		return err
	}
	c.lead(id)
	return nil
}

func (c *cluster) answerRegions(w http.ResponseWriter, _ *http.Request) error {
	for _, region := range c.mock.ScanRegions(nil, nil, 0) {
		fmt.Fprintf(w, "%d %x..%x leader-store=%d\n",
			region.Meta.Id, region.Meta.StartKey, region.Meta.EndKey, region.Leader.StoreId)
	}
	return nil
}

func (c *cluster) answerRPCs(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(c.rpcs.take(r.FormValue("reset") == "1"))
}

func (c *cluster) answerDelay(_ http.ResponseWriter, r *http.Request) error {
	delay, err := time.ParseDuration(r.FormValue("each"))
	if err != nil || delay < 0 {
		return fmt.Errorf("each: a time like 2ms, or 0s")
	}
	c.rpcs.delay.Store(int64(delay))
	return nil
}

func (c *cluster) answerStop(_ http.ResponseWriter, r *http.Request) error {
	id, n, err := c.nodeOf(r)
	if err != nil {
		return err
	}
	n.stop()
	c.lose(id)
	return nil
}

func (c *cluster) answerHang(_ http.ResponseWriter, r *http.Request) error {
	id, n, err := c.nodeOf(r)
	if err != nil {
		return err
	}
	n.hang()
	c.lose(id)
	return nil
}

func (c *cluster) answerStart(_ http.ResponseWriter, r *http.Request) error {
	_, n, err := c.nodeOf(r)
	if err != nil {
		return err
	}
	return n.start()
}

func (c *cluster) lose(id uint64) {
	if id != 0 {
		c.electAfter(id)
	}
}

// nodeOf finds what a request names: a store by its number, or PD, whose number is 0.
func (c *cluster) nodeOf(r *http.Request) (uint64, *node, error) {
	name := r.FormValue("store")
	if name == "pd" && r.URL.Path != "/leader" {
		return 0, c.pd, nil
	}
	id, err := strconv.ParseUint(name, 10, 64)
	if err != nil || c.nodes[id] == nil {
		return 0, nil, fmt.Errorf("store: there is no store %q; the stores are %d", name, c.ids())
	}
	return id, c.nodes[id], nil
}
