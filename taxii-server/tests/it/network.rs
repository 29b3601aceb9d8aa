//! Collections whose objects need the approval of organisations.

use crate::app::{Answer, TestApp, tool, tool_id};
use axum::http::{Method, StatusCode};
use consensus::evidence::{Bundle, Note, Tree, TrustPolicy, leaf_hash, read_bundle};
use consensus::statement::{Decision, Govern, Item, Nonce, Statement, Vote, Withdraw};
use consensus::{
    Action, CollectionDefinition, Digest, Envelope, NetworkId, NewKey, NewOrganisation, OrganisationId,
    ProposalId, Role, SecretKey,
};
use serde_json::{Value, json};
use stix_model::Object;
use uuid::Uuid;

const OBJECTS: &str = "/sharing/collections/indicators/objects/";
const REVIEW: &str = "/sharing/collections/indicators-review/objects/";

/// A server that keeps the log of three organisations; alice submits and reads, rob reviews.
struct Network {
    test: TestApp,
    id: NetworkId,
    own: OrganisationId,
    collection: Uuid,
}

/// The key with which a person of an organisation votes: 1 is that of the server.
fn vote_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

impl Network {
    async fn found() -> Self {
        let test = TestApp::new().await;
        let member = |number: u8| NewOrganisation {
            id: OrganisationId(Uuid::from_u128(number.into())),
            name: format!("Organisation {number}"),
            keys: vec![NewKey { public: vote_key(number).public(), role: Role::Vote }],
            node: None,
        };
        let new = json!({
            "name": "example.org/sharing", "api_root": "sharing", "organisation": "Example",
            "vote_key": vote_key(1).public(), "members": [member(2), member(3)],
            "collections": [{"title": "Indicators", "alias": "indicators"}],
        });
        let state = test.admin(Method::POST, "/admin/network/", new).await;
        let collection = &state["collections"][0];
        let (id, review) = (collection["id"].as_str().unwrap(), collection["review"].as_str().unwrap());
        let both = json!({"can_read": true, "can_write": true});
        test.account("alice", json!({id: both})).await;
        test.account("rob", json!({review: {"can_read": true, "can_write": false}})).await;
        test.account("mallory", json!({"*": both})).await;
        let (own, collection) = (parse(&state["organisation"]), parse(&collection["id"]));
        Self { id: parse(&state["network"]), own, collection, test }
    }

    fn organisation(&self, number: u8) -> OrganisationId {
        if number == 1 { self.own } else { OrganisationId(Uuid::from_u128(number.into())) }
    }

    async fn submit(&self, objects: &[Value]) -> Value {
        let answer = self.test.post(OBJECTS, json!({"objects": objects}).to_string()).send().await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
        answer.json()
    }

    async fn status(&self, status: &Value) -> Value {
        let id = status["id"].as_str().unwrap();
        self.test.get(&format!("/sharing/status/{id}/")).send().await.json()
    }

    async fn open(&self) -> Vec<ProposalId> {
        let answer = self.test.get("/consensus/v1/proposals/?state=open").by("rob").send().await;
        answer.json().as_array().unwrap().iter().map(|proposal| parse(&proposal["id"])).collect()
    }

    async fn say<S: Statement>(&self, path: &str, statement: &S, key: &SecretKey) -> Answer {
        let envelope = Envelope::sign(statement, key).to_json();
        self.test.post(path, envelope).header("content-type", "application/json").send().await
    }

    async fn vote(&self, by: u8, proposal: ProposalId, decision: Decision) -> Answer {
        let vote = Vote {
            network: self.id,
            organisation: self.organisation(by),
            proposal,
            items: None,
            decision,
            reason: "seen in the wild".to_owned(),
            sequence: 0,
            claimed_at: 0,
        };
        self.say(&format!("/consensus/v1/proposals/{proposal}/votes/"), &vote, &vote_key(by)).await
    }

    async fn approve(&self, proposal: ProposalId) {
        for by in [2, 3] {
            let answer = self.vote(by, proposal, Decision::Approve).await;
            assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        }
    }

