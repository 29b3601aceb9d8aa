// Command tikv-testd answers as a TiKV cluster does: the gRPC services of PD and of TiKV, in front of the
// Percolator MVCC store that client-go publishes for tests. It holds one copy of the data and has no Raft; regions,
// leaders and stores are kept in memory. For tests only.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pingcap/kvproto/pkg/keyspacepb"
	"github.com/pingcap/kvproto/pkg/pdpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/tikv/client-go/v2/testutils"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip"
)

const maxMessage = 64 << 20

type options struct {
	pd, stores, admin, data, split, api string
	ca, cert, key                       string
	elect                               time.Duration
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("tikv-testd: ")
	var o options
	flag.StringVar(&o.pd, "pd", "127.0.0.1:2379", "address of PD; port 0 is any free one, which is printed")
	flag.StringVar(&o.stores, "stores", "127.0.0.1:20160", "addresses of the stores, by comma")
	flag.StringVar(&o.admin, "admin", "", "HTTP address for faults and counts; none if empty")
	flag.StringVar(&o.data, "data", "", "folder of the data; in memory if empty")
	flag.StringVar(&o.split, "split", "", "keys to split regions at, in hex, by comma")
	flag.StringVar(&o.api, "api", apiAny, "API version that requests must have: v1, v2 or any")
	flag.DurationVar(&o.elect, "elect", 0, "time after which the regions of a stopped store get another leader; 0 is never")
	flag.StringVar(&o.ca, "ca", "", "certificate authority; with -cert and -key: mutual TLS")
	flag.StringVar(&o.cert, "cert", "", "certificate")
	flag.StringVar(&o.key, "key", "", "key of the certificate")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("unknown argument %q", flag.Arg(0))
	}
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGINT, syscall.SIGTERM)
	c, err := open(o)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.ready())
	<-stopped
	c.close()
}

// open serves a cluster.
func open(o options) (*cluster, error) {
	if o.api != apiAny && o.api != "v1" && o.api != "v2" {
		return nil, fmt.Errorf("-api %s: v1, v2 or any", o.api)
	}
	security, scheme, err := transport(o)
	if err != nil {
		return nil, err
	}
	path := ""
	if o.data != "" {
		path = filepath.Join(o.data, "txn")
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
	}
	client, mock, oracle, err := testutils.NewMockTiKV(path, nil)
	if err != nil {
		return nil, err
	}

	c := &cluster{mock: mock, data: client.MvccStore, nodes: map[uint64]*node{}, elect: o.elect, rpcs: newRPCs()}
	security = slices.Clip(security)
	addresses := strings.Split(o.stores, ",")
	ids, _, _, _ := testutils.BootstrapWithMultiStores(mock, len(addresses))
	for i, id := range ids {
		n, err := bind(addresses[i])
		if err != nil {
			return nil, err
		}
		mock.UpdateStoreAddr(id, n.address)
		n.make = func() *grpc.Server {
			s := grpc.NewServer(append(security, grpc.UnaryInterceptor(c.rpcs.intercept(n)))...)
			tikvpb.RegisterTikvServer(s, &store{address: n.address, client: client, oracle: oracle, api: o.api})
			return s
		}
		c.nodes[id] = n
	}
	for _, text := range strings.Split(o.split, ",") {
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("-split %s: %w", text, err)
		}
		if len(key) > 0 {
			c.split(key)
		}
	}

	if c.pd, err = bind(o.pd); err != nil {
		return nil, err
	}
	driver := &placement{url: scheme + c.pd.address, oracle: oracle, cluster: c}
	c.pd.make = func() *grpc.Server {
		s := grpc.NewServer(append(security, grpc.UnaryInterceptor(c.rpcs.intercept(c.pd)))...)
		pdpb.RegisterPDServer(s, driver)
		keyspacepb.RegisterKeyspaceServer(s, driver)
		return s
	}
	for _, n := range append(c.stores(), c.pd) {
		if err := n.start(); err != nil {
			return nil, err
		}
	}
	return c, c.serveAdmin(o.admin)
}

// transport gives the options of every gRPC server, and the scheme of the address that PD tells its clients.
func transport(o options) ([]grpc.ServerOption, string, error) {
	limits := []grpc.ServerOption{grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage)}
	if o.ca == "" && o.cert == "" && o.key == "" {
		return limits, "http://", nil
	}
	if o.ca == "" || o.cert == "" || o.key == "" {
		return nil, "", errors.New("mutual TLS needs -ca, -cert and -key")
	}
	pem, err := os.ReadFile(o.ca)
	if err != nil {
		return nil, "", err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, "", fmt.Errorf("%s has no certificate in PEM", o.ca)
	}
	certificate, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, "", err
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		NextProtos:   []string{"h2"},
	}
	return append(limits, grpc.Creds(credentials.NewTLS(config))), "https://", nil
}
