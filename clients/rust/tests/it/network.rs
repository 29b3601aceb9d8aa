//! `taxii review`, `vote`, `withdraw`, `revoke` and `governance`

use crate::members::{COLLECTION, Members, NETWORK, indicator, key, organisation, shown, submit};
use serde_json::Value;
use taxii_client::network::{Action, Decision, Envelope, Govern, Nonce, Policy, Revoke, Vote, Withdraw};

fn two() -> Vec<String> {
    vec![indicator(1, "198.51.100.7"), indicator(2, "203.0.113.9")]
}

fn votes(members: &Members, by: u8) -> Vec<Vote> {
    members.said::<Vote>(by).into_iter().map(|(_, vote)| vote).collect()
}

#[test]
fn what_awaits_votes_is_listed() {
    let members = Members::with(&[&two(), &two()[..1]]);
    let (code, table, said) = members.taxii(&["review", "--key", "1.key"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("answers for network 0505") && said.contains("that is remembered in"), "{said}");
    let rows: Vec<_> = table.lines().collect();
    assert!(rows[0].starts_with("PROPOSAL  KIND    FROM            COLLECTION  AGE"), "{table}");
    let first = format!("{}  submit  Organisation 2  Indicators  ", &members.id(0)[..8]);
    assert!(rows[1].starts_with(&first) && rows[1].contains("  2        0 for, 0 other  -"), "{table}");
    assert_eq!(rows.len(), 3);
    let (_, rows, said) = members.taxii(&["--json", "review", "--key", "2.key"]);
    assert_eq!(said, "", "the network is known by now");
    let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert_eq!(row["proposal"], members.id(0).as_str());
    assert_eq!((&row["objects"], &row["own_vote"]), (&2.into(), &"own".into()));
    assert_eq!((&row["votes"]["approve"], &row["is_as_signed"]), (&0.into(), &true.into()));
}

#[test]
fn a_proposal_is_shown_with_what_it_changes() {
    let text = indicator(1, "198.51.100.7").replace("\"n1\"", "\"n\u{202e}1\"");
    let members = Members::with(&[&[text]]);
    members.held.lock().unwrap().visible = Some(indicator(1, "198.51.100.8"));
    let id = members.id(0);
    assert_eq!(members.taxii(&["vote", &id[..8], "--reject", "--key", "3.key", "--reason", "no\nway"]).0, 0);
    let (code, page, said) = members.taxii(&["review", &id[..6]]);
    assert_eq!(code, 0, "{said}");
    for part in [
        &*format!("proposal    {id}\nfrom        Organisation 2 ("),
        "collection  Indicators (",
        "item 0: open, indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c001\n  marking   TLP:CLEAR\n",
        "decision  needs the approval of 2 of 2 members; otherwise: Organisation 3; not voted: Organisation 1\n",
        "  findings  none\n  previous  changes of the visible version:\n",
        "    - /name: \"n1\"\n    + /name: \"n\\u202e1\"\n",
        "    - /pattern: \"[ipv4-addr:value = '198.51.100.8']\"\n",
        "      \"name\": \"n\\u202e1\",\n",
        "vote reject by Organisation 3: no\\nway\n",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(said.contains(&format!("taxii vote {} --approve", &id[..8])), "{said}");
    let (_, row, _) = members.taxii(&["--json", "review", &id]);
    assert!(row.contains(r#""object":{ "type":"indicator","#), "as it was written: {row}");
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row["items"][0]["differences"][1]["new"], "[ipv4-addr:value = '198.51.100.7']");
    assert_eq!(row["votes"][0]["reason"], "no\nway");
}

#[test]
fn a_vote_is_signed_and_counts_on() {
    let members = Members::with(&[&two()]);
    let id = members.id(0);
    let (code, out, said) =
        members.taxii(&["vote", &id[..8], "--reject", "--items", "1,0", "--key", "1.key", "--reason", "why"]);
    assert_eq!(
        (code, out.lines().next()),
        (0, Some(&*format!("Organisation 1 votes reject on {}", &id[..8]))),
        "{said}"
    );
    assert_eq!(out.lines().nth(1), Some(&*format!("proposal {}: 2 items: awaits more votes", &id[..8])));
    let (code, row, _) = members.taxii(&["--json", "vote", &id, "--approve", "--key", "1.key"]);
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!((code, &row["items"]["approved"]), (0, &2.into()));
    let cast = votes(&members, 1);
    assert_eq!(cast.iter().map(|vote| vote.sequence).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((cast[0].decision, cast[0].items.clone()), (Decision::Reject, Some(vec![0, 1])));
    assert_eq!((cast[0].network, cast[0].organisation), (NETWORK, organisation(1)));
    assert_eq!((cast[0].reason.as_str(), cast[1].items.clone()), ("why", None));
    assert!(cast[0].claimed_at > 1_700_000_000_000_000);
    let (code, _, said) = members.taxii(&["vote", &id, "--veto", "--key", "1.key"]);
    assert_eq!((code, said), (1, format!("{}: nothing of this proposal awaits votes any more\n", &id[..8])));
}

/// What a vote says when the server shows something else than what was signed, or is another one.
fn refused(members: &Members) -> String {
    let id = members.id(0);
    let (code, out, said) = members.taxii(&["vote", &id, "--approve", "--key", "1.key", "-q"]);
    assert_eq!((code, out.as_str()), (1, ""), "{said}");
    assert!(members.held.lock().unwrap().said.is_empty(), "nothing was signed");
    said
}

#[test]
fn nothing_is_signed_about_an_object_that_was_changed() {
    let members = Members::with(&[&two()]);
    members.tamper("203.0.113.9", "203.0.113.8");
    let said = refused(&members);
    assert!(said.starts_with("item 1: the object has the digest "), "{said}");
    assert!(
        said.ends_with("; nothing was signed\n") && said.contains(", and the proposer signed "),
        "{said}"
    );
    let (code, table, said) = members.taxii(&["review"]);
    assert!(code == 1 && table.contains("  TAMPERED  ") && said.contains("; do not vote on it"), "{said}");
}

#[test]
fn nothing_is_signed_about_another_envelope() {
    let members = Members::with(&[&two()]);
    let own = Envelope::sign(
        &{
            let mut submit = submit(2, &two());
            submit.claimed_at = 1;
            submit
        },
        &key(102),
    );
    let other = Envelope::sign(&submit(2, &two()), &key(102));
    members.tamper(&own.to_json(), &other.to_json());
    let said = refused(&members);
    let expected = format!(
        "the envelope is not that of proposal {}: what was signed is proposal {}; nothing was signed\n",
        members.id(0),
        other.digest()
    );
    assert_eq!(said, expected);
}

#[test]
fn nothing_is_signed_for_another_network() {
    let members = Members::with(&[&two()]);
    members.taxii(&["review"]);
    let other = "06".repeat(32);
    members.held.lock().unwrap().state["network"] = other.as_str().into();
    let said = refused(&members);
    assert!(
        said.contains(&format!(
            "answers for network {other}, and was known for network {NETWORK}; nothing is signed"
        )),
        "{said}"
    );
    // Whoever says what is expected needs no memory.
    let id = members.id(0);
    let (code, _, said) =
        members.taxii(&["vote", &id, "--approve", "--key", "1.key", "--network", &NETWORK.to_string()]);
    assert!(code == 1 && said.contains(&format!("and {NETWORK} is expected; nothing is signed")), "{said}");
    std::fs::remove_file(members.path("known")).unwrap();
    let said = refused(&members);
    assert!(
        said.contains(&format!("was signed for network {NETWORK}, and this is network {other}")),
        "{said}"
    );
}

#[test]
fn a_key_that_has_no_vote_says_why() {
    let members = Members::with(&[&two()]);
    let vote = |members: &Members| {
        let (code, _, said) = members.taxii(&["vote", &members.id(0), "--approve", "--key", "3.key", "-q"]);
        assert_eq!(code, 1);
        said
    };
    let (code, _, said) = members.taxii(&["vote", &members.id(0), "--approve", "--key", "2.key", "-q"]);
    let none = "the policy gives Organisation 2 no vote on this proposal; nothing was signed";
    assert_eq!((code, said), (1, format!("{}: {none}\n", &members.id(0)[..8])));
    members.held.lock().unwrap().organisations[2]["keys"][0]["until"] = 7.into();
    assert_eq!(vote(&members), "the key of Organisation 3 was taken back by entry 7\n");
    members.held.lock().unwrap().organisations[2]["left"] = 8.into();
    assert_eq!(vote(&members), "Organisation 3 is a member no longer\n");
    members.held.lock().unwrap().organisations.as_array_mut().unwrap().pop();
    assert!(vote(&members).starts_with("no organisation of this network has the key "));
    let (code, _, said) = members.taxii(&["vote", "12345678", "--approve"]);
    assert!(code == 2 && said.contains("--key <FILE>"), "{said}");
    let (code, _, said) = members.taxii(&["vote", "123", "--approve", "--key", "1.key", "-q"]);
    assert!(code == 2 && said.contains("named by 4 or more of its hexadecimal digits"), "{said}");
    let (code, _, said) = members.taxii(&["vote", "12345678", "--approve", "--key", "1.key", "-q"]);
    assert!(code == 1 && said.contains("sees no proposal whose name begins so"), "{said}");
    let (code, _, said) = members.taxii(&["vote", "12345678", "--approve", "--veto", "--key", "1.key"]);
    assert!(code == 2 && said.contains("cannot be used with"), "{said}");
}

#[test]
fn an_object_that_is_visible_before_it_is_ratified_comes_from_its_collection() {
    let members = Members::with(&[&two()[..1]]);
    let item = &submit(2, &two()).items[0];
    // As a server shows it: without the object.
    let shown = format!(r#""phase":"open","deadline":"2126-01-01T00:00:00Z","object":{}"#, two()[0]);
    let head = format!(r#""phase":"provisional","id":"{}","digest":"{}""#, item.id, item.digest);
    members.tamper(&shown, &head);
    let id = members.id(0);
    members.held.lock().unwrap().visible = Some(indicator(1, "198.51.100.8"));
    let vote = || members.taxii(&["vote", &id, "--approve", "--key", "1.key", "-q"]);
    let unseen = "item 0: the server does not show the object, so nothing is signed about it";
    assert_eq!(vote(), (1, String::new(), format!("{}: {unseen}\n", &id[..8])));
    members.held.lock().unwrap().visible = Some(two()[0].clone());
    let (_, page, _) = members.taxii(&["review", &id]);
    assert!(page.contains("198.51.100.7") && page.contains("no visible version"), "{page}");
    assert_eq!(vote().0, 0);
    assert_eq!(votes(&members, 1).len(), 1);
}

#[test]
fn a_vote_that_does_not_count_is_no_matter_of_credentials() {
    let members = Members::with(&[&two()]);
    members.held.lock().unwrap().refusal = Some("the proposal is decided");
    let (code, out, said) =
        members.taxii(&["--json", "vote", &members.id(0), "--approve", "--key", "1.key", "-q"]);
    let error: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, out.as_str(), &error["error"]["kind"]), (1, "", &"server".into()), "{said}");
    assert!(said.contains("the proposal is decided"), "{said}");
}

#[test]
fn a_proposal_is_withdrawn_by_its_own_organisation() {
    let members = Members::with(&[&two()]);
    let id = members.id(0);
    let (code, _, said) = members.taxii(&["withdraw", &id[..8], "--key", "1.key", "-q"]);
    assert_eq!(code, 1);
    assert!(said.contains("this is a proposal of Organisation 2, and only that organisation takes it back"));
    let (code, out, _) = members.taxii(&["withdraw", &id[..8], "--key", "2.key"]);
    assert!(code == 0 && out.starts_with("Organisation 2 withdraws "), "{out}");
    let (path, withdraw) = members.said::<Withdraw>(2).remove(0);
    assert_eq!(path, format!("/consensus/v1/proposals/{id}/withdraw/"));
    assert_eq!(withdraw.proposal.to_string(), id);
}

#[test]
fn a_revocation_names_the_version_that_is_visible() {
    let members = Members::with(&[]);
    members.held.lock().unwrap().visible = Some(indicator(1, "198.51.100.7"));
    let id = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c001";
    let (code, out, said) =
        members.taxii(&["revoke", "-c", "indicators", id, "--reason", "false alarm", "--key", "3.key"]);
    assert_eq!((code, out), (0, format!("Organisation 3 proposes to take back {id}\n")), "{said}");
    let (path, revoke) = members.said::<Revoke>(3).remove(0);
    let item = &submit(2, &two()).items[0];
    assert_eq!((path.as_str(), revoke.collection), ("/consensus/v1/revocations/", COLLECTION));
    assert_eq!((&revoke.id, &revoke.version, revoke.digest), (&item.id, &item.version, item.digest));
    assert_eq!(revoke.reason, "false alarm");
    let other = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3c009";
    let (code, _, said) =
        members.taxii(&["revoke", "-c", "indicators", other, "--reason", "x", "--key", "3.key"]);
    assert!(code == 1 && said.contains(&format!("{other} was asked for, and {id} came")), "{said}");
}

#[test]
fn a_change_of_the_network_is_proposed_and_told_in_words() {
    let members = Members::with(&[]);
    let propose = |arguments: &[&str]| {
        let all = [&["governance", "propose"], arguments, &["--key", "1.key", "-q"]].concat();
        members.taxii(&all)
    };
    let (code, out, said) = propose(&["--add-collection", "Malware", "--alias", "malware"]);
    assert!(code == 0 && out.starts_with("A new collection "), "{said}");
    assert!(
        out.contains("  {\"alias\":\"malware\",\"title\":\"Malware\"}\nOrganisation 1 proposes this\n"),
        "{out}"
    );
    let (_, out, _) = propose(&["--remove-organisation", "Organisation 3"]);
    assert!(out.starts_with("Organisation 3 leaves the network: "), "{out}");
    let public = taxii_client::network::Digest(key(9).public().0).to_string();
    let (_, out, _) = propose(&["--add-key", &public]);
    assert!(
        out.starts_with(&format!("Organisation 1 gets the key {}, which votes\n", key(9).public().id())),
        "{out}"
    );
    let old = key(1).public().id().to_string();
    let (code, _, said) = propose(&["--rotate-key", &old, "--by", &public]);
    assert_eq!(code, 0, "{said}");
    let (_, out, _) = propose(&["--revoke-key", &old, "--since", "4"]);
    assert!(out.contains("from entry 4 of the log on counts no longer"), "{out}");
    let mut policy = serde_json::to_value(Policy::standard()).unwrap();
    policy.as_object_mut().unwrap().remove("version");
    std::fs::write(members.path("policy.json"), policy.to_string()).unwrap();
    let (code, out, said) = propose(&["--set-policy", "policy.json"]);
    assert!(code == 0 && out.starts_with("The policy 2 takes the place of the present one\n"), "{said}");
    let said = members.said::<Govern>(1);
    assert!(said.iter().all(|(path, _)| path == "/consensus/v1/governance/"));
    let actions: Vec<_> = said.iter().map(|(_, govern)| &govern.action).collect();
    assert!(matches!(actions[1], Action::RemoveOrganisation { organisation: id } if *id == organisation(3)));
    assert!(matches!(actions[3], Action::RotateKey { new, .. } if new.public == key(9).public()));
    assert!(matches!(actions[5], Action::SetPolicy { policy } if policy.version == 2));
    // The same from a file, looked at only.
    std::fs::write(members.path("change.json"), serde_json::to_string(actions[1]).unwrap()).unwrap();
    let (code, out, _) = propose(&["change.json", "--dry-run"]);
    assert!(code == 0 && out.starts_with("Organisation 3 leaves") && out.lines().count() == 1, "{out}");
    assert_eq!(members.held.lock().unwrap().said.len(), 6);
    for (wrong, part) in [
        (&[][..], "required"),
        (&["change.json", "--set-policy", "x"], "cannot be used with"),
        (&["--add-key", "12"], "this is no public key"),
        (&["--rotate-key", &public, "--by", &public], "Organisation 1 has no key"),
        (&["--remove-organisation", "Organisation 4"], "did you mean Organisation"),
        (&["policy.json"], "policy.json: "),
    ] {
        let (code, _, said) = propose(wrong);
        assert!(code > 0 && said.contains(part), "{wrong:?}: {said}");
    }
}

#[test]
fn a_proposed_change_is_shown_in_words() {
    let govern = Govern {
        network: NETWORK,
        organisation: organisation(2),
        action: Action::RemoveOrganisation { organisation: organisation(3) },
        nonce: Nonce([1; 16]),
        expires_in_seconds: None,
        claimed_at: 0,
    };
    let members = Members::holding(vec![shown("govern", &Envelope::sign(&govern, &key(2)), 2, 1, &[])]);
    let (code, page, said) = members.taxii(&["review", &members.id(0)[..8]]);
    assert_eq!(code, 0, "{said}");
    assert!(
        page.contains("change      Organisation 3 leaves the network: its votes count no longer"),
        "{page}"
    );
    assert!(
        page.contains("needs a majority: 2 of 2 members; for it: Organisation 2; not voted: Organisation 1"),
        "{page}"
    );
}