    async fn names(&self, path: &str, by: &str) -> Vec<String> {
        let page = self.test.get(path).by(by).send().await;
        assert_eq!(page.status, StatusCode::OK, "{:?}", page.body);
        let page = page.json();
        let objects = page["objects"].as_array().cloned().unwrap_or_default();
        objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_object_is_pending_then_reviewed_then_visible() {
    let network = Network::found().await;
    let text = tool(1, 2001).to_string().replace("\"n\"", " \"n\" ");
    let answer = network.test.post(OBJECTS, format!("{{\"objects\":[{text}]}}")).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let status = answer.json();
    assert_eq!((&status["status"], &status["pending_count"]), (&json!("pending"), &json!(1)));
    assert_eq!(status["pendings"][0]["id"], tool_id(1));
    assert_eq!(status["pendings"][0]["version"], "2001-01-01T00:00:00.000Z");
    assert_eq!(network.status(&status).await, status);
    assert!(network.names(OBJECTS, "alice").await.is_empty());
    assert_eq!(network.names(REVIEW, "rob").await, [tool_id(1)]);
    let [proposal] = network.open().await[..] else { panic!("one proposal is open") };
    assert_eq!(network.vote(2, proposal, Decision::Approve).await.status, StatusCode::OK);
    assert!(network.names(OBJECTS, "alice").await.is_empty(), "one vote is not enough");
    assert_eq!(network.vote(3, proposal, Decision::Approve).await.status, StatusCode::OK);
    let page = network.test.get(OBJECTS).send().await;
    assert_eq!(page.body, format!("{{\"more\":false,\"objects\":[{text}]}}"), "the bytes that were sent");
    assert!(network.names(REVIEW, "rob").await.is_empty());
    let status = network.status(&status).await;
    assert_eq!((&status["status"], &status["success_count"]), (&json!("complete"), &json!(1)));
    assert!(network.open().await.is_empty());
}

#[tokio::test]
async fn a_proposal_tells_what_it_is_and_who_said_what() {
    let network = Network::found().await;
    network.submit(&[tool(1, 2001), tool(2, 2001)]).await;
    let [proposal] = network.open().await[..] else { panic!("one proposal is open") };
    network.vote(2, proposal, Decision::Reject).await;
    let path = format!("/consensus/v1/proposals/{proposal}/");
    let found = network.test.get(&path).by("rob").send().await.json();
    assert_eq!((&found["kind"], &found["is_open"]), (&json!("submit"), &json!(false)));
    assert_eq!(found["items"][1]["phase"], "rejected");
    assert_eq!(found["items"][1]["reason"], "refused");
    assert_eq!(found["votes"][0]["decision"], "reject");
    assert_eq!(found["votes"][0]["reason"], "seen in the wild");
    let signed: Envelope = Envelope::from_json(found["envelope"].to_string().as_bytes()).unwrap();
    assert_eq!(ProposalId(signed.digest()), proposal);
    assert_eq!(
        network.test.get(&path).by("mallory").send().await.status,
        StatusCode::OK,
        "of one organisation"
    );
}

#[tokio::test]
async fn what_awaits_approval_is_for_reviewers() {
    let network = Network::found().await;
    network.submit(&[tool(1, 2001)]).await;
    assert_eq!(network.test.get(REVIEW).by("mallory").send().await.status, StatusCode::NOT_FOUND);
    assert_eq!(network.test.get(REVIEW).send().await.status, StatusCode::NOT_FOUND);
    let post =
        network.test.post(REVIEW, json!({"objects": [tool(2, 2001)]}).to_string()).by("rob").send().await;
    assert_eq!(post.status, StatusCode::FORBIDDEN);
    let listed = network.test.get("/sharing/collections/").by("rob").send().await.json();
    assert_eq!(listed["collections"][0]["title"], "Indicators (review)");
    assert_eq!(listed["collections"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_and_a_withdrawn_object_say_so() {
    let network = Network::found().await;
    let (first, second) = (network.submit(&[tool(1, 2001)]).await, network.submit(&[tool(2, 2001)]).await);
    let [one, other] = network.open().await[..] else { panic!("two proposals are open") };
    network.vote(2, one, Decision::Reject).await;
    let first = network.status(&first).await;
    assert_eq!(
        first["failures"][0]["message"],
        "was refused: 0 for it, 1 against it by Organisation 2 (seen in the wild)"
    );
    // The person of the organisation takes back what the server submitted.
    let withdraw = Withdraw { network: network.id, organisation: network.own, proposal: other };
    let path = format!("/consensus/v1/proposals/{other}/withdraw/");
    assert_eq!(network.say(&path, &withdraw, &vote_key(1)).await.status, StatusCode::OK);
    assert_eq!(network.status(&second).await["failures"][0]["message"], "was withdrawn by its submitter");
    assert!(network.names(REVIEW, "rob").await.is_empty());
}

#[tokio::test]
async fn statements_that_do_not_count_are_refused_with_the_reason() {
    let network = Network::found().await;
    network.submit(&[tool(1, 2001)]).await;
    let [proposal] = network.open().await[..] else { panic!("one proposal is open") };
    let path = format!("/consensus/v1/proposals/{proposal}/votes/");
    let vote = Vote {
        network: network.id,
        organisation: network.organisation(2),
        proposal,
        items: None,
        decision: Decision::Approve,
        reason: String::new(),
        sequence: 0,
        claimed_at: 0,
    };
    let forged = network.say(&path, &vote, &vote_key(9)).await;
    assert_eq!((forged.status, forged.error_code()), (StatusCode::FORBIDDEN, "refused".to_owned()));
    let description = forged.json()["description"].to_string();
    assert!(description.contains("is none of this organisation"), "{description}");
    let elsewhere = Vote { network: NetworkId(consensus::Digest([0; 32])), ..vote.clone() };
    assert_eq!(network.say(&path, &elsewhere, &vote_key(2)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = ProposalId(consensus::Digest([0; 32]));
    let path = format!("/consensus/v1/proposals/{unknown}/votes/");
    let missing = network.say(&path, &Vote { proposal: unknown, ..vote.clone() }, &vote_key(2)).await;
    assert_eq!((missing.status, missing.error_code()), (StatusCode::NOT_FOUND, "not_found".to_owned()));
    assert_eq!(network.say(&path, &vote, &vote_key(2)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let broken = network.test.post(&path, "{}").header("content-type", "application/json").send().await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(network.open().await, [proposal]);
}

#[tokio::test]
async fn a_deletion_is_a_revocation() {
    let network = Network::found().await;
    let status = network.submit(&[tool(1, 2001)]).await;
    network.approve(network.open().await[0]).await;
    let path = format!("{OBJECTS}{}/", tool_id(1));
    let deleted = network.test.call(Method::DELETE, &path).send().await;
    assert_eq!(deleted.status, StatusCode::OK, "its own organisation alone decides: {:?}", deleted.body);
    assert_eq!(network.test.get(&path).send().await.status, StatusCode::NOT_FOUND);
    assert_eq!(network.status(&status).await["failures"][0]["message"], "was approved, and taken back since");
    assert_eq!(network.test.call(Method::DELETE, &path).send().await.status, StatusCode::NOT_FOUND);
    // What was taken back does not come again as the same version.
    let again = network.submit(&[tool(1, 2001)]).await;
    assert_eq!(again["failure_count"], 1, "{again}");
    assert_eq!(network.submit(&[tool(1, 2002)]).await["pending_count"], 1);
}

#[tokio::test]
async fn rules_between_versions_hold_when_an_object_is_approved() {
    let network = Network::found().await;
    let mut revoked = tool(1, 2002);
    revoked["revoked"] = json!(true);
    let later = network.submit(&[tool(1, 2003)]).await;
    network.submit(&[revoked]).await;
    let [later_id, revoked_id] = network.open().await[..] else { panic!("two proposals are open") };
    network.approve(revoked_id).await;
    network.approve(later_id).await;
    let later = network.status(&later).await;
    assert_eq!(
        later["failures"][0]["message"], "it contradicts the versions of the object that are visible",
        "{later}"
    );
    assert_eq!(network.names(OBJECTS, "alice").await, [tool_id(1)]);
    assert!(network.names(REVIEW, "rob").await.is_empty());
}

#[tokio::test]
async fn each_object_of_a_request_has_its_own_fate() {
    let network = Network::found().await;
    let red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
    let mut marked = tool(3, 2001);
    marked["object_marking_refs"] = json!([red]);
    let mut large = tool(4, 2001);
    large["description"] = json!("x".repeat(1 << 20));
    let objects = [tool(1, 2001), json!({"type": "tool", "id": "tool--x"}), marked, large, tool(1, 2001)];
    let status = network.submit(&objects).await;
    assert_eq!(
        (&status["total_count"], &status["pending_count"], &status["failure_count"]),
        (&json!(5), &json!(1), &json!(4))
    );
    let messages: Vec<_> =
        status["failures"].as_array().unwrap().iter().map(|row| row["message"].as_str().unwrap()).collect();
    for part in [
        "its marking is red, which is above what this network shares",
        "identifier at /objects/1/id",
        "an object that needs approval has 1048576 bytes at most",
        "this version is in the request already",
    ] {
        assert!(messages.iter().any(|message| message.contains(part)), "{part}: {messages:?}");
    }
    let nothing =
        network.submit(&[json!({"type": "tool", "id": "tool--x"}), json!({"id": tool_id(9)})]).await;
    assert_eq!((&nothing["status"], &nothing["failure_count"]), (&json!("complete"), &json!(2)));
    assert_eq!(network.status(&nothing).await, nothing);
}

#[tokio::test]
async fn a_request_that_comes_again_is_one_request() {
    let network = Network::found().await;
    let key = Uuid::new_v4().to_string();
    let post = |objects: Value| {
        let body = json!({"objects": objects}).to_string();
        network.test.post(OBJECTS, body).header("idempotency-key", &key)
    };
    let first = post(json!([tool(1, 2001)])).send().await.json();
    assert_eq!(post(json!([tool(1, 2001)])).send().await.json(), first);
    assert_eq!(network.open().await.len(), 1);
    let other = post(json!([tool(2, 2001)])).send().await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_collection_is_added_by_a_vote_of_the_organisations() {
    let network = Network::found().await;
    let definition = json!({"title": "Malware", "alias": "malware"}).to_string();
    let new = CollectionDefinition { collection: Uuid::from_u128(77), definition };
    let govern = Govern {
        network: network.id,
        organisation: network.own,
        action: Action::SetCollection { new },
        nonce: Nonce([1; 16]),
        expires_in_seconds: None,
        claimed_at: 0,
    };
    let answer = network.say("/consensus/v1/governance/", &govern, &vote_key(1)).await;
    let proposal = parse(&answer.json()["proposal"]);
    assert_eq!(network.open().await, [proposal]);
    assert_eq!(network.vote(2, proposal, Decision::Approve).await.status, StatusCode::OK);
    let id = Uuid::from_u128(77).to_string();
    network.test.account("carol", json!({&id: {"can_read": true, "can_write": true}})).await;
    let listed = network.test.get("/sharing/collections/malware/").by("carol").send().await.json();
    assert_eq!((&listed["id"], &listed["can_write"]), (&json!(id), &json!(true)));
    // The operator of one server does not change it alone.
    let refused =
        network.test.control.json(Method::DELETE, &format!("/admin/collections/{id}/"), json!(null)).await;
    assert!(refused.unwrap_err().to_string().contains("change by a vote"));
    assert_ne!(network.collection, Uuid::from_u128(77));
}

#[tokio::test]
async fn a_founding_that_is_refused_leaves_nothing() {
    let test = TestApp::new().await;
    let new = |organisation: &str| json!({"name": "n", "api_root": "sharing", "organisation": organisation, "vote_key": vote_key(1).public()});
    let refused = test.control.json(Method::POST, "/admin/network/", new("")).await.unwrap_err();
    assert!(refused.to_string().contains("the name of an organisation has 1 to 200 bytes"), "{refused}");
    assert!(test.control.json(Method::GET, "/consensus/v1/state/", json!(null)).await.is_err());
    test.admin(Method::POST, "/admin/network/", new("Example")).await;
}

#[tokio::test]
async fn a_network_is_founded_once() {
    let network = Network::found().await;
    let again = json!({
        "name": "example.org/other", "api_root": "other", "organisation": "Example", "vote_key": vote_key(1).public(),
    });
    let refused = network.test.control.json(Method::POST, "/admin/network/", again).await.unwrap_err();
    assert!(refused.to_string().contains("a member of a network already"), "{refused}");
    let state = network.test.get("/consensus/v1/state/").send().await.json();
    assert_eq!((&state["index"], &state["tree_size"]), (&json!(1), &json!(0)));
    assert_eq!(state["network"], json!(network.id));
    let without = TestApp::new().await;
    without.account("alice", json!({})).await;
    let answer = without.get("/consensus/v1/state/").send().await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
}

/// What consensus sees of an object, read by the library alone.
fn inspect(text: &[u8]) -> Result<Item, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let object = Object::parse(text).map_err(|error| error.to_string())?;
    let header = object.header();
    Ok(Item {
        id: header.id.to_string(),
        version: header.version().map_or(String::new(), |version| version.sort_key().to_owned()),
        object_type: header.id.object_type().to_owned(),
        level: header.tlp.map_or(0, |tlp| tlp as u8 - 1),
        digest: Digest(header.digest.0),
    })
}

#[tokio::test]
async fn an_approved_object_has_a_proof_that_needs_no_server() {
    let network = Network::found().await;
    for number in 1..=5 {
        network.submit(&[tool(number, 2001)]).await;
        network.approve(network.open().await[0]).await;
    }
    let path = format!("/consensus/v1/proof/?collection={}&id={}", network.collection, tool_id(3));
    let answer = network.test.get(&path).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let bundle = Bundle::from_json(&answer.body).unwrap();
    let trust = network.test.get("/consensus/v1/trust/").send().await.body;
    let trust = TrustPolicy::parse(&trust).unwrap();
    let members = network.test.get("/consensus/v1/organisations/").send().await.json();
    assert_eq!(members.as_array().unwrap().len(), 3);
    let proven = bundle.verify(&trust, None, inspect).unwrap();
    assert_eq!((&*proven.item.id, proven.is_submission_shown), (&*tool_id(3), true));
    assert_eq!(proven.approved_by.len(), 2);
    let mut forged = bundle.clone();
    forged.object = forged.object.replace("\"n\"", "\"m\"");
    let refused = forged.verify(&trust, None, inspect).unwrap_err().to_string();
    assert_eq!(refused, "the object was changed: its digest is not that of the object that was approved");
    assert_eq!(network.test.get(&path).by("rob").send().await.status, StatusCode::NOT_FOUND);
    let other = network.test.get(&format!("{path}&version=2009-01-01T00:00:00.000Z")).send().await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_transparency_log_is_served_in_tiles() {
    let network = Network::found().await;
    for number in 1..=3 {
        network.submit(&[tool(number, 2001)]).await;
        network.approve(network.open().await[0]).await;
    }
    let get = async |path: &str| network.test.get(path).send().await;
    let note = get("/tlog/checkpoint").await;
    let note: Note = std::str::from_utf8(&note.body).unwrap().parse().unwrap();
    let trust = get("/consensus/v1/trust/").await.body;
    let checkpoint = TrustPolicy::parse(&trust).unwrap().verify(&note).unwrap().checkpoint;
    assert_eq!(checkpoint.head().size, 3);
    let entries = get("/tlog/tile/entries/000.p/3").await.body;
    let entries = read_bundle(&entries, 3).unwrap();
    let mut tree = Tree::default();
    for entry in &entries {
        tree.append(leaf_hash(entry));
    }
    assert_eq!(tree.head(), *checkpoint.head());
    let hashes = get("/tlog/tile/0/000.p/3").await.body;
    assert_eq!(&hashes[..32], &leaf_hash(entries[0]).0[..]);
    for path in
        ["/tlog/tile/0/000", "/tlog/tile/0/000.p/4", "/tlog/tile/entries/000", "/tlog/x", "/tlog/tile/0/0"]
    {
        assert_eq!(get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
