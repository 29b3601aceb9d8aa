//! The nodes of organisations: how they come and go, what they attest, and the protocol that they speak.

use crate::network::*;
use bytes::Bytes;
use consensus::statement::{Attest, Statement};
use consensus::{
    Action, ApplyError, Command, Digest, Entry, EntryError, Envelope, FIRST_NODE, Founding, KeyRefusal,
    MAX_KEYS, NewNode, NewOrganisation, Node, OrganisationKey, Outcome, PROTOCOL, Phase, Policy, Reader,
    Reason, Refusal, Role, Secret, SecretKey,
};
use futures::executor::block_on;

/// The key with which a node signs submissions. Nodes have numbers of their own in these tests.
fn node_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[150 + number; 32])
}

fn log_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[200 + number; 32])
}

fn new_node(number: u8) -> NewNode {
    NewNode {
        address: format!("node-{number}.example.org:7000"),
        certificate: Digest::of(&[&[number]]),
        submit_key: node_key(number).public(),
        log_key: log_key(number).public(),
        protocol: PROTOCOL,
    }
}

fn add(of: u8, node: NewNode) -> Action {
    Action::AddNode { organisation: organisation(of), node }
}

fn with_node(number: u8) -> NewOrganisation {
    NewOrganisation { node: Some(new_node(number)), ..new_organisation(number) }
}

fn founding(organisations: Vec<NewOrganisation>) -> Founding {
    let (name, collections) = ("example.org/test".to_owned(), vec![definition(COLLECTION)]);
    Founding { name, organisations, collections, policy: Policy::standard(), nonce: [0; 16] }
}

fn found(founding: Founding) -> (Network, Result<Outcome, Refusal>) {
    let id = founding.network();
    let mut network = Network { member: Member::default(), id, time: START, log: Vec::new() };
    let outcome = network.send(Command::Found { founding, secret: Secret([7; 32]) });
    (network, outcome)
}

/// A network of some organisations, of which the first has founded it with its node.
fn network(members: u8) -> Network {
    let organisations = [with_node(1)].into_iter().chain((2..=members).map(new_organisation)).collect();
    let (network, outcome) = found(founding(organisations));
    assert_eq!(outcome, Ok(Outcome::Founded(network.id)));
    network
}

/// Three organisations with a node each.
fn three_nodes() -> Network {
    let mut network = network(3);
    for number in [2, 3] {
        assert_eq!(network.change(1, &[2], add(number, new_node(number))), Phase::Approved);
    }
    network
}

fn nodes(network: &Network) -> Vec<Node> {
    block_on(Reader::new(&network.member.memory).nodes()).unwrap()
}

fn attestations(network: &Network) -> Vec<Envelope> {
    block_on(Reader::new(&network.member.memory).attestations()).unwrap()
}

/// The numbers of the nodes that are there, with their organisations.
fn present(network: &Network) -> Vec<(u64, u8)> {
    let number = |node: &Node| node.organisation.0.as_u128().try_into().unwrap();
    nodes(network).iter().filter(|node| node.is_present()).map(|node| (node.id, number(node))).collect()
}

fn keys(network: &Network, of: u8) -> Vec<OrganisationKey> {
    let all = block_on(Reader::new(&network.member.memory).organisations()).unwrap();
    all.into_iter().find(|found| found.id == organisation(of)).unwrap().keys
}

fn attest(network: &Network, of: u8, node: u64) -> Attest {
    let ledger = network.member.ledger();
    Attest {
        network: network.id,
        organisation: organisation(of),
        node,
        index: ledger.index,
        entries: ledger.entries,
        effects: ledger.effects,
        state: Digest::default(),
        tree_size: ledger.tree.size(),
        tree_root: ledger.tree.head().root,
        protocol: PROTOCOL,
        claimed_at: network.time,
    }
}

fn send(network: &mut Network, attest: &Attest, key: &SecretKey) -> Result<Outcome, Refusal> {
    network.send(Command::Attest(Envelope::sign(attest, key)))
}

