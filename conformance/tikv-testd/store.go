package main

import (
	"context"
	"fmt"
	"log"
	"reflect"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/tikv/client-go/v2/oracle"
	"github.com/tikv/client-go/v2/testutils"
	"github.com/tikv/client-go/v2/tikvrpc"
	pd "github.com/tikv/pd/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	requestTimeout = 20 * time.Second
	apiAny         = "any"
	// mark stands before each value in the MVCC store, which takes an empty value for none in some of its answers.
	mark = byte('=')
)

// store is the service of one TiKV store, for transactions. What the MVCC store answers otherwise than TiKV does is
// put right here.
type store struct {
	tikvpb.UnimplementedTikvServer
	address string
	client  *testutils.MockClient
	oracle  pd.Client
	api     string
}

// send hands a request to the MVCC store, which tells misuse by a panic.
func send[R any](ctx context.Context, s *store, command tikvrpc.CmdType, request any, about *kvrpcpb.Context) (response *R, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			log.Printf("%v: %v", command, reason)
			response, err = nil, status.Errorf(codes.Internal, "%v", reason)
		}
	}()
	if about == nil {
		return nil, status.Errorf(codes.InvalidArgument, "%v has no context", command)
	}
	if reason := mismatch(s.api, about.ApiVersion); reason != "" {
		return refused[R](reason), nil
	}
	answer, err := s.client.SendRequest(ctx, s.address, tikvrpc.NewRequest(command, request, *about), requestTimeout)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	response, ok := answer.Resp.(*R)
	if !ok {
		return nil, status.Errorf(codes.Internal, "%v was answered by %T", command, answer.Resp)
	}
	return response, nil
}

// mismatch tells, in the words of TiKV, why a request of one API version is refused by a store of the other.
func mismatch(api string, version kvrpcpb.APIVersion) string {
	switch {
	case api == "v1" && version == kvrpcpb.APIVersion_V2:
		return "ApiVersionNotMatched { storage_api_version: V1, req_api_version: V2 }"
	case api == "v2" && version != kvrpcpb.APIVersion_V2:
		return "InvalidKeyMode { storage_api_version: V2 }"
	}
	return ""
}

// refused is a response with nothing but an error of the transaction.
func refused[R any](reason string) *R {
	response := new(R)
	abort := &kvrpcpb.KeyError{Abort: fmt.Sprintf("Error(%s)", reason)}
	fields := reflect.ValueOf(response).Elem()
	if field := fields.FieldByName("Error"); field.IsValid() && field.Type() == reflect.TypeOf(abort) {
		field.Set(reflect.ValueOf(abort))
	} else if field := fields.FieldByName("Errors"); field.IsValid() {
		field.Set(reflect.ValueOf([]*kvrpcpb.KeyError{abort}))
	}
	return response
}

func unmarked(value []byte) []byte {
	if len(value) == 0 {
		return nil
	}
	return value[1:]
}

func unmarkPairs(pairs []*kvrpcpb.KvPair) {
	for _, pair := range pairs {
		pair.Value = unmarked(pair.Value)
	}
}

func (s *store) KvGet(ctx context.Context, r *kvrpcpb.GetRequest) (*kvrpcpb.GetResponse, error) {
	response, err := send[kvrpcpb.GetResponse](ctx, s, tikvrpc.CmdGet, r, r.Context)
	if err == nil {
		response.NotFound = response.Error == nil && response.RegionError == nil && response.Value == nil
		response.Value = unmarked(response.Value)
	}
	return response, err
}

func (s *store) KvBatchGet(ctx context.Context, r *kvrpcpb.BatchGetRequest) (*kvrpcpb.BatchGetResponse, error) {
	response, err := send[kvrpcpb.BatchGetResponse](ctx, s, tikvrpc.CmdBatchGet, r, r.Context)
	if err == nil {
		unmarkPairs(response.Pairs)
	}
	return response, err
}

func (s *store) KvScan(ctx context.Context, r *kvrpcpb.ScanRequest) (*kvrpcpb.ScanResponse, error) {
	response, err := send[kvrpcpb.ScanResponse](ctx, s, tikvrpc.CmdScan, r, r.Context)
	if err != nil {
		return nil, err
	}
	unmarkPairs(response.Pairs)
	if r.KeyOnly {
		for _, pair := range response.Pairs {
			pair.Value = nil
		}
	}
	return response, nil
}

// KvPrewrite adds the timestamps of async commit and one-phase commit: a new one is above every read so far.
func (s *store) KvPrewrite(ctx context.Context, r *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	for _, mutation := range r.Mutations {
		if mutation.Op == kvrpcpb.Op_Put || mutation.Op == kvrpcpb.Op_Insert {
			mutation.Value = append([]byte{mark}, mutation.Value...)
		}
	}
	response, err := send[kvrpcpb.PrewriteResponse](ctx, s, tikvrpc.CmdPrewrite, r, r.Context)
	asks := r.UseAsyncCommit || r.TryOnePc
	if err != nil || response.RegionError != nil || len(response.Errors) > 0 || !asks {
		return response, err
	}
	physical, logical, err := s.oracle.GetTS(ctx)
	if err != nil {
		return nil, err
	}
	at := oracle.ComposeTS(physical, logical)
	if !r.TryOnePc {
		response.MinCommitTs = at
		return response, nil
	}
	keys := make([][]byte, len(r.Mutations))
	for i, mutation := range r.Mutations {
		keys[i] = mutation.Key
	}
	if err := s.client.MvccStore.Commit(keys, r.StartVersion, at); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	response.OnePcCommitTs = at
	return response, nil
}

