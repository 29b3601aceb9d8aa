//! The graph: edges of every kind, ways, surroundings, limits, the table of relationships, and real data.

use proptest::prelude::*;
use std::io::Read as _;
use stix_model::graph::{
    Direction, Edge, EdgeKind, Filter, Graph, GraphError, GraphOptions, RelationshipDefinition as Is,
    Revoked, is_defined, specified_relationships,
};
use stix_model::json::Limits;
use stix_model::taxii::split;
use stix_model::{Object, StixId};

fn id(object_type: &str, number: usize) -> StixId {
    format!("{object_type}--00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

fn object(id: &StixId, rest: &str) -> Object {
    Object::parse(&format!(r#"{{"type":"{}","id":"{id}"{rest}}}"#, id.object_type())).unwrap()
}

fn relationship(number: usize, from: &StixId, label: &str, to: &StixId, rest: &str) -> Object {
    let ends = format!(r#","relationship_type":"{label}","source_ref":"{from}","target_ref":"{to}"{rest}"#);
    object(&id("relationship", number), &ends)
}

fn described(edges: impl Iterator<Item = Edge<'static>>) -> Vec<String> {
    let short = |id: &StixId| {
        format!(
            "{}{}",
            id.object_type(),
            id.as_str().trim_start_matches(|c| c != '0').trim_start_matches(['0', '-', '4', '8'])
        )
    };
    let via = |edge: &Edge| edge.via.map(|id| format!(" by {}", short(id))).unwrap_or_default();
    edges
        .map(|edge| format!("{} {} {}{}", short(edge.from), edge.label, short(edge.to), via(&edge)))
        .collect()
}

fn leak(objects: Vec<Object>, options: GraphOptions) -> &'static Graph<'static> {
    let objects: &'static [Object] = Vec::leak(objects);
    Box::leak(Box::new(Graph::new(objects, options).unwrap()))
}

fn sample(options: GraphOptions) -> &'static Graph<'static> {
    let [actor, malware, tool] = [id("threat-actor", 1), id("malware", 2), id("tool", 3)];
    let [author, place, file] = [id("identity", 5), id("location", 6), id("file", 7)];
    leak(
        vec![
            object(&actor, &format!(r#","created_by_ref":"{author}""#)),
            object(&malware, &format!(r#","sample_refs":["{file}","{file}","0",7]"#)),
            object(&tool, ""),
            relationship(1, &actor, "uses", &malware, ""),
            relationship(2, &malware, "drops", &tool, ""),
            relationship(3, &actor, "uses", &tool, r#","revoked":true"#),
            object(
                &id("sighting", 1),
                &format!(r#","sighting_of_ref":"{malware}","where_sighted_refs":["{place}"]"#),
            ),
            object(
                &file,
                &format!(r#","extensions":{{"archive-ext":{{"contains_refs":["{}"]}}}}"#, id("file", 9)),
            ),
        ],
        options,
    )
}

#[test]
fn edges_of_every_kind() {
    let graph = sample(GraphOptions::default());
    let edges = |id: &StixId, filter: &Filter| described(graph.edges(id, filter));
    assert_eq!(
        edges(&id("malware", 2), &Filter::default()),
        [
            "malware2 drops tool3 by relationship2",
            "threat-actor1 uses malware2 by relationship1",
            "location6 sighting-of malware2 by sighting1",
        ]
    );
    let outgoing = Filter::default().direction(Direction::Outgoing);
    assert_eq!(edges(&id("malware", 2), &outgoing), ["malware2 drops tool3 by relationship2"]);
    let uses = Filter::ALL.direction(Direction::Incoming).labels(&["uses"]);
    assert_eq!(edges(&id("malware", 2), &uses), ["threat-actor1 uses malware2 by relationship1"]);
    let embedded = outgoing.kinds(&[EdgeKind::Embedded]);
    assert_eq!(edges(&id("malware", 2), &embedded), ["malware2 sample_refs file7"], "each reference once");
    assert_eq!(edges(&id("file", 7), &embedded), ["file7 contains_refs file9"], "at any depth");
    assert_eq!(
        edges(&id("relationship", 1), &Filter::ALL),
        ["relationship1 source_ref threat-actor1", "relationship1 target_ref malware2"]
    );
    assert_eq!(edges(&id("malware", 77), &Filter::ALL), [""; 0], "an unknown object has none");

    assert_eq!(
        graph.neighbours(&id("threat-actor", 1), &Filter::ALL),
        [&id("malware", 2), &id("relationship", 1), &id("identity", 5)]
    );
    let dangling: Vec<_> = graph.dangling().collect();
    assert_eq!(dangling, [&id("identity", 5), &id("location", 6), &id("file", 9)]);
    assert!(graph.object(&id("file", 9)).is_none() && graph.object(&id("file", 7)).is_some());
}

#[test]
fn revoked_relationships_relate_nothing_unless_asked_for() {
    let uses = Filter::default().direction(Direction::Outgoing);
    let count = |graph: &Graph| graph.edges(&id("threat-actor", 1), &uses).count();
    assert_eq!(count(sample(GraphOptions::default())), 1);
    assert_eq!(count(sample(GraphOptions::default().revoked(Revoked::Follow))), 2);
}

#[test]
fn the_latest_version_counts() {
    let [actor, malware, tool] = [id("threat-actor", 1), id("malware", 2), id("tool", 3)];
    let version = |day: u8, to: &StixId| {
        let modified = format!(r#","modified":"2020-01-{day:02}T00:00:00.000Z""#);
        relationship(1, &actor, "uses", to, &modified)
    };
    let graph = leak(vec![version(2, &malware), version(3, &tool), version(1, &malware)], Default::default());
    assert_eq!(
        described(graph.edges(&actor, &Filter::default())),
        ["threat-actor1 uses tool3 by relationship1"]
    );
    assert_eq!(graph.objects().count(), 1);
}

#[test]
fn ways_and_surroundings() {
    let graph = sample(GraphOptions::default());
    let [actor, malware, tool, place] =
        [id("threat-actor", 1), id("malware", 2), id("tool", 3), id("location", 6)];
    let path = graph.path(&actor, &tool, &Filter::default(), 9).unwrap();
    assert_eq!(path.ids, [&actor, &malware, &tool]);
    assert_eq!(
        described(path.edges.into_iter()),
        ["threat-actor1 uses malware2 by relationship1", "malware2 drops tool3 by relationship2"]
    );
    assert_eq!(graph.path(&tool, &place, &Filter::default(), 9).unwrap().ids, [&tool, &malware, &place]);
    assert_eq!(graph.path(&actor, &tool, &Filter::default(), 1), None, "too far");
    let outgoing = Filter::default().direction(Direction::Outgoing);
    assert_eq!(graph.path(&tool, &actor, &outgoing, 9), None, "against the direction");
    assert_eq!(graph.path(&tool, &tool, &outgoing, 0).unwrap().ids, [&tool]);
    assert_eq!(graph.path(&tool, &id("tool", 77), &outgoing, 9), None);

    let around = graph.around(&actor, 1, &Filter::default(), 100).unwrap();
    assert_eq!(around.ids, [&actor, &malware]);
    let objects: Vec<_> = around.objects().iter().map(|object| &object.header().id).collect();
    assert_eq!(objects, [&actor, &malware, &id("relationship", 1)], "with the relationship between them");
    let all = graph.around(&actor, usize::MAX, &Filter::default(), 100).unwrap();
    assert_eq!((all.ids.len(), all.edges.len(), all.is_cut), (4, 3, false));
    let cut = graph.around(&actor, 9, &Filter::default(), 2).unwrap();
    assert_eq!((cut.ids.len(), cut.is_cut), (2, true));
    assert!(graph.around(&id("tool", 77), 1, &Filter::ALL, 9).is_none());
}

#[test]
fn limits_are_errors() {
    let object = relationship(1, &id("tool", 1), "uses", &id("tool", 2), "");
    let build = |max_nodes, max_edges| {
        Graph::new([&object], GraphOptions::default().max_nodes(max_nodes).max_edges(max_edges)).map(|_| ())
    };
    assert_eq!(build(3, 3), Ok(()));
    assert_eq!(build(2, 3), Err(GraphError::TooManyNodes(2)));
    assert_eq!(build(3, 2).unwrap_err().to_string(), "more than 2 references, the limit of this graph");
}

#[test]
fn the_table_of_relationships() {
    assert_eq!(specified_relationships().map(|(_, _, targets)| targets.len()).sum::<usize>(), 120);
    for (source, name, targets) in specified_relationships() {
        for target in targets {
            let target = if *target == "@sco" { "mutex" } else { target };
            assert_eq!(is_defined(source, name, target), Is::Specified, "{source} {name} {target}");
        }
    }
    for (source, name, target, expected) in [
        ("malware", "related-to", "url", Is::Common),
        ("file", "duplicate-of", "file", Is::Common),
        ("x-thing", "derived-from", "x-thing", Is::Common),
        ("file", "derived-from", "url", Is::TypesDiffer),
        ("malware-analysis", "av-analysis-of", "malware", Is::Specified),
        ("malware-analysis", "analysis-of", "malware", Is::Renamed("av-analysis-of")),
        ("malware", "indicates", "indicator", Is::NotDefined),
        ("indicator", "detects", "malware", Is::NotDefined),
        ("infrastructure", "consists-of", "malware", Is::NotDefined),
        ("x-thing", "uses", "malware", Is::CustomType),
        ("relationship", "related-to", "malware", Is::ImpossibleEnd),
        ("malware", "related-to", "marking-definition", Is::ImpossibleEnd),
    ] {
        assert_eq!(is_defined(source, name, target), expected, "{source} {name} {target}");
    }
}

/// ICS ATT&CK 18.1, as the demo of the server has it.
fn attack() -> Vec<Object> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../taxii-server/demo/ics-attack-18.1.json.gz");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    split(&text.into(), Limits::default()).unwrap().into_iter().map(Result::unwrap).collect()
}

#[test]
fn attack_for_ics() {
    let objects = attack();
    let graph = Graph::new(&objects, GraphOptions::default()).unwrap();
    let of_kind = |kind| graph.all_edges().filter(|edge| edge.kind == kind).count();
    let live = |object: &&Object| {
        object.header().id.object_type() == "relationship" && !stix_model::version::is_revoked(object)
    };
    assert_eq!(of_kind(EdgeKind::Relationship), objects.iter().filter(live).count());

    // Sandworm Team used Industroyer.
    let sandworm: &StixId = &"intrusion-set--381fcf73-60f6-4ab2-9991-6af3cbc35192".parse().unwrap();
    let industroyer: &StixId = &"malware--e401d4fe-f0c9-44f0-98e6-f93487678808".parse().unwrap();
    let path = graph.path(sandworm, industroyer, &Filter::default(), 4).unwrap();
    assert_eq!(path.edges.iter().map(|edge| edge.label).collect::<Vec<_>>(), ["uses"]);
    let outgoing = Filter::default().direction(Direction::Outgoing).labels(&["uses"]);
    let techniques = graph.neighbours(industroyer, &outgoing);
    assert!(techniques.len() > 20 && techniques.iter().all(|id| id.object_type() == "attack-pattern"));
    let around = graph.around(industroyer, 1, &outgoing, 1000).unwrap();
    assert_eq!(around.objects().len(), 1 + 2 * techniques.len(), "itself, the techniques, the relationships");
    assert_eq!(graph.dangling().collect::<Vec<_>>(), [] as [&StixId; 0], "the official release is complete");
}

proptest! {
    #[test]
    fn a_shortest_way_is_as_long_as_the_depth_at_which_its_end_appears(
        pairs in prop::collection::vec((0_usize..12, 0_usize..12), 0..20),
        outgoing in any::<bool>(),
    ) {
        let objects: Vec<_> = pairs.iter().enumerate()
            .map(|(n, (from, to))| relationship(n, &id("tool", *from), "uses", &id("tool", *to), "")).collect();
        let graph = Graph::new(&objects, GraphOptions::default()).unwrap();
        let direction = if outgoing { Direction::Outgoing } else { Direction::Both };
        let filter = Filter::default().direction(direction);
        for to in 0..12 {
            let (from, to) = (id("tool", 0), id("tool", to));
            let depth = (0..12).find(|depth| {
                graph.around(&from, *depth, &filter, 99).is_some_and(|part| part.ids.contains(&&to))
            });
            let path = graph.path(&from, &to, &filter, 99);
            prop_assert_eq!(path.as_ref().map(|path| path.edges.len()), depth);
            for (edge, ends) in path.iter().flat_map(|path| path.edges.iter().zip(path.ids.windows(2))) {
                let goes = (edge.from, edge.to) == (ends[0], ends[1]);
                prop_assert!(goes || !outgoing && (edge.to, edge.from) == (ends[0], ends[1]));
            }
        }
    }
}