/// All three nodes say that they speak a protocol.
fn all_speak(network: &mut Network, protocol: u16) {
    for (node, of) in present(network) {
        let said = Attest { protocol, ..attest(network, of, node) };
        assert_eq!(send(network, &said, &log_key(of)), Ok(Outcome::Attested(node)));
    }
}

fn submit_with(network: &mut Network, by: u8, key: &SecretKey, id: &str) -> Result<Outcome, Refusal> {
    let objects = [object(id, "v1", 0, "a")];
    let statement = network.statement(by, &objects);
    network.submit_signed(&statement, key, &objects)
}

#[track_caller]
fn refused(outcome: Result<Outcome, Refusal>, part: &str) {
    match outcome {
        Err(Refusal::Governance(reason)) if reason.contains(part) => {}
        other => panic!("{other:?} instead of a refusal with: {part}"),
    }
}

#[track_caller]
fn is_retired(outcome: Result<Outcome, Refusal>) {
    let is_retired = matches!(outcome, Err(Refusal::Key { refusal: KeyRefusal::Retired { .. }, .. }));
    assert!(is_retired, "{outcome:?}");
}

#[test]
fn the_first_node_founds_the_network_and_others_join_by_their_entries() {
    let mut network = network(3);
    assert_eq!(nodes(&network).iter().map(|node| node.id).collect::<Vec<_>>(), [FIRST_NODE]);
    assert_eq!(network.change(1, &[2], add(2, new_node(2))), Phase::Approved);
    let index = network.member.index;
    let expected = Node {
        id: index,
        organisation: organisation(2),
        address: "node-2.example.org:7000".to_owned(),
        certificate: Digest::of(&[&[2]]),
        submit_key: node_key(2).public().id(),
        log_key: log_key(2).public(),
        protocol: PROTOCOL,
        left: None,
    };
    assert_eq!(nodes(&network)[1], expected);
    let roles: Vec<_> = keys(&network, 2)[2..].iter().map(|key| (key.role, key.since, key.until)).collect();
    assert_eq!(roles, [(Role::Submit, index, None), (Role::Log, index, None)]);
    for number in [1, 2] {
        submit_with(&mut network, number, &node_key(number), &format!("indicator--{number}")).unwrap();
    }
    assert_eq!(
        network.change(1, &[2], Action::AddOrganisation { new: with_node(4) }),
        Phase::Approved,
        "an organisation brings its node"
    );
    let joined = network.member.index;
    assert_eq!(present(&network), [(FIRST_NODE, 1), (index, 2), (joined, 4)]);
    submit_with(&mut network, 4, &node_key(4), "indicator--4").unwrap();
}

#[test]
fn two_nodes_found_no_network_and_a_founding_may_have_none() {
    let (_, outcome) = found(founding(vec![with_node(1), with_node(2)]));
    refused(outcome, "one node founds a network");
    let network = Network::of(3);
    assert_eq!(nodes(&network), []);
    assert_eq!(attestations(&network), []);
}

#[test]
fn a_founding_survives_its_encodings() {
    for organisations in [vec![with_node(1), new_organisation(2)], vec![new_organisation(1)]] {
        let json = serde_json::to_string(&organisations).unwrap();
        assert_eq!(serde_json::from_str::<Vec<NewOrganisation>>(&json).unwrap(), organisations);
        let founding = founding(organisations);
        let bytes = postcard::to_allocvec(&founding).unwrap();
        assert_eq!(postcard::from_bytes::<Founding>(&bytes).unwrap(), founding);
    }
    let (one, none) = (vec![with_node(1)], vec![new_organisation(1)]);
    assert_ne!(founding(one).network(), founding(none).network());
    let short = r#"{"id":"00000000-0000-0000-0000-000000000001","name":"Organisation 1","keys":[]}"#;
    assert_eq!(serde_json::from_str::<NewOrganisation>(short).unwrap().node, None);
}

