//! TAXII 2.1, 4.1: the discovery resource.

use reqwest::Url;
use serde_json::Value;

use crate::client::Request;
use crate::excerpt::excerpt;
use crate::exchange::{Exchange, text};
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    discovery_is_at_taxii2,
    discovery_lists_a_working_api_root,
    api_root_urls_are_well_formed,
    api_root_urls_differ,
    default_api_root_is_listed,
    dns_srv_record_names_taxii2,
];

async fn discovery_is_at_taxii2(suite: &Suite) -> Verdict {
    let discovery = suite.get_ok(Endpoint::Discovery, &[]).await?;
    if text(discovery.resource()?, "title").is_none() {
        return Err(discovery.fail("/title", "a discovery resource has a title"));
    }
    Ok(())
}

async fn discovery_lists_a_working_api_root(suite: &Suite) -> Verdict {
    let discovery = suite.get_ok(Endpoint::Discovery, &[]).await?;
    let mut elsewhere = None;
    for root in api_roots(&discovery)? {
        let Some(url) = resolve(suite, root) else { continue };
        // Credentials go to no other host than the one that was given to us.
        if !url.starts_with(&format!("{}/", suite.origin)) {
            elsewhere = Some(url);
            continue;
        }
        let answer = suite.send(Request::get(url).auth(&suite.options.auth)).await;
        if answer.is_ok_and(|exchange| exchange.status == 200) {
            return Ok(());
        }
    }
    if let Some(url) = elsewhere {
        return not_applicable(format!("{url} is on another host; test that one with --url {url}"));
    }
    Err(discovery.fail("/api_roots", "no API root of the list answers 200 to this account"))
}

/// 4.1.1: HTTPS, or relative with exactly one slash in front; no query.
async fn api_root_urls_are_well_formed(suite: &Suite) -> Verdict {
    let discovery = suite.get_ok(Endpoint::Discovery, &[]).await?;
    let tested = Url::parse(&suite.api_root).map_err(|e| discovery.fail("", e.to_string()))?;
    let mut plain_http = None;
    for (i, root) in api_roots(&discovery)?.iter().enumerate() {
        let wrong =
            |what: &str| discovery.fail(format!("/api_roots/{i}"), format!("{}: {what}", excerpt(root)));
        if root.contains('?') {
            return Err(wrong("has a query"));
        }
        if root.starts_with('/') {
            if root.starts_with("//") || root.contains("/../") {
                return Err(wrong("a relative URL starts with exactly one slash and goes down only"));
            }
            continue;
        }
        match Url::parse(root) {
            Ok(url) if url.scheme() == "https" => {}
            Ok(url) if !suite.is_https() && url.host_str() == tested.host_str() => plain_http = Some(*root),
            Ok(_) => return Err(wrong("an absolute URL is HTTPS")),
            Err(_) => return Err(wrong("neither an absolute URL nor one that starts with a slash")),
        }
    }
    match plain_http {
        Some(root) => not_applicable(format!("tested over plain HTTP, so is {root}")),
        None => Ok(()),
    }
}

async fn api_root_urls_differ(suite: &Suite) -> Verdict {
    let discovery = suite.get_ok(Endpoint::Discovery, &[]).await?;
    let mut urls: Vec<String> = api_roots(&discovery)?.iter().filter_map(|r| resolve(suite, r)).collect();
    urls.sort_unstable();
    match urls.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(discovery.fail("/api_roots", format!("{} is listed twice", pair[0]))),
        None => Ok(()),
    }
}

async fn default_api_root_is_listed(suite: &Suite) -> Verdict {
    let discovery = suite.get_ok(Endpoint::Discovery, &[]).await?;
    let Some(default) = text(discovery.resource()?, "default") else {
        return not_applicable("the discovery names no default");
    };
    if api_roots(&discovery)?.contains(&default) {
        return Ok(());
    }
    Err(discovery.fail("/default", format!("{} is not an element of api_roots", excerpt(default))))
}

async fn dns_srv_record_names_taxii2(_: &Suite) -> Verdict {
    not_applicable("a DNS record is a matter of the zone; try: dig SRV _taxii2._tcp.DOMAIN")
}

fn api_roots(discovery: &Exchange) -> Verdict<Vec<&str>> {
    Ok(discovery.list("api_roots")?.iter().filter_map(Value::as_str).collect())
}

/// The URL a client ends up with; the slash at the end makes no difference.
fn resolve(suite: &Suite, root: &str) -> Option<String> {
    let base = Url::parse(&suite.url(Endpoint::Discovery)).ok()?;
    Some(format!("{}/", base.join(root).ok()?.as_str().trim_end_matches('/')))
}
