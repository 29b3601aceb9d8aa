//! The questions to a placement driver that the client of the cluster does not answer: the bounds of regions, and who
//! leads.

use super::super::engine::Key;
use super::{TikvAddress, TikvTls};
use std::io;
use std::ops::Range;
use tokio::sync::OnceCell;
use tonic::codec::ProstCodec;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

/// Length of the pieces of an encoded key.
const GROUP: usize = 8;
/// First byte of keys of transactions in a keyspace.
const TRANSACTIONS: u8 = b'x';

/// The placement drivers of a cluster.
pub(super) struct Placement {
    channel: Channel,
    keyspace: Option<String>,
    identity: OnceCell<ClusterIdentity>,
}

/// What the cluster expects in each question, and before each key.
struct ClusterIdentity {
    header: RequestHeader,
    prefix: Vec<u8>,
}

impl Placement {
    /// Prepares the connection, which is made when it is needed.
    pub(super) fn new(address: &TikvAddress) -> Result<Self, io::Error> {
        let scheme = if address.tls.is_some() { "https" } else { "http" };
        let mut endpoints = Vec::new();
        for pd in &address.pd {
            let mut endpoint = Endpoint::from_shared(format!("{scheme}://{pd}")).map_err(io::Error::other)?;
            if let Some(tls) = &address.tls {
                endpoint = endpoint.tls_config(tls_config(tls)?).map_err(io::Error::other)?;
            }
            endpoints.push(endpoint);
        }
        let channel = Channel::balance_list(endpoints.into_iter());
        Ok(Self { channel, keyspace: address.keyspace.clone(), identity: OnceCell::new() })
    }

    /// The region that holds a key.
    pub(super) async fn region_of(&self, key: &[u8]) -> Result<Range<Key>, Status> {
        self.region("/pdpb.PD/GetRegion", key).await
    }

    /// The region that ends at or after a key and begins before it.
    pub(super) async fn region_before(&self, key: &[u8]) -> Result<Range<Key>, Status> {
        let region = self.region_of(key).await?;
        match region.start.as_slice() < key {
            true => Ok(region),
            false => self.region("/pdpb.PD/GetPrevRegion", key).await,
        }
    }

    async fn region(&self, path: &'static str, key: &[u8]) -> Result<Range<Key>, Status> {
        let identity = self.identity().await?;
        let region_key = encode(&[&identity.prefix, key].concat());
        let request = GetRegionRequest { header: Some(identity.header.clone()), region_key };
        let GetRegionResponse { header, region } = self.ask(path, request).await?;
        accept(header)?;
        let region = region.ok_or_else(|| Status::not_found("the cluster knows no such region"))?;
        Ok(identity.own(&region.start_key)..identity.own(&region.end_key))
    }

    async fn identity(&self) -> Result<&ClusterIdentity, Status> {
        let asked = self.identity.get_or_try_init(|| async {
            let members: GetMembersResponse =
                self.ask("/pdpb.PD/GetMembers", GetMembersRequest { header: None }).await?;
            let cluster_id = members.header.map_or(0, |header| header.cluster_id);
            let header = RequestHeader { cluster_id };
            let Some(name) = self.keyspace.clone() else {
                return Ok(ClusterIdentity { header, prefix: Vec::new() });
            };
            let request = LoadKeyspaceRequest { header: Some(header.clone()), name };
            let found: LoadKeyspaceResponse = self.ask("/keyspacepb.Keyspace/LoadKeyspace", request).await?;
            accept(found.header)?;
            let id = found.keyspace.ok_or_else(|| Status::not_found("no such keyspace"))?.id;
            let [_, id @ ..] = id.to_be_bytes();
            let prefix = [&[TRANSACTIONS][..], &id].concat();
            Ok(ClusterIdentity { header, prefix })
        });
        asked.await
    }

    async fn ask<Q, A>(&self, path: &'static str, question: Q) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let (path, codec) = (PathAndQuery::from_static(path), ProstCodec::<Q, A>::default());
        Ok(client.unary(Request::new(question), path, codec).await?.into_inner())
    }
}