#[test]
fn a_node_takes_the_place_of_the_one_before_and_the_keys_of_that_sign_no_longer() {
    let mut network = three_nodes();
    let before = present(&network)[1].0;
    let next = NewNode { address: new_node(2).address, ..new_node(12) };
    assert_eq!(network.change(1, &[3], add(2, next)), Phase::Approved, "the address stays");
    let index = network.member.index;
    assert_eq!(nodes(&network)[1].left, Some(index));
    assert_eq!(present(&network)[2], (index, 2));
    assert_eq!(keys(&network, 2).iter().filter(|key| key.until == Some(index)).count(), 2);
    is_retired(submit_with(&mut network, 2, &node_key(2), "indicator--1"));
    let said = attest(&network, 2, before);
    is_retired(send(&mut network, &said, &log_key(2)));
    submit_with(&mut network, 2, &node_key(12), "indicator--1").unwrap();
    let said = attest(&network, 2, index);
    assert_eq!(send(&mut network, &said, &log_key(12)), Ok(Outcome::Attested(index)));
}

#[test]
fn a_node_that_is_removed_signs_no_longer_and_the_last_one_stays() {
    let mut network = three_nodes();
    let ids: Vec<_> = present(&network).iter().map(|(id, _)| *id).collect();
    for id in &ids[..2] {
        assert_eq!(network.change(1, &[3], Action::RemoveNode { node: *id }), Phase::Approved);
        assert_eq!(
            nodes(&network).iter().find(|node| node.id == *id).unwrap().left,
            Some(network.member.index)
        );
    }
    is_retired(submit_with(&mut network, 1, &node_key(1), "indicator--1"));
    refused(network.govern(1, Action::RemoveNode { node: ids[0] }), "no such node");
    refused(network.govern(1, Action::RemoveNode { node: 77 }), "no such node");
    refused(network.govern(1, Action::RemoveNode { node: ids[2] }), "the last node");
    refused(network.govern(1, Action::RemoveOrganisation { organisation: organisation(3) }), "the last node");
    // A node that takes the place of the last one leaves none out.
    assert_eq!(network.change(1, &[3], add(3, new_node(13))), Phase::Approved);
    submit_with(&mut network, 1, &submit_key(1), "indicator--1").expect("the organisation stays a member");
}

#[test]
fn the_last_node_stays_also_where_its_removal_was_proposed_before() {
    let mut network = three_nodes();
    let ids: Vec<_> = present(&network).iter().map(|(id, _)| *id).collect();
    let proposals: Vec<_> =
        ids.iter().map(|id| proposed(network.govern(1, Action::RemoveNode { node: *id }))).collect();
    proposals.iter().for_each(|id| network.approve(&[2], *id));
    let phases: Vec<_> = proposals.iter().map(|id| network.phase(*id)).collect();
    assert_eq!(phases, [Phase::Approved, Phase::Approved, Phase::Rejected(Reason::Void)]);
    assert_eq!(present(&network), [(ids[2], 3)]);
}

#[test]
fn an_organisation_that_is_removed_takes_its_node_with_it() {
    let mut network = three_nodes();
    let removal = Action::RemoveOrganisation { organisation: organisation(3) };
    assert_eq!(network.change(1, &[2], removal), Phase::Approved);
    assert_eq!(nodes(&network)[2].left, Some(network.member.index));
    assert_eq!(present(&network).len(), 2);
    let outcome = submit_with(&mut network, 3, &node_key(3), "indicator--1");
    assert_eq!(outcome, Err(Refusal::NoMember(organisation(3))));
    refused_member(&mut network);
}

fn refused_member(network: &mut Network) {
    let id = nodes(network)[2].id;
    let said = attest(network, 3, id);
    assert_eq!(send(network, &said, &log_key(3)), Err(Refusal::NoMember(organisation(3))));
    let again = network.govern(1, add(3, new_node(13)));
    assert_eq!(again, Err(Refusal::NoMember(organisation(3))));
}

