//! The checked-in document is what the handlers say.

#[test]
fn golden() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let current = taxii_server::router::openapi_json();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(checked_in == current, "openapi.json is stale; UPDATE=1 cargo test golden rewrites it");
}
