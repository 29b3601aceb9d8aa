package main

import (
	"fmt"
	"math"
	"net"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/tikv/client-go/v2/testutils"
)

// cluster is what requests and faults share.
type cluster struct {
	mock  *testutils.MockCluster
	data  testutils.MVCCStore
	pd    *node
	nodes map[uint64]*node
	elect time.Duration
	rpcs  *rpcs

	admin net.Listener // none without an address

	regions sync.Mutex // held while regions change
}

// ready is the line that tells a program which starts this one where everything is.
func (c *cluster) ready() string {
	var stores, ids []string
	for _, id := range c.ids() {
		stores = append(stores, c.nodes[id].address)
		ids = append(ids, strconv.FormatUint(id, 10))
	}
	admin := "none"
	if c.admin != nil {
		admin = c.admin.Addr().String()
	}
	return fmt.Sprintf("ready pd=%s stores=%s ids=%s admin=%s",
		c.pd.address, strings.Join(stores, ","), strings.Join(ids, ","), admin)
}

func (c *cluster) close() {
	if c.admin != nil {
		c.admin.Close()
	}
	for _, n := range append(c.stores(), c.pd) {
		n.stop()
	}
	c.data.Close()
}

func (c *cluster) stores() []*node {
	var all []*node
	for _, id := range c.ids() {
		all = append(all, c.nodes[id])
	}
	return all
}

func (c *cluster) ids() []uint64 {
	var ids []uint64
	for id := range c.nodes {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// split cuts the region that holds a key into two, the second of which begins with the key. Their leaders are spread
// over the stores.
func (c *cluster) split(key []byte) {
	c.regions.Lock()
	defer c.regions.Unlock()
	encoded := comparable(key)
	region, _, _ := c.mock.GetRegionByKey(encoded)
	if string(region.StartKey) == string(encoded) {
		return
	}
	ids := c.mock.AllocIDs(len(region.Peers) + 1)
	leader := ids[1+int(ids[0])%len(region.Peers)]
	c.mock.Split(region.Id, ids[0], key, ids[1:], leader)
}

// middle is the key in the middle of the region with the most keys; none where no region has two.
func (c *cluster) middle() []byte {
	var best []testutils.MVCCPair
	pairs := c.data.Scan(nil, nil, math.MaxInt32, math.MaxUint64, kvrpcpb.IsolationLevel_RC, nil)
	for _, region := range c.mock.ScanRegions(nil, nil, 0) {
		from := sort.Search(len(pairs), func(i int) bool {
			return string(comparable(pairs[i].Key)) >= string(region.Meta.StartKey)
		})
		to := sort.Search(len(pairs), func(i int) bool {
			return len(region.Meta.EndKey) > 0 && string(comparable(pairs[i].Key)) >= string(region.Meta.EndKey)
		})
		if to-from > len(best) {
			best = pairs[from:to]
		}
	}
	if len(best) < 2 {
		return nil
	}
	return best[len(best)/2].Key
}

// lead makes one store the leader of every region.
func (c *cluster) lead(store uint64) {
	c.regions.Lock()
	defer c.regions.Unlock()
	for _, region := range c.mock.ScanRegions(nil, nil, 0) {
		for _, peer := range region.Meta.Peers {
			if peer.StoreId == store {
				c.mock.ChangeLeader(region.Meta.Id, peer.Id)
			}
		}
	}
}

// electAfter gives the regions of a store that is away other leaders once the time of an election has passed.
func (c *cluster) electAfter(store uint64) {
	if c.elect == 0 {
		return
	}
	time.AfterFunc(c.elect, func() {
		if c.nodes[store].isUp() {
			return
		}
		c.regions.Lock()
		defer c.regions.Unlock()
		for _, region := range c.mock.ScanRegions(nil, nil, 0) {
			if region.Leader.StoreId != store {
				continue
			}
			for _, peer := range region.Meta.Peers {
				if c.nodes[peer.StoreId].isUp() {
					c.mock.ChangeLeader(region.Meta.Id, peer.Id)
					break
				}
			}
		}
	})
}

// comparable is the form that keys have in the bounds of regions: groups of eight bytes, each followed by a byte that
// says how many of them count.
func comparable(key []byte) []byte {
	var encoded []byte
	for at := 0; at <= len(key); at += 8 {
		var group [8]byte
		count := copy(group[:], key[at:])
		encoded = append(append(encoded, group[:]...), byte(0xFF-(8-count)))
	}
	return encoded
}