#[test]
fn of_two_nodes_that_one_entry_would_make_the_second_is_void() {
    let mut network = network(4);
    // Two of four do not suffice, and two of three do.
    let additions = [2, 3].map(|number| proposed(network.govern(1, add(number, new_node(number)))));
    additions.iter().for_each(|id| network.approve(&[2], *id));
    assert_eq!(nodes(&network).len(), 1);
    let removal = Action::RemoveOrganisation { organisation: organisation(4) };
    assert_eq!(network.change(1, &[3], removal), Phase::Approved);
    let mut phases = additions.map(|id| network.phase(id));
    phases.sort_by_key(|phase| *phase != Phase::Approved);
    assert_eq!(phases, [Phase::Approved, Phase::Rejected(Reason::Void)]);
    let [(FIRST_NODE, 1), (id, of)] = present(&network)[..] else { panic!("two nodes") };
    assert_eq!(id, network.member.index);
    let late = 5 - of;
    assert_eq!(network.change(1, &[2], add(late, new_node(late))), Phase::Approved);
}

#[test]
fn what_another_node_has_or_had_is_no_more_free() {
    let mut network = three_nodes();
    refused(
        network.govern(1, add(2, NewNode { certificate: new_node(3).certificate, ..new_node(12) })),
        "certificate",
    );
    refused(
        network.govern(1, add(2, NewNode { certificate: new_node(2).certificate, ..new_node(12) })),
        "certificate",
    );
    let address = "NODE-3.example.org:7000".to_owned();
    refused(network.govern(1, add(2, NewNode { address, ..new_node(12) })), "another node has this address");
    for key in [vote_key(2), submit_key(3), node_key(2), log_key(3)] {
        let submit = NewNode { submit_key: key.public(), ..new_node(12) };
        refused(network.govern(1, add(2, submit)), "is or was a key");
        let log = NewNode { log_key: key.public(), ..new_node(12) };
        refused(network.govern(1, add(2, log)), "is or was a key");
    }
    let twice = NewNode { log_key: node_key(12).public(), ..new_node(12) };
    refused(network.govern(1, add(2, twice.clone())), "given twice");
    let new = NewOrganisation { node: Some(twice), ..new_organisation(4) };
    refused(network.govern(1, Action::AddOrganisation { new }), "given twice");
    let outcome = network.govern(1, add(9, new_node(12)));
    assert_eq!(outcome, Err(Refusal::NoMember(organisation(9))));
    // A node that left gives back its address, and nothing else.
    let id = present(&network)[2].0;
    assert_eq!(network.change(1, &[2], Action::RemoveNode { node: id }), Phase::Approved);
    refused(network.govern(1, add(3, new_node(3))), "is or was a key");
    let back = NewNode { certificate: new_node(3).certificate, ..new_node(13) };
    refused(network.govern(1, add(3, back)), "certificate");
    let moved = NewNode { address: new_node(3).address, ..new_node(13) };
    assert_eq!(network.change(1, &[2], add(2, moved)), Phase::Approved);
}

#[test]
fn an_address_is_a_host_and_a_port() {
    let mut network = network(3);
    let long = |bytes: usize| format!("{}:7000", "a".repeat(bytes - 5));
    let good = ["a:1", "a_b-c.example:65535", "192.0.2.1:7000", "[2001:db8::1]:7000", "[::ffff:192.0.2.1]:1"];
    for address in good.map(str::to_owned).into_iter().chain([long(255)]) {
        proposed(network.govern(1, add(2, NewNode { address, ..new_node(2) })));
    }
    let bad = [
        "",
        ":",
        "a",
        "a:",
        ":1",
        "a:0",
        "a:01",
        "a:65536",
        "a:+1",
        "a:1 ",
        " a:1",
        "a b:1",
        "a/b:1",
        "a@b:1",
        "https://a:1",
        "2001:db8::1:7000",
        "[]:1",
        "[a]:1",
        "[2001:db8::1]",
        "ä:1",
        "a:1\n",
    ];
    for address in bad.map(str::to_owned).into_iter().chain([long(256)]) {
        refused(network.govern(1, add(2, NewNode { address, ..new_node(2) })), "host:port");
    }
}

