package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/pdpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/tikv/client-go/v2/oracle"
	"google.golang.org/grpc"
)

// client speaks to a cluster as a client in any language does: by gRPC.
type client struct {
	*testing.T
	cluster *cluster
	pd      pdpb.PDClient
	tso     pdpb.PD_TsoClient
	version kvrpcpb.APIVersion
}

func opened(t *testing.T, o options) *client {
	o.pd, o.admin, o.stores = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0,127.0.0.1:0,127.0.0.1:0"
	if o.api == "" {
		o.api = apiAny
	}
	c, err := open(o)
	check(t, err)
	t.Cleanup(c.close)
	pd := pdpb.NewPDClient(dial(t, c.pd.address))
	tso, err := pd.Tso(context.Background())
	check(t, err)
	return &client{T: t, cluster: c, pd: pd, tso: tso}
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	connection, err := grpc.Dial(address, grpc.WithInsecure())
	check(t, err)
	t.Cleanup(func() { connection.Close() })
	return connection
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *client) now() uint64 {
	check(c.T, c.tso.Send(&pdpb.TsoRequest{Count: 5}))
	answer, err := c.tso.Recv()
	check(c.T, err)
	return oracle.ComposeTS(answer.Timestamp.Physical, answer.Timestamp.Logical)
}

// at finds the leader of the region of a key.
func (c *client) at(key string) (tikvpb.TikvClient, *kvrpcpb.Context) {
	found, err := c.pd.GetRegion(context.Background(), &pdpb.GetRegionRequest{RegionKey: comparable([]byte(key))})
	check(c.T, err)
	store, err := c.pd.GetStore(context.Background(), &pdpb.GetStoreRequest{StoreId: found.Leader.StoreId})
	check(c.T, err)
	return tikvpb.NewTikvClient(dial(c.T, store.Store.Address)), &kvrpcpb.Context{
		RegionId: found.Region.Id, RegionEpoch: found.Region.RegionEpoch, Peer: found.Leader, ApiVersion: c.version,
	}
}

func (c *client) put(key, value string) {
	store, about := c.at(key)
	start := c.now()
	mutation := &kvrpcpb.Mutation{Op: kvrpcpb.Op_Put, Key: []byte(key), Value: []byte(value)}
	prewritten, err := store.KvPrewrite(context.Background(), &kvrpcpb.PrewriteRequest{
		Context: about, Mutations: []*kvrpcpb.Mutation{mutation}, PrimaryLock: []byte(key), StartVersion: start, LockTtl: 3000,
	})
	check(c.T, err)
	if len(prewritten.Errors) > 0 || prewritten.RegionError != nil {
		c.Fatal(prewritten)
	}
	committed, err := store.KvCommit(context.Background(), &kvrpcpb.CommitRequest{
		Context: about, Keys: [][]byte{[]byte(key)}, StartVersion: start, CommitVersion: c.now(),
	})
	check(c.T, err)
	if committed.Error != nil || committed.RegionError != nil {
		c.Fatal(committed)
	}
}

func (c *client) get(key string) *kvrpcpb.GetResponse {
	store, about := c.at(key)
	answer, err := store.KvGet(context.Background(), &kvrpcpb.GetRequest{Context: about, Key: []byte(key), Version: c.now()})
	check(c.T, err)
	return answer
}

func (c *client) scan(from, to string, reverse bool) (found []string) {
	store, about := c.at(from)
	start, end := from, to
	if reverse {
		start, end = to, from
	}
	answer, err := store.KvScan(context.Background(), &kvrpcpb.ScanRequest{
		Context: about, StartKey: []byte(start), EndKey: []byte(end), Limit: 10, Version: c.now(), Reverse: reverse,
	})
	check(c.T, err)
	for _, pair := range answer.Pairs {
		found = append(found, string(pair.Key)+"="+string(pair.Value))
	}
	return found
}

func (c *client) admin(path string) string {
	answer, err := http.Get("http://" + c.cluster.admin.Addr().String() + path)
	check(c.T, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(c.T, err)
	if answer.StatusCode != http.StatusOK {
		c.Fatalf("%s: %s", path, text)
	}
	return string(text)
}

func (c *client) equal(found, expected string) {
	c.Helper()
	if found != expected {
		c.Fatalf("%q instead of %q", found, expected)
	}
}

func TestEmptyValuesAreValues(t *testing.T) {
	c := opened(t, options{})
	c.put("a", "")
	c.put("b", "1")
	if c.get("a").NotFound || !c.get("c").NotFound {
		t.Fatal("an empty value is none")
	}
	c.equal(strings.Join(c.scan("a", "z", false), " "), "a= b=1")
	c.equal(strings.Join(c.scan("a", "z", true), " "), "b=1 a=")
}

func TestCountsAndFaults(t *testing.T) {
	c := opened(t, options{elect: 50 * time.Millisecond})
	for _, key := range []string{"a", "b", "c", "d"} {
		c.put(key, key)
	}
	c.equal(c.admin("/split"), "63\n")
	c.equal(c.admin("/split?key=63"), "63\n")
	c.equal(strings.Join(c.scan("a", "z", false), " "), "a=a b=b")
	c.equal(strings.Join(c.scan("c", "z", false), " "), "c=c d=d")

	c.admin("/rpcs?reset=1")
	c.get("a")
	var counts map[string]int
	check(t, json.Unmarshal([]byte(c.admin("/rpcs")), &counts))
	if counts["KvGet"] != 1 || counts["Tso"] != 1 || counts["GetRegion"] != 1 || counts["KvScan"] != 0 {
		t.Fatal(counts)
	}

	c.admin("/leader?store=1")
	c.admin("/hang?store=1")
	for end := time.Now().Add(10 * time.Second); strings.Contains(c.admin("/regions"), "leader-store=1"); {
		if time.Now().After(end) {
			t.Fatal("no other leader was elected")
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.equal(string(c.get("a").Value), "a")
}

func TestOldVersionsGoWithTheSafePoint(t *testing.T) {
	c := opened(t, options{})
	c.put("a", "1")
	old := c.now()
	c.put("a", "2")
	_, err := c.pd.UpdateGCSafePoint(context.Background(), &pdpb.UpdateGCSafePointRequest{SafePoint: c.now()})
	check(t, err)
	store, about := c.at("a")
	answer, err := store.KvGet(context.Background(), &kvrpcpb.GetRequest{Context: about, Key: []byte("a"), Version: old})
	check(t, err)
	if !answer.NotFound {
		t.Fatal("an old version is kept")
	}
	c.equal(string(c.get("a").Value), "2")
}

func TestVersionsOfTheAPIAreToldApart(t *testing.T) {
	c := opened(t, options{api: "v2"})
	if reason := c.get("a").GetError().GetAbort(); !strings.Contains(reason, "InvalidKeyMode") {
		t.Fatal(reason)
	}
	c.version = kvrpcpb.APIVersion_V2
	c.put("a", "1")
	c.equal(string(c.get("a").Value), "1")
}

func TestHalfAConfigurationOfTLSIsRefused(t *testing.T) {
	if _, err := open(options{api: apiAny, ca: os.DevNull}); err == nil {
		t.Fatal("it would speak plain text")
	}
}
