//! `taxii vote --agent`

use crate::members::{Members, NETWORK, indicator, key, organisation, shown, submit};
use serde_json::Value;
use taxii_client::network::{Action, Decision, Envelope, Govern, Nonce, OrganisationId, Vote};

const RULES: &str = r#"
[[rule]]
name = "content networks"
any_value_in = ["cdn.json"]
then = "reject"

[[rule]]
name = "not for agents"
types = ["report"]
then = "leave"

[[rule]]
name = "partners"
collections = ["indicators"]
types = ["indicator"]
submitters = ["Organisation 2"]
max_tlp = "green"
without_findings = true
no_value_in = ["deny.txt"]
then = "approve"
"#;

fn rules(members: &Members, rules: &str) {
    std::fs::write(members.path("rules.toml"), rules).unwrap();
    let cdn = r#"{"name":"Addresses of networks","type":"cidr","version":1,"list":["203.0.113.0/24"]}"#;
    std::fs::write(members.path("cdn.json"), cdn).unwrap();
    std::fs::write(members.path("deny.txt"), "192.0.2.1\n").unwrap();
}

fn look(members: &Members) -> (i32, String, String) {
    members.taxii(&["vote", "--agent", "rules.toml", "--once", "--key", "1.key", "-q"])
}

fn votes(members: &Members) -> Vec<Vote> {
    members.said::<Vote>(1).into_iter().map(|(_, vote)| vote).collect()
}

#[test]
fn the_first_rule_that_fits_decides_on_each_object() {
    let texts = [
        indicator(1, "198.51.100.7"),
        indicator(2, "203.0.113.9"),
        indicator(3, "192.0.2.1"),
        indicator(4, "198.51.100.8"),
    ];
    let members = Members::with(&[&texts]);
    rules(&members, RULES);
    let (code, log, said) = look(&members);
    assert_eq!(code, 0, "{said}");
    let lines: Vec<_> = log.lines().collect();
    let id = &members.id(0)[..8];
    for (line, part) in lines.iter().zip([
        format!(" {id} approve items 0,3 rule partners"),
        format!(" {id} reject items 1 rule content networks: 203.0.113.9 is in Addresses of networks"),
        format!(" {id} leave items 2 rule -: no rule fits"),
    ]) {
        assert!(line.ends_with(&part), "{part}\n{log}");
    }
    assert_eq!(lines.len(), 3);
    let cast = votes(&members);
    assert_eq!(
        (cast[0].decision, cast[0].items.clone(), cast[0].sequence),
        (Decision::Approve, Some(vec![0, 3]), 0)
    );
    assert_eq!(
        (cast[1].decision, cast[1].items.clone(), cast[1].sequence),
        (Decision::Reject, Some(vec![1]), 1)
    );
    assert_eq!(cast[0].reason, "by an agent, rule \"partners\"");
    assert_eq!(
        cast[1].reason,
        "by an agent, rule \"content networks\": 203.0.113.9 is in Addresses of networks"
    );
    // What is decided already stays so, also what a person decided.
    let (code, log, _) = look(&members);
    assert_eq!((code, log.lines().count(), votes(&members).len()), (0, 1, 2), "{log}");
}

#[test]
fn conditions_that_do_not_hold_leave_it_to_people() {
    let marked = indicator(1, "198.51.100.7").replace(
        "\"valid_from\"",
        "\"object_marking_refs\":[\"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82\"], \"valid_from\"",
    );
    let odd = indicator(1, "198.51.100.7").replace("\"description\":\"d\", ", "");
    let doubtful = indicator(1, "198.51.100.7").replace(" = '198", " LIKE '198");
    for text in [marked, odd, doubtful] {
        let members = Members::with(&[std::slice::from_ref(&text)]);
        rules(&members, RULES);
        let (code, log, said) = look(&members);
        assert!(code == 0 && log.contains(" leave items 0 rule -: no rule fits"), "{text}\n{said}");
        assert!(votes(&members).is_empty());
    }
    let members = Members::with(&[&[indicator(1, "198.51.100.7")]]);
    rules(&members, &RULES.replace("Organisation 2", "Organisation 3"));
    assert!(look(&members).1.contains(" leave "));
    rules(&members, "[[rule]]\nname = \"all\"\ncollections = [\"Other\"]\nthen = \"approve\"\n");
    assert!(look(&members).1.contains(" leave "));
    rules(&members, "[[rule]]\nname = \"all\"\nall_values_in = [\"cdn.json\"]\nthen = \"approve\"\n");
    assert!(look(&members).1.contains(" leave "));
    std::fs::write(members.path("cdn.json"), "198.51.100.0/24").unwrap();
    let row = members.taxii(&["--json", "vote", "--agent", "rules.toml", "--once", "--key", "1.key"]).1;
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!((&row["decision"], &row["rule"]), (&"approve".into(), &"all".into()));
}

#[test]
fn changes_of_the_network_and_what_was_changed_are_never_voted_on() {
    let govern = Govern {
        network: NETWORK,
        organisation: organisation(2),
        action: Action::RemoveOrganisation { organisation: OrganisationId(organisation(3).0) },
        nonce: Nonce([1; 16]),
        expires_in_seconds: None,
        claimed_at: 0,
    };
    let texts = [indicator(1, "198.51.100.7")];
    let changed = shown(
        "submit",
        &Envelope::sign(&submit(2, &texts), &key(102)),
        2,
        2,
        &[indicator(1, "198.51.100.8")],
    );
    let own = shown("submit", &Envelope::sign(&submit(1, &texts), &key(101)), 1, 3, &texts);
    let members =
        Members::holding(vec![shown("govern", &Envelope::sign(&govern, &key(2)), 2, 1, &[]), changed, own]);
    rules(&members, "[[rule]]\nname = \"all\"\nthen = \"approve\"\n");
    let (code, log, said) = look(&members);
    assert_eq!(code, 1, "what was changed is not well");
    assert!(
        log.ends_with(" leave rule -: changes of the network and revocations are left to people\n"),
        "{log}"
    );
    assert!(said.contains("item 0: the object has the digest "), "{said}");
    assert!(members.held.lock().unwrap().said.is_empty());
}

#[test]
fn rules_that_are_not_understood_are_told_with_their_place() {
    let members = Members::with(&[]);
    for (text, part) in [
        ("[[rule]]\nname = \"x\"\nthen = \"allow\"\n", "unknown variant `allow`"),
        ("[[rule]]\nname = \"x\"\nthn = \"leave\"\n", "unknown field `thn`"),
        ("[[rule]]\nname = \"x\"\nany_value_in = [\"missing\"]\nthen = \"leave\"\n", "missing: "),
    ] {
        rules(&members, text);
        let (code, _, said) = look(&members);
        assert!(code == 2 && said.contains(part), "{part}: {said}");
    }
}