#[test]
fn the_keys_of_nodes_count_among_those_of_their_organisation() {
    let mut network = network(3);
    for number in 0..u8::try_from(MAX_KEYS).unwrap() - 2 - 1 {
        let public = SecretKey::from_seed(&[number, 255].repeat(16).try_into().unwrap()).public();
        let key = consensus::NewKey { public, role: Role::Vote };
        let change = Action::AddKey { organisation: organisation(2), key };
        assert_eq!(network.change(1, &[2], change), Phase::Approved);
    }
    assert_eq!(keys(&network, 2).len(), MAX_KEYS - 1);
    refused(network.govern(1, add(2, new_node(2))), "64 keys at most");
}

#[test]
fn a_log_key_comes_with_its_node_and_a_rotated_submit_key_is_that_of_the_node() {
    let mut network = three_nodes();
    let fresh = SecretKey::from_seed(&[77; 32]);
    let organisation = organisation(2);
    let rotate = |old: &SecretKey, role| Action::RotateKey {
        organisation,
        old: old.public().id(),
        new: new_key(&fresh, role),
    };
    refused(network.govern(1, rotate(&log_key(2), Role::Log)), "a log key comes with its node");
    let key = new_key(&fresh, Role::Log);
    refused(network.govern(1, Action::AddKey { organisation, key }), "a log key comes with its node");
    let mut new = new_organisation(4);
    new.keys.push(key);
    refused(network.govern(1, Action::AddOrganisation { new }), "a log key comes with its node");

    let before = nodes(&network);
    assert_eq!(network.change(1, &[2], rotate(&node_key(2), Role::Submit)), Phase::Approved);
    let expected = Node { submit_key: fresh.public().id(), ..before[1].clone() };
    assert_eq!(nodes(&network), [before[0].clone(), expected, before[2].clone()]);
    submit_with(&mut network, 2, &fresh, "indicator--1").unwrap();
    is_retired(submit_with(&mut network, 2, &node_key(2), "indicator--2"));
    assert_eq!(network.change(1, &[2], Action::RemoveNode { node: before[1].id }), Phase::Approved);
    is_retired(submit_with(&mut network, 2, &fresh, "indicator--2"));
    // The other submit key of the organisation is none of the node.
    submit_with(&mut network, 2, &submit_key(2), "indicator--2").unwrap();
}

#[test]
fn a_log_key_submits_nothing_and_has_no_vote() {
    let mut network = three_nodes();
    let is_role = |outcome: &Result<Outcome, Refusal>| {
        matches!(outcome, Err(Refusal::Key { refusal: KeyRefusal::Role { role: Role::Log, .. }, .. }))
    };
    let outcome = submit_with(&mut network, 2, &log_key(2), "indicator--1");
    assert!(is_role(&outcome), "{outcome:?}");
    let text = object("indicator--1", "v1", 0, "a");
    let id = network.submit(1, std::slice::from_ref(&text));
    let vote = network.ballot(2, id, consensus::statement::Decision::Approve, 0);
    let outcome = network.cast(&vote, &log_key(2));
    assert!(is_role(&outcome), "{outcome:?}");
    let outcome = network.revoke(2, &text, &log_key(2));
    assert!(is_role(&outcome), "{outcome:?}");
}

#[test]
fn a_node_attests_its_log_and_the_last_attestation_is_kept() {
    let mut network = three_nodes();
    let [(first, _), (second, _), _] = present(&network)[..] else { panic!("three nodes") };
    let leaves = network.member.ledger().tree.size();
    let early = attest(&network, 1, first);
    assert_eq!(send(&mut network, &early, &log_key(1)), Ok(Outcome::Attested(first)));
    let late = attest(&network, 1, first);
    assert_eq!(send(&mut network, &late, &log_key(1)), Ok(Outcome::Attested(first)));
    assert_eq!(send(&mut network, &late, &log_key(1)), Ok(Outcome::Attested(first)), "once more");
    refused(send(&mut network, &early, &log_key(1)), "a later entry already");
    let other = attest(&network, 2, second);
    send(&mut network, &other, &log_key(2)).unwrap();
    let kept: Vec<_> = attestations(&network).iter().map(|kept| kept.read::<Attest>().unwrap()).collect();
    assert_eq!(kept, [late, other]);
    assert_eq!(network.member.ledger().tree.size(), leaves);
    assert_eq!(network.change(2, &[3], Action::RemoveNode { node: first }), Phase::Approved);
    assert_eq!(attestations(&network).len(), 1, "those of nodes that are there");
}

