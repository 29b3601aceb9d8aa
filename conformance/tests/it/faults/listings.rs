//! Faults in what a listing holds: order, pages, filters, date headers.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{answers, asks};
use crate::proxy::{Asked, Fault};

const FIRST: &str = "x-taxii-date-added-first";
const LAST: &str = "x-taxii-date-added-last";

pub(super) const FAULTS: &[Fault] = &[
    asks!("added_after is inclusive", added_after_is_strict, |asked| {
        let Some(after) = asked.get("added_after").and_then(|t| t.parse::<jiff::Timestamp>().ok()) else {
            return;
        };
        let before = after - jiff::SignedDuration::from_micros(1);
        asked.set("added_after", &format!("{before:.6}"));
    }),
    asks!("added_after is ignored", pages_by_added_after_lose_nothing, |asked| asked.drop("added_after")),
    asks!("limit is ignored", limit_is_never_exceeded, |asked| asked.drop("limit")),
    answers!("a short page is the last", all_is_given_when_it_fits, |asked, reply, _| {
        if asked.get("limit") == Some("1000") {
            reply.edit_list("objects", |list| list.truncate(2));
        }
    }),
    answers!("more is always false", more_is_true_while_more_is_left, |_, reply, _| {
        reply.edit(|json| {
            if json.get("more").is_some() {
                json["more"] = json!(false);
            }
        });
    }),
    answers!("more without a way to go on", more_is_true_while_more_is_left, |_, reply, _| {
        reply.headers.remove(LAST);
        reply.edit(|json| drop(json.as_object_mut().unwrap().remove("next")));
    }),
    answers!("next on the last page", next_belongs_to_more, |asked, reply, _| {
        if asked.is_get("/objects/") && reply.status == StatusCode::OK {
            reply.edit(|json| {
                if json.get("next").is_none() {
                    json["next"] = json!("again");
                }
            });
        }
    }),
    answers!("an empty result says more", no_match_is_an_empty_envelope, |asked, reply, _| {
        if asked.is_get("/objects/") && reply.status == StatusCode::OK {
            reply.edit(|json| json["more"] = json!(true));
        }
    }),
    answers!("nothing found is 404", no_match_is_an_empty_envelope, |asked, reply, _| {
        if asked.is_get("/objects/") && !String::from_utf8_lossy(&reply.body).contains("spec_version") {
            reply.becomes(404, r#"{"title":"nothing found"}"#);
        }
    }),
    answers!("a page is not sorted", records_are_sorted_by_date_added, |asked, reply, _| {
        if asked.is_get("/manifest/") {
            reply.edit_list("objects", |list| list.reverse());
        }
    }),
    answers!("objects are not sorted", records_are_sorted_by_date_added, |asked, reply, _| {
        if asked.is_get("/objects/") {
            reply.edit_list("objects", |list| list.reverse());
        }
    }),
    answers!("the newest comes first", oldest_objects_come_first, |asked, reply, _| {
        if asked.is_get("/manifest/") && asked.get("limit") == Some("1") {
            reply.edit_list("objects", |list| list[0]["date_added"] = json!("2999-01-01T00:00:00.000000Z"));
        }
    }),
    answers!("page 2 repeats an object", pages_by_next_give_each_record_once, |asked, reply, memory| {
        if asked.is_get("/objects/") && asked.get("limit").is_some() {
            reply.edit_list("objects", |list| {
                if asked.get("next").is_some() {
                    list.insert(0, memory[0].clone());
                }
                *memory = list.clone();
            });
        }
    }),
    answers!("page 2 loses an object", pages_by_next_give_each_record_once, |asked, reply, _| {
        if asked.is_get("/objects/") && asked.get("next").is_some() {
            reply.edit_list("objects", |list| drop(list.remove(0)));
        }
    }),
    answers!(
        "records of one second share a page edge",
        pages_by_added_after_lose_nothing,
        |asked, reply, _| {
            if asked.is_get("/manifest/") && asked.get("limit") == Some("1") {
                reply.header(LAST, |_| "2999-01-01T00:00:00.000000Z".into());
            }
        }
    ),
    asks!("next wins over the filters", next_is_not_trusted, |asked| {
        if asked.get("next").is_some() {
            asked.drop("match[type]");
        }
    }),
    asks!("a forged next is ignored", next_is_not_trusted, |asked| asked.drop("next")),
    answers!("date headers have milliseconds", date_headers_are_there, |_, reply, _| {
        reply.header(FIRST, |value| format!("{}Z", &value[..value.len() - 4]));
    }),
    answers!("versions has no date header", date_headers_are_there, |asked, reply, _| {
        if asked.is("/versions/") {
            reply.headers.remove(LAST);
        }
    }),
    answers!(
        "a date header is that of the whole result",
        date_headers_belong_to_the_page,
        |asked, reply, _| {
            if asked.is_get("/manifest/") {
                reply.header(LAST, |_| "2999-01-01T00:00:00.000000Z".into());
            }
        }
    ),
    answers!("date headers are swapped", date_headers_belong_to_the_page, |asked, reply, _| {
        if asked.is_get("/objects/")
            && let (Some(first), Some(last)) = (reply.headers.remove(FIRST), reply.headers.remove(LAST))
        {
            reply.headers.insert(FIRST, last);
            reply.headers.insert(LAST, first);
        }
    }),
    asks!("match[id] is ignored", match_id_selects_exactly, |asked| asked.drop("match[id]")),
    asks!("match[type] is ignored", match_type_selects_only_these, |asked| asked.drop("match[type]")),
    answers!("an absent type is an error", match_type_selects_only_these, |asked, reply, _| {
        if asked.get("match[type]") == Some("location") {
            reply.becomes(400, r#"{"title":"no such type"}"#);
        }
    }),
    asks!("match[spec_version] is ignored", match_spec_version_selects_only_these, |asked| {
        asked.drop("match[spec_version]");
    }),
    asks!("only the first value counts", values_are_ored, |asked| first_value(asked, "match[type]")),
    asks!("only one field counts", fields_are_anded, |asked| {
        if asked.get("match[id]").is_some() {
            asked.drop("match[type]");
        }
    }),
    asks!("a field with two values is ignored", ors_are_anded, |asked| {
        if asked.get("match[type]").is_some_and(|value| value.contains(',')) {
            asked.drop("match[type]");
        }
    }),
    asks!("match[version] is ignored", match_version_selects, |asked| asked.drop("match[version]")),
    asks!("only one version can be named", match_version_selects, |asked| first_value(
        asked,
        "match[version]"
    )),
    asks!("the oldest version is the default", latest_version_is_the_default, |asked| {
        if asked.get("match[version]").is_none() && asked.path.contains("/objects/") {
            asked.query.push(("match[version]".into(), "first".into()));
        }
    }),
    asks!("versions are compared as text", version_stamps_are_instants, |asked| {
        if asked.get("match[version]") == Some("2024-03-01T00:00:00Z") {
            asked.set("match[version]", "2001-01-01T00:00:00Z");
        }
    }),
    answers!(
        "objects without versions are dropped",
        unversioned_objects_have_a_version,
        |asked, reply, _| {
            if asked.get("match[version]").is_some() {
                reply.edit_list("objects", |list| list.retain(|o| !is_of(o, "process--")));
            }
        }
    ),
    answers!("one version is left out", versions_lists_all, |asked, reply, _| {
        if asked.is("/versions/") {
            reply.edit_list("versions", |list| drop(list.pop()));
        }
    }),
    answers!("versions never says more", versions_page_by_added_after, |asked, reply, _| {
        if asked.is("/versions/") {
            reply.edit(|json| json["more"] = json!(false));
        }
    }),
    answers!("versions is empty", versions_answer, |asked, reply, _| {
        if asked.is("/versions/") && reply.status == StatusCode::OK {
            reply.edit(|json| drop(json.as_object_mut().unwrap().remove("versions")));
        }
    }),
    answers!("the manifest lists more than there is", manifest_lists_what_objects_hold, |asked, reply, _| {
        if asked.is_get("/manifest/") {
            let ghost = "malware--91a7b528-80eb-42ed-a74d-c6fbd5a26116";
            reply.edit_list("objects", |list| {
                let mut record = list[0].clone();
                record["id"] = json!(ghost);
                list.push(record);
            });
        }
    }),
    answers!("a manifest record has no version", manifest_answers, |asked, reply, _| {
        if asked.is_get("/manifest/") {
            reply.edit_list("objects", |list| drop(list[0].as_object_mut().unwrap().remove("version")));
        }
    }),
    answers!("objects are not there", objects_answer, |asked, reply, _| {
        if asked.is_get("/objects/") {
            reply.edit(|json| drop(json.as_object_mut().unwrap().remove("objects")));
        }
    }),
    answers!("an object comes in all its versions", object_answers, |asked, reply, _| {
        if asked.path.contains("/objects/indicator--") {
            reply.edit_list("objects", |list| list.push(list[0].clone()));
        }
    }),
    asks!("encoded commas are not decoded", query_names_may_be_encoded, |asked| {
        // The proxy sees decoded values only, so it tells the third request of the check by its number.
        if asked.is("/manifest/") && asked.number % 3 == 0 {
            first_value(asked, "match[id]");
        }
    }),
];

fn first_value(asked: &mut Asked, name: &str) {
    if let Some((first, _)) = asked.get(name).and_then(|value| value.split_once(',')) {
        let first = first.to_owned();
        asked.set(name, &first);
    }
}

fn is_of(object: &Value, prefix: &str) -> bool {
    object["id"].as_str().is_some_and(|id| id.starts_with(prefix))
}
