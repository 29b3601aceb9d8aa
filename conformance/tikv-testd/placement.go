package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/pingcap/kvproto/pkg/keyspacepb"
	"github.com/pingcap/kvproto/pkg/pdpb"
	pd "github.com/tikv/pd/client"
)

const (
	clusterID = 1
	keyspace  = "DEFAULT"
)

// placement is PD, the placement driver: members, timestamps, regions, stores, the safe point of garbage collection
// and keyspaces.
type placement struct {
	pdpb.UnimplementedPDServer
	keyspacepb.UnimplementedKeyspaceServer
	url     string
	oracle  pd.Client
	cluster *cluster
}

func header() *pdpb.ResponseHeader { return &pdpb.ResponseHeader{ClusterId: clusterID} }

func failure(kind pdpb.ErrorType, message string) *pdpb.ResponseHeader {
	h := header()
	h.Error = &pdpb.Error{Type: kind, Message: message}
	return h
}

func (p *placement) GetMembers(context.Context, *pdpb.GetMembersRequest) (*pdpb.GetMembersResponse, error) {
	member := &pdpb.Member{Name: "pd", MemberId: 1, ClientUrls: []string{p.url}, PeerUrls: []string{p.url}}
	return &pdpb.GetMembersResponse{
		Header: header(), Members: []*pdpb.Member{member}, Leader: member, EtcdLeader: member,
	}, nil
}

func (p *placement) Tso(stream pdpb.PD_TsoServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.cluster.rpcs.arrive(stream.Context(), p.cluster.pd, "Tso"); err != nil {
			return err
		}
		last, err := p.timestamps(stream.Context(), request.Count)
		if err != nil {
			return err
		}
		response := &pdpb.TsoResponse{Header: header(), Count: request.Count, Timestamp: last}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

// timestamps gives the last of `count` timestamps in a row. They must be of one millisecond, because the client counts
// down from the last one; the oracle gives one at a time.
func (p *placement) timestamps(ctx context.Context, count uint32) (*pdpb.Timestamp, error) {
	last := &pdpb.Timestamp{}
	for run := uint32(0); run < count; run++ {
		physical, logical, err := p.oracle.GetTS(ctx)
		if err != nil {
			return nil, err
		}
		if physical != last.Physical {
			run = 0
		}
		last.Physical, last.Logical = physical, logical
	}
	return last, nil
}

func (p *placement) IsBootstrapped(context.Context, *pdpb.IsBootstrappedRequest) (*pdpb.IsBootstrappedResponse, error) {
	return &pdpb.IsBootstrappedResponse{Header: header(), Bootstrapped: true}, nil
}

func (p *placement) GetStore(_ context.Context, r *pdpb.GetStoreRequest) (*pdpb.GetStoreResponse, error) {
	found := p.cluster.mock.GetStore(r.StoreId)
	if found == nil {
		message := fmt.Sprintf("invalid store ID %d, not found", r.StoreId)
		return &pdpb.GetStoreResponse{Header: failure(pdpb.ErrorType_UNKNOWN, message)}, nil
	}
	return &pdpb.GetStoreResponse{Header: header(), Store: found}, nil
}

func (p *placement) GetAllStores(context.Context, *pdpb.GetAllStoresRequest) (*pdpb.GetAllStoresResponse, error) {
	return &pdpb.GetAllStoresResponse{Header: header(), Stores: p.cluster.mock.GetAllStores()}, nil
}

func (p *placement) GetRegion(_ context.Context, r *pdpb.GetRegionRequest) (*pdpb.GetRegionResponse, error) {
	region, leader, _ := p.cluster.mock.GetRegionByKey(r.RegionKey)
	return &pdpb.GetRegionResponse{Header: header(), Region: region, Leader: leader}, nil
}

func (p *placement) GetPrevRegion(_ context.Context, r *pdpb.GetRegionRequest) (*pdpb.GetRegionResponse, error) {
	region, leader, _ := p.cluster.mock.GetPrevRegionByKey(r.RegionKey)
	return &pdpb.GetRegionResponse{Header: header(), Region: region, Leader: leader}, nil
}

func (p *placement) GetRegionByID(_ context.Context, r *pdpb.GetRegionByIDRequest) (*pdpb.GetRegionResponse, error) {
	region, leader, _ := p.cluster.mock.GetRegionByID(r.RegionId)
	return &pdpb.GetRegionResponse{Header: header(), Region: region, Leader: leader}, nil
}

func (p *placement) ScanRegions(_ context.Context, r *pdpb.ScanRegionsRequest) (*pdpb.ScanRegionsResponse, error) {
	response := &pdpb.ScanRegionsResponse{Header: header()}
	for _, found := range p.cluster.mock.ScanRegions(r.StartKey, r.EndKey, int(r.Limit)) {
		response.RegionMetas = append(response.RegionMetas, found.Meta)
		response.Leaders = append(response.Leaders, found.Leader)
		response.Regions = append(response.Regions, &pdpb.Region{Region: found.Meta, Leader: found.Leader})
	}
	return response, nil
}

// UpdateGCSafePoint also removes the old versions at once: stores of TiKV watch the safe point and do so by themselves.
func (p *placement) UpdateGCSafePoint(ctx context.Context, r *pdpb.UpdateGCSafePointRequest) (*pdpb.UpdateGCSafePointResponse, error) {
	safe, err := p.oracle.UpdateGCSafePoint(ctx, r.SafePoint)
	if err != nil {
		return nil, err
	}
	if err := p.cluster.data.GC(nil, nil, safe); err != nil {
		log.Printf("garbage collection waits for the next safe point: %v", err)
	}
	return &pdpb.UpdateGCSafePointResponse{Header: header(), NewSafePoint: safe}, nil
}

func (p *placement) GetGCSafePoint(ctx context.Context, _ *pdpb.GetGCSafePointRequest) (*pdpb.GetGCSafePointResponse, error) {
	safe, err := p.oracle.UpdateGCSafePoint(ctx, 0)
	return &pdpb.GetGCSafePointResponse{Header: header(), SafePoint: safe}, err
}

func (p *placement) LoadKeyspace(_ context.Context, r *keyspacepb.LoadKeyspaceRequest) (*keyspacepb.LoadKeyspaceResponse, error) {
	if r.Name != keyspace {
		return &keyspacepb.LoadKeyspaceResponse{
			Header: failure(pdpb.ErrorType_ENTRY_NOT_FOUND, "keyspace does not exist"),
		}, nil
	}
	meta := &keyspacepb.KeyspaceMeta{Name: r.Name, State: keyspacepb.KeyspaceState_ENABLED}
	return &keyspacepb.LoadKeyspaceResponse{Header: header(), Keyspace: meta}, nil
}