#[test]
fn only_the_log_key_of_a_node_attests_its_log() {
    let mut network = three_nodes();
    let [_, (second, _), (third, _)] = present(&network)[..] else { panic!("three nodes") };
    let said = attest(&network, 2, second);
    for key in [vote_key(2), submit_key(2), node_key(2)] {
        let outcome = send(&mut network, &said, &key);
        let is_role = matches!(outcome, Err(Refusal::Key { refusal: KeyRefusal::Role { .. }, .. }));
        assert!(is_role, "{outcome:?}");
    }
    for key in [log_key(3), SecretKey::from_seed(&[99; 32])] {
        let outcome = send(&mut network, &said, &key);
        let is_unknown = matches!(outcome, Err(Refusal::Key { refusal: KeyRefusal::Unknown(_), .. }));
        assert!(is_unknown, "{outcome:?}");
    }
    let forged = Envelope { key: log_key(2).public().id(), ..Envelope::sign(&said, &log_key(3)) };
    assert_eq!(network.send(Command::Attest(forged)), Err(Refusal::Signature));
    let foreign = Attest { node: third, ..said.clone() };
    refused(send(&mut network, &foreign, &log_key(2)), "not the log key of this node");
    let none = Attest { node: 77, ..said.clone() };
    refused(send(&mut network, &none, &log_key(2)), "not the log key of this node");
    let other = Attest { network: consensus::NetworkId(Digest::default()), ..said.clone() };
    assert_eq!(send(&mut network, &other, &log_key(2)), Err(Refusal::OtherNetwork(other.network)));
    let future = Attest { index: network.member.index + 2, ..said.clone() };
    refused(send(&mut network, &future, &log_key(2)), "not there yet");
    let vote = network.send(Command::Vote(Envelope::sign(&said, &log_key(2))));
    assert!(matches!(vote, Err(Refusal::Statement(_))), "{vote:?}");
    assert_eq!(attestations(&network), []);
    // A log key that was stolen attests no longer.
    let key = log_key(2).public().id();
    let revocation = Action::RevokeKey { organisation: organisation(2), key, since: network.member.index };
    assert_eq!(network.change(1, &[3], revocation), Phase::Approved);
    is_retired(send(&mut network, &said, &log_key(2)));
}

#[test]
fn numbers_that_json_cannot_hold_are_refused() {
    let mut network = three_nodes();
    let said = attest(&network, 1, FIRST_NODE);
    let text = String::from_utf8(said.encode().to_vec()).unwrap();
    let index = format!("\"index\":{}", said.index);
    for number in ["18446744073709551615", "9007199254740993", "-1", "1.5", "1e3"] {
        let payload = Bytes::from(text.replace(&index, &format!("\"index\":{number}")));
        let signature = log_key(1).sign(&consensus::pre_authentication(Attest::PAYLOAD_TYPE, &payload));
        let envelope = Envelope { payload, signature, ..Envelope::sign(&said, &log_key(1)) };
        let outcome = network.send(Command::Attest(envelope));
        assert!(outcome.is_err(), "{number}: {outcome:?}");
    }
}

#[test]
fn the_protocol_is_raised_when_all_nodes_speak_it() {
    let mut network = three_nodes();
    let raise = Action::SetProtocol { protocol: PROTOCOL + 1 };
    refused(network.govern(1, raise.clone()), "nodes that all speak it");
    let [_, _, (third, _)] = present(&network)[..] else { panic!("three nodes") };
    all_speak(&mut network, PROTOCOL + 1);
    assert!(nodes(&network).iter().all(|node| node.protocol == PROTOCOL + 1));
    for wrong in [PROTOCOL, PROTOCOL + 2, 0] {
        refused(network.govern(1, Action::SetProtocol { protocol: wrong }), "the next protocol");
    }
    // One of them goes back before the votes are in.
    let id = proposed(network.govern(1, raise.clone()));
    let back = attest(&network, 3, third);
    send(&mut network, &back, &log_key(3)).unwrap();
    network.approve(&[2], id);
    assert_eq!(network.phase(id), Phase::Rejected(Reason::Void));
    assert_eq!(network.member.ledger().protocol, PROTOCOL);
    // Without that node, all speak it.
    let removal = Action::RemoveOrganisation { organisation: organisation(3) };
    assert_eq!(network.change(1, &[2], removal), Phase::Approved);
    assert_eq!(network.change(1, &[2], raise), Phase::Approved);
    assert_eq!(network.member.ledger().protocol, PROTOCOL + 1);
}