func (s *store) KvCommit(ctx context.Context, r *kvrpcpb.CommitRequest) (*kvrpcpb.CommitResponse, error) {
	response, err := send[kvrpcpb.CommitResponse](ctx, s, tikvrpc.CmdCommit, r, r.Context)
	if err == nil && response.Error == nil && response.RegionError == nil {
		response.CommitVersion = r.CommitVersion
	}
	return response, err
}

func (s *store) KvPessimisticLock(ctx context.Context, r *kvrpcpb.PessimisticLockRequest) (*kvrpcpb.PessimisticLockResponse, error) {
	response, err := send[kvrpcpb.PessimisticLockResponse](ctx, s, tikvrpc.CmdPessimisticLock, r, r.Context)
	if err == nil {
		for i, value := range response.Values {
			response.Values[i] = unmarked(value)
		}
	}
	return response, err
}

func (s *store) KVPessimisticRollback(ctx context.Context, r *kvrpcpb.PessimisticRollbackRequest) (*kvrpcpb.PessimisticRollbackResponse, error) {
	return send[kvrpcpb.PessimisticRollbackResponse](ctx, s, tikvrpc.CmdPessimisticRollback, r, r.Context)
}

func (s *store) KvTxnHeartBeat(ctx context.Context, r *kvrpcpb.TxnHeartBeatRequest) (*kvrpcpb.TxnHeartBeatResponse, error) {
	return send[kvrpcpb.TxnHeartBeatResponse](ctx, s, tikvrpc.CmdTxnHeartBeat, r, r.Context)
}

// KvCheckTxnStatus adds the lock that TiKV tells of a transaction that goes on; clients rely on it.
func (s *store) KvCheckTxnStatus(ctx context.Context, r *kvrpcpb.CheckTxnStatusRequest) (*kvrpcpb.CheckTxnStatusResponse, error) {
	for {
		response, err := send[kvrpcpb.CheckTxnStatusResponse](ctx, s, tikvrpc.CmdCheckTxnStatus, r, r.Context)
		if err != nil || response.LockTtl == 0 || response.LockInfo != nil {
			return response, err
		}
		versions := s.client.MvccStore.(interface {
			MvccGetByKey([]byte) *kvrpcpb.MvccInfo
		})
		lock := versions.MvccGetByKey(r.PrimaryKey).GetLock()
		if lock == nil || lock.StartTs != r.LockTs {
			continue // It ended between the two looks.
		}
		response.LockInfo = &kvrpcpb.LockInfo{
			PrimaryLock: r.PrimaryKey, Key: r.PrimaryKey, LockVersion: r.LockTs, LockTtl: response.LockTtl, LockType: lock.Type,
		}
		return response, nil
	}
}

func (s *store) KvCleanup(ctx context.Context, r *kvrpcpb.CleanupRequest) (*kvrpcpb.CleanupResponse, error) {
	return send[kvrpcpb.CleanupResponse](ctx, s, tikvrpc.CmdCleanup, r, r.Context)
}

func (s *store) KvBatchRollback(ctx context.Context, r *kvrpcpb.BatchRollbackRequest) (*kvrpcpb.BatchRollbackResponse, error) {
	return send[kvrpcpb.BatchRollbackResponse](ctx, s, tikvrpc.CmdBatchRollback, r, r.Context)
}

func (s *store) KvScanLock(ctx context.Context, r *kvrpcpb.ScanLockRequest) (*kvrpcpb.ScanLockResponse, error) {
	return send[kvrpcpb.ScanLockResponse](ctx, s, tikvrpc.CmdScanLock, r, r.Context)
}

// KvResolveLock ends several transactions one after another; the MVCC store takes one at a time.
func (s *store) KvResolveLock(ctx context.Context, r *kvrpcpb.ResolveLockRequest) (*kvrpcpb.ResolveLockResponse, error) {
	for _, ended := range r.TxnInfos {
		one := &kvrpcpb.ResolveLockRequest{Context: r.Context, StartVersion: ended.Txn, CommitVersion: ended.Status}
		response, err := s.KvResolveLock(ctx, one)
		if err != nil || response.Error != nil || response.RegionError != nil {
			return response, err
		}
	}
	if len(r.TxnInfos) > 0 {
		return &kvrpcpb.ResolveLockResponse{}, nil
	}
	return send[kvrpcpb.ResolveLockResponse](ctx, s, tikvrpc.CmdResolveLock, r, r.Context)
}

func (s *store) KvDeleteRange(ctx context.Context, r *kvrpcpb.DeleteRangeRequest) (*kvrpcpb.DeleteRangeResponse, error) {
	return send[kvrpcpb.DeleteRangeResponse](ctx, s, tikvrpc.CmdDeleteRange, r, r.Context)
}

// UnsafeDestroyRange goes to each store; the first one clears the only copy.
func (s *store) UnsafeDestroyRange(_ context.Context, r *kvrpcpb.UnsafeDestroyRangeRequest) (*kvrpcpb.UnsafeDestroyRangeResponse, error) {
	if err := s.client.MvccStore.DeleteRange(r.StartKey, r.EndKey); err != nil {
		return &kvrpcpb.UnsafeDestroyRangeResponse{Error: err.Error()}, nil
	}
	return &kvrpcpb.UnsafeDestroyRangeResponse{}, nil
}
