//! Faults in what a resource looks like.

use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::answers;
use crate::proxy::Fault;

const UUID_1: &str = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

pub(super) const FAULTS: &[Fault] = &[
    answers!("http_status is a number", errors_are_error_resources, |_, reply, _| {
        let status = reply.status.as_u16();
        if status >= 400 {
            reply.edit(|json| json["http_status"] = json!(status));
        }
    }),
    answers!("http_status is another status", errors_are_error_resources, |_, reply, _| {
        if reply.status == StatusCode::NOT_FOUND {
            reply.edit(|json| json["http_status"] = json!("400"));
        }
    }),
    answers!("an empty page has objects: []", lists_are_never_empty, |asked, reply, _| {
        if asked.is_get("/objects/") && reply.status == StatusCode::OK {
            reply.edit(|json| {
                if json.get("objects").is_none() {
                    json["objects"] = json!([]);
                }
            });
        }
    }),
    answers!("can_read is a string", booleans_are_literals, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.edit_list("collections", |list| list[0]["can_read"] = json!("true"));
        }
    }),
    answers!("a collection id is a UUID of version 1", identifiers_are_random_uuids, |asked, reply, _| {
        if asked.is_get("/collections/") {
            let more = json!({"id": UUID_1, "title": "t", "can_read": false, "can_write": false});
            reply.edit_list("collections", |list| list.push(more));
        }
    }),
    answers!("max_content_length is a string", integers_are_safe, |_, reply, _| {
        reply.edit(|json| {
            if json.get("max_content_length").is_some() {
                json["max_content_length"] = json!("1000000");
            }
        });
    }),
    answers!("max_content_length is 0", api_root_answers, |_, reply, _| {
        reply.edit(|json| {
            if json.get("max_content_length").is_some() {
                json["max_content_length"] = json!(0);
            }
        });
    }),
    answers!("date_added has milliseconds", timestamps_have_six_digits, |asked, reply, _| {
        if asked.is_get("/manifest/") {
            reply.edit_list("objects", |list| list.iter_mut().for_each(|r| shorten(&mut r["date_added"])));
        }
    }),
    answers!("canRead", names_are_as_printed, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.edit_list("collections", |list| list[0]["canRead"] = json!(true));
        }
    }),
    answers!("the status word is done", names_are_as_printed, |asked, reply, _| {
        if asked.path.contains("/status/") {
            reply.edit(|json| {
                if json.get("status").is_some() {
                    json["status"] = json!("done");
                }
            });
        }
    }),
    answers!("discovery has no title", required_properties_are_there, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.edit(|json| drop(json.as_object_mut().unwrap().remove("title")));
        }
    }),
    answers!("a title is a number", resources_are_valid, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.edit_list("collections", |list| list[0]["title"] = json!(7));
        }
    }),
    answers!("a name occurs twice", bodies_are_i_json, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.body =
                String::from_utf8_lossy(&reply.body).replacen("\"id\"", "\"id\":\"x\",\"id\"", 1).into();
        }
    }),
    answers!("a custom name has capitals", custom_names_are_well_formed, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.edit(|json| json["X-Vendor"] = json!(1));
        }
    }),
    answers!("errors are application/json", answers_name_their_media_type, |_, reply, _| {
        if reply.status.as_u16() >= 400 {
            reply.headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
    }),
    answers!("successes name no version", answers_name_their_media_type, |_, reply, _| {
        reply.headers.insert("content-type", HeaderValue::from_static("application/taxii+json"));
    }),
    answers!("a success has no body", successes_have_their_body, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.becomes(204, "");
        }
    }),
    answers!("objects come in a bundle", object_is_in_an_envelope, |asked, reply, _| {
        if asked.path.contains("/objects/") && reply.status == StatusCode::OK {
            reply.edit(|json| json["type"] = json!("bundle"));
        }
    }),
    answers!("a bundle is an object", only_stix_objects, |asked, reply, _| {
        if asked.is_get("/objects/") {
            reply.edit_list("objects", |list| list[0]["type"] = json!("bundle"));
        }
    }),
    answers!("discovery has no title at its place", discovery_is_at_taxii2, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.becomes(404, r#"{"title":"none"}"#);
        }
    }),
    answers!("no API root answers", discovery_lists_a_working_api_root, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.edit(|json| json["api_roots"] = json!(["/nowhere/"]));
        }
    }),
    answers!("an API root is listed twice", api_root_urls_differ, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.edit(|json| json["api_roots"] = json!(["/api/", "/api"]));
        }
    }),
    answers!("an API root starts with two slashes", api_root_urls_are_well_formed, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.edit_list("api_roots", |list| list.push(json!("//host/api/")));
        }
    }),
    answers!("an API root has a query", api_root_urls_are_well_formed, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.edit_list("api_roots", |list| list.push(json!("/api/?tenant=1")));
        }
    }),
    answers!("the default is not listed", default_api_root_is_listed, |asked, reply, _| {
        if asked.is("/taxii2/") {
            reply.edit(|json| json["default"] = json!("/other/"));
        }
    }),
    answers!("the API root names only version 2.0", api_root_answers, |_, reply, _| {
        reply.edit(|json| {
            if json.get("versions").is_some() && json.get("max_content_length").is_some() {
                json["versions"] = json!(["application/taxii+json;version=2.0"]);
            }
        });
    }),
    answers!("a collection differs from its entry", collection_answers_as_listed, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.edit_list("collections", |list| list[0]["title"] = json!("another title"));
        }
    }),
    answers!("the collections change their order", collections_keep_their_order, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.edit_list("collections", |list| {
                let places = list.len();
                list.rotate_left(asked.number % places);
            });
        }
    }),
    answers!("the collections descend by id", collections_ascend_by_id, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.edit_list("collections", |list| list.reverse());
        }
    }),
    answers!("two collections share an alias", aliases_are_unique_and_work, |asked, reply, _| {
        if asked.is_get("/collections/") {
            reply.edit_list("collections", |list| list.iter_mut().for_each(|c| c["alias"] = json!("same")));
        }
    }),
];

/// Microseconds to milliseconds.
fn shorten(stamp: &mut Value) {
    if let Some(text) = stamp.as_str() {
        *stamp = json!(format!("{}Z", &text[..text.len() - 4]));
    }
}