#[test]
fn a_network_without_nodes_keeps_its_protocol() {
    let mut network = Network::of(3);
    refused(network.govern(1, Action::SetProtocol { protocol: PROTOCOL + 1 }), "nodes that all speak it");
}

#[test]
fn a_node_that_speaks_an_older_protocol_does_not_join() {
    let mut network = network(3);
    let old = NewNode { protocol: PROTOCOL - 1, ..new_node(2) };
    refused(network.govern(1, add(2, old.clone())), "does not speak the protocol");
    let new = NewOrganisation { node: Some(old.clone()), ..new_organisation(4) };
    refused(network.govern(1, Action::AddOrganisation { new }), "does not speak the protocol");
    let said = Attest { protocol: PROTOCOL - 1, ..attest(&network, 1, FIRST_NODE) };
    refused(send(&mut network, &said, &log_key(1)), "does not speak the protocol");
    let (_, outcome) = found(founding(vec![NewOrganisation { node: Some(old), ..new_organisation(1) }]));
    refused(outcome, "does not speak the protocol");
    let later = NewNode { protocol: PROTOCOL + 9, ..new_node(2) };
    assert_eq!(network.change(1, &[2], add(2, later)), Phase::Approved);
}

#[test]
fn a_member_with_older_software_stops() {
    let mut network = three_nodes();
    all_speak(&mut network, PROTOCOL + 1);
    assert_eq!(network.change(1, &[2], Action::SetProtocol { protocol: PROTOCOL + 1 }), Phase::Approved);
    let before = network.member.memory.0.clone();
    let bytes = Entry { time: network.time, command: Command::Tick }.encode();
    let next = [&(PROTOCOL + 1).to_be_bytes()[..], &bytes[2..]].concat();
    for bytes in [&bytes[..], &next] {
        let index = network.member.index + 1;
        let error = network.member.apply_at(index, bytes).unwrap_err();
        assert!(matches!(error, ApplyError::Protocol(found) if found == PROTOCOL + 1), "{error}");
        assert!(error.to_string().contains("install a newer version"), "{error}");
    }
    assert_eq!(network.member.memory.0, before);
}

#[test]
fn an_entry_of_another_protocol_than_that_of_the_network_is_refused_unread() {
    let mut network = network(3);
    let bytes = Entry { time: network.time, command: Command::Tick }.encode();
    let (expected, time) = (PROTOCOL, network.member.ledger().time);
    for found in [0, PROTOCOL + 1] {
        let applied = network.member.apply_bytes(&[&found.to_be_bytes()[..], &bytes[2..]].concat());
        assert_eq!(applied.outcome, Err(Refusal::Protocol { expected, found }));
    }
    assert_eq!(network.member.ledger().time, time + 2);
    // A founding has the protocol of its entry, which must be known.
    let mut member = Member::default();
    let error = member.apply_at(1, &[&[0, 0], &bytes[2..]].concat()).unwrap_err();
    assert!(matches!(error, ApplyError::Entry(EntryError::Protocol(0))), "{error}");
}

#[test]
fn members_that_apply_the_same_log_hold_the_same_nodes() {
    let mut network = three_nodes();
    all_speak(&mut network, PROTOCOL + 1);
    assert_eq!(network.change(1, &[2], add(2, new_node(12))), Phase::Approved);
    let mut other = Member::default();
    network.log.iter().for_each(|entry| drop(other.apply(entry)));
    assert_eq!(other.memory.0, network.member.memory.0);
}