impl ClusterIdentity {
    /// A bound of a region as a key of this client; empty where it lies outside of its keys.
    fn own(&self, bound: &[u8]) -> Key {
        let bound = decode(bound);
        bound.strip_prefix(&self.prefix[..]).map(<[u8]>::to_vec).unwrap_or_default()
    }
}

/// Gives back the error in an answer.
#[expect(clippy::result_large_err, reason = "the type of tonic")]
fn accept(header: Option<ResponseHeader>) -> Result<(), Status> {
    match header.and_then(|header| header.error) {
        Some(error) => Err(Status::failed_precondition(error.message)),
        None => Ok(()),
    }
}

fn tls_config(tls: &TikvTls) -> Result<ClientTlsConfig, io::Error> {
    let identity = Identity::from_pem(std::fs::read(&tls.cert)?, std::fs::read(&tls.key)?);
    let ca = Certificate::from_pem(std::fs::read(&tls.ca)?);
    Ok(ClientTlsConfig::new().ca_certificate(ca).identity(identity))
}

/// Encodes a key as regions order it: in groups of eight bytes, each with a mark that tells how many of them are padding.
fn encode(key: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity((key.len() / GROUP + 1) * (GROUP + 1));
    for start in (0..=key.len()).step_by(GROUP) {
        let group = &key[start..key.len().min(start + GROUP)];
        let padding = GROUP - group.len();
        encoded.extend_from_slice(group);
        encoded.extend(std::iter::repeat_n(0, padding));
        encoded.push(0xFF - u8::try_from(padding).expect("a group has eight bytes"));
    }
    encoded
}

/// Decodes an encoded key, as far as it is one.
fn decode(encoded: &[u8]) -> Key {
    let mut key = Key::new();
    for group in encoded.chunks_exact(GROUP + 1) {
        let padding = usize::from(0xFF - group[GROUP]).min(GROUP);
        key.extend_from_slice(&group[..GROUP - padding]);
        if padding > 0 {
            break;
        }
    }
    key
}

#[derive(Clone, PartialEq, prost::Message)]
struct RequestHeader {
    #[prost(uint64, tag = "1")]
    cluster_id: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResponseHeader {
    #[prost(uint64, tag = "1")]
    cluster_id: u64,
    #[prost(message, optional, tag = "2")]
    error: Option<PlacementError>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PlacementError {
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GetMembersRequest {
    #[prost(message, optional, tag = "1")]
    header: Option<RequestHeader>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GetMembersResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<ResponseHeader>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GetRegionRequest {
    #[prost(message, optional, tag = "1")]
    header: Option<RequestHeader>,
    #[prost(bytes = "vec", tag = "2")]
    region_key: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GetRegionResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<ResponseHeader>,
    #[prost(message, optional, tag = "2")]
    region: Option<Region>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Region {
    #[prost(bytes = "vec", tag = "2")]
    start_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    end_key: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LoadKeyspaceRequest {
    #[prost(message, optional, tag = "1")]
    header: Option<RequestHeader>,
    #[prost(string, tag = "2")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LoadKeyspaceResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<ResponseHeader>,
    #[prost(message, optional, tag = "2")]
    keyspace: Option<Keyspace>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Keyspace {
    #[prost(uint32, tag = "1")]
    id: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_keys_keep_their_order_and_come_back() {
        let keys =
            [&b""[..], b"\0", b"a", b"a\0", b"abcdefg", b"abcdefgh", b"abcdefgh\0", b"abcdefghi", b"\xFF"];
        let encoded: Vec<_> = keys.iter().map(|key| encode(key)).collect();
        assert!(encoded.is_sorted());
        assert_eq!(encode(b"abc"), b"abc\0\0\0\0\0\xFA");
        assert!(keys.iter().zip(&encoded).all(|(key, encoded)| decode(encoded) == *key));
    }
}
