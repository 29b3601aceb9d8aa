//! Faults in what a server allows, refuses, stores and forgets.

use axum::http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::{answers, asks};
use crate::proxy::Fault;

pub(super) const FAULTS: &[Fault] = &[
    answers!("an unknown object is an empty envelope", unknown_object_is_404, |asked, reply, _| {
        if asked.path.contains("/objects/") && reply.status == StatusCode::NOT_FOUND {
            reply.becomes(200, "{}");
        }
    }),
    answers!("an unknown collection is empty", unknown_collection_is_404, |_, reply, _| {
        if reply.status == StatusCode::NOT_FOUND {
            reply.becomes(200, "{}");
        }
    }),
    answers!("an unknown status is 400", unknown_status_is_404, |asked, reply, _| {
        if asked.path.contains("/status/") && reply.status == StatusCode::NOT_FOUND {
            reply.becomes(400, r#"{"title":"no"}"#);
        }
    }),
    answers!("an unknown root is 403", unknown_api_root_is_404, |_, reply, _| {
        if reply.status == StatusCode::NOT_FOUND {
            reply.becomes(403, r#"{"title":"no"}"#);
        }
    }),
    answers!("an unknown object can be deleted", delete_of_unknown_object_is_404, |asked, reply, _| {
        if asked.method == Method::DELETE {
            reply.becomes(200, "");
        }
    }),
    answers!("not found is an internal error", only_listed_statuses, |_, reply, _| {
        if reply.status == StatusCode::NOT_FOUND {
            reply.becomes(500, r#"{"title":"oops"}"#);
        }
    }),
    answers!("PUT is not found", unoffered_method_is_405, |asked, reply, _| {
        if asked.method == Method::PUT {
            reply.becomes(404, r#"{"title":"no"}"#);
        }
    }),
    answers!("405 without Allow", unoffered_method_is_405, |_, reply, _| drop(reply.headers.remove("allow"))),
    asks!("a limit of 0 is no limit", limit_is_a_positive_integer, |asked| {
        if asked.get("limit") == Some("0") {
            asked.drop("limit");
        }
    }),
    asks!("an unreadable date is ignored", malformed_parameters_are_400, |asked| {
        if asked.get("added_after") == Some("yesterday") {
            asked.drop("added_after");
        }
    }),
    asks!("the last of two filters counts", repeated_filter_is_400, |asked| {
        if asked.query.iter().filter(|(name, _)| name == "match[type]").count() > 1 {
            asked.query.remove(0);
        }
    }),
    asks!("the last of two dates counts", repeated_added_after_is_400, |asked| {
        if asked.query.iter().filter(|(name, _)| name == "added_after").count() > 1 {
            asked.query.remove(0);
        }
    }),
    asks!("all and last together are all", all_stands_alone, |asked| {
        if asked.get("match[version]") == Some("all,last") {
            asked.set("match[version]", "all");
        }
    }),
    answers!("match[spec_version] is not supported", listed_parameters_are_supported, |asked, reply, _| {
        if asked.get("match[spec_version]").is_some() {
            reply.becomes(400, r#"{"title":"unknown parameter"}"#);
        }
    }),
    answers!("Accept needs a version", accept_without_version_is_answered, |asked, reply, _| {
        if asked.headers.get("accept").is_some_and(|accept| accept == "application/taxii+json") {
            reply.becomes(406, r#"{"title":"no"}"#);
        }
    }),
    answers!("Accept has no blanks", media_ranges_match_as_http_says, |asked, reply, _| {
        if asked.headers.get("accept").is_some_and(|accept| accept.as_bytes().contains(&b' ')) {
            reply.becomes(406, r#"{"title":"no"}"#);
        }
    }),
    answers!("versions cannot be had in TAXII", defined_media_types_are_accepted, |asked, reply, _| {
        if asked.is("/versions/") {
            reply.becomes(406, r#"{"title":"no"}"#);
        }
    }),
    answers!("any version is acceptable", other_version_is_not_acceptable, |_, reply, _| {
        if reply.status == StatusCode::NOT_ACCEPTABLE {
            reply.becomes(200, "{}");
        }
    }),
    answers!("a manifest knows no STIX type", manifest_accepts_the_stix_type, |asked, reply, _| {
        if asked.headers.get("accept").is_some_and(|accept| accept.to_str().unwrap().contains("stix")) {
            reply.becomes(406, r#"{"title":"no"}"#);
        }
    }),
    answers!("no answer without User-Agent", user_agent_is_not_required, |asked, reply, _| {
        if asked.headers.get("user-agent").is_none() {
            reply.becomes(400, r#"{"title":"who are you?"}"#);
        }
    }),
    answers!("wrong credentials are 403", failed_authentication_is_401_or_404, |_, reply, _| {
        if reply.status == StatusCode::UNAUTHORIZED {
            reply.becomes(403, r#"{"title":"no"}"#);
        }
    }),
    answers!("401 without a challenge", missing_credentials_are_challenged, |_, reply, _| {
        reply.headers.remove("www-authenticate");
    }),
    answers!("401 with a page for people", wrong_credentials_are_challenged, |_, reply, _| {
        if reply.status == StatusCode::UNAUTHORIZED {
            reply.body = b"<h1>Please log in</h1>".to_vec();
        }
    }),
    answers!("scheme names are case-sensitive", basic_authentication_works, |asked, reply, _| {
        if asked.headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"basic")) {
            reply.becomes(401, r#"{"title":"no"}"#);
        }
    }),
    answers!("POST answers 200", add_answers_202_with_a_status, |_, reply, _| {
        if reply.status == StatusCode::ACCEPTED {
            reply.status = StatusCode::OK;
        }
    }),
    answers!("an object is counted twice", added_objects_are_counted, |_, reply, _| {
        if reply.status == StatusCode::ACCEPTED {
            reply.edit(|json| json["total_count"] = json!(json["total_count"].as_u64().unwrap() + 1));
        }
    }),
    answers!("the counts do not add up", status_counts_add_up, |asked, reply, _| {
        if asked.path.contains("/objects/") && reply.status == StatusCode::ACCEPTED {
            reply.edit(|json| json["pending_count"] = json!(1));
        }
    }),
    answers!("a list is shorter than its count", status_lists_match_their_counts, |_, reply, _| {
        if reply.status == StatusCode::ACCEPTED {
            reply.edit_list("successes", |list| {
                let one = list[0].clone();
                list.push(one);
            });
        }
    }),
    answers!("a status has no timestamp", status_has_all_properties, |_, reply, _| {
        if reply.status == StatusCode::ACCEPTED {
            reply.edit(|json| drop(json.as_object_mut().unwrap().remove("request_timestamp")));
        }
    }),
    answers!("a status has another id", status_answers, |asked, reply, _| {
        if asked.path.contains("/status/") && reply.status == StatusCode::OK {
            reply.edit(|json| json["id"] = json!("91a7b528-80eb-42ed-a74d-c6fbd5a26116"));
        }
    }),
    answers!("a status is gone at once", status_is_kept_for_a_day, |asked, reply, _| {
        if asked.path.contains("/status/") {
            reply.becomes(404, r#"{"title":"no"}"#);
        }
    }),
    answers!("a duplicate is a failure", duplicate_is_no_error, |_, reply, memory| {
        if reply.status == StatusCode::ACCEPTED {
            reply.edit(|json| {
                memory.push(json["id"].clone());
                if memory.len() > 6 {
                    json["failure_count"] = json!(1);
                }
            });
        }
    }),
    answers!("the version of an object is when it came", details_name_the_version, |_, reply, _| {
        if reply.status == StatusCode::ACCEPTED {
            reply.edit_list("successes", |list| list[0]["version"] = json!("2026-01-01T00:00:00.000Z"));
        }
    }),
    answers!("one bad object is a bad request", one_bad_object_spoils_no_other, |_, reply, _| {
        if reply.status == StatusCode::ACCEPTED {
            reply.becomes(400, r#"{"title":"no"}"#);
        }
    }),
    answers!("custom properties are dropped", custom_properties_are_kept, |asked, reply, _| {
        if asked.path.contains("/objects/malware--") {
            reply.edit_list("objects", |list| {
                drop(list[0].as_object_mut().unwrap().remove("x_conformance_nested"))
            });
        }
    }),
    answers!("the promised size is one too small", max_content_length_is_exact, |_, reply, _| {
        reply.edit(|json| {
            if let Some(length) = json.get("max_content_length").and_then(|n| n.as_u64()) {
                json["max_content_length"] = json!(length - 1);
            }
        });
    }),
    answers!("the promised size is one too large", max_content_length_is_exact, |_, reply, _| {
        reply.edit(|json| {
            if let Some(length) = json.get("max_content_length").and_then(|n| n.as_u64()) {
                json["max_content_length"] = json!(length + 1);
            }
        });
    }),
    answers!("DELETE answers 204", delete_answers_200, |asked, reply, _| {
        if asked.method == Method::DELETE && reply.status == StatusCode::OK {
            reply.becomes(204, "");
        }
    }),
    asks!("DELETE deletes nothing", deleted_object_is_gone, |asked| {
        if asked.method == Method::DELETE {
            asked.method = Method::GET;
        }
    }),
    asks!("DELETE takes all versions", delete_picks_versions, |asked| {
        if asked.method == Method::DELETE {
            asked.set("match[version]", "all");
        }
    }),
    answers!("a refused reader gets an empty page", unreadable_collection_is_refused, |asked, reply, _| {
        if asked.is_get("/manifest/") && reply.status.as_u16() >= 403 {
            reply.becomes(200, "{}");
        }
    }),
    answers!("a refused writer is told 400", unwritable_collection_is_refused, |asked, reply, _| {
        if asked.method == Method::POST && reply.status.as_u16() >= 403 {
            reply.becomes(400, r#"{"title":"no"}"#);
        }
    }),
    answers!("a refused DELETE is 404", delete_needs_both_rights, |asked, reply, _| {
        if asked.method == Method::DELETE && reply.status == StatusCode::FORBIDDEN {
            reply.becomes(404, r#"{"title":"no"}"#);
        }
    }),
    answers!("a DELETE without any right is 403", delete_without_any_right_is_404, |asked, reply, _| {
        if asked.method == Method::DELETE && reply.status == StatusCode::NOT_FOUND {
            reply.becomes(403, r#"{"title":"no"}"#);
        }
    }),
    answers!("the list hides what the URL gives", hidden_collection_is_refused, |asked, reply, memory| {
        let asker = json!(format!("{:?}", asked.headers.get("authorization")));
        if memory.is_empty() {
            memory.push(asker.clone());
        }
        if asked.is_get("/collections/") && memory[0] != asker {
            reply.edit_list("collections", |list| list.retain(|c| c["can_read"] != json!(true)));
        }
    }),
    answers!("a collection cannot be looked at", write_only_collection_answers, |asked, reply, _| {
        if is_one_collection(&asked.path) {
            reply.becomes(403, r#"{"title":"no"}"#);
        }
    }),
    answers!("a collection shows other rights", read_only_collection_answers, |asked, reply, _| {
        if is_one_collection(&asked.path) {
            reply.edit(|json| json["can_write"] = json!(true));
        }
    }),
    answers!("a collection hides a right", read_write_collection_answers, |asked, reply, _| {
        if is_one_collection(&asked.path) {
            reply.edit(|json| json["can_write"] = json!(false));
        }
    }),
    answers!("a collection shows rights nobody has", no_rights_collection_answers, |asked, reply, _| {
        if is_one_collection(&asked.path) {
            reply.edit(|json| json["can_read"] = json!(true));
        }
    }),
    answers!("the list of collections is no list", collections_answer, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.becomes(200, r#"{"collections":{}}"#);
            reply.headers.insert("x-note", HeaderValue::from_static("planted"));
        }
    }),
];

fn is_one_collection(path: &str) -> bool {
    path.trim_end_matches('/').rsplit('/').nth(1) == Some("collections")
}
