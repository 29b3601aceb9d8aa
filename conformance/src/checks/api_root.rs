//! TAXII 2.1, 4.2: the API root resource.

use serde_json::Value;
use uuid::Uuid;

use crate::client::{Request, TAXII};
use crate::suite::{Endpoint, Suite};
use crate::verdict::Verdict;

checks![api_root_answers, unknown_api_root_is_404];

async fn api_root_answers(suite: &Suite) -> Verdict {
    let root = suite.get_ok(Endpoint::ApiRoot, &[]).await?;
    let versions = root.list("versions")?;
    let speaks_2_1 = versions.iter().filter_map(Value::as_str).any(|v| v.replace(' ', "") == TAXII);
    if !speaks_2_1 {
        return Err(root.fail("/versions", format!("does not contain {TAXII}")));
    }
    match root.count("max_content_length")? {
        0 => Err(root.fail("/max_content_length", "expected more than 0")),
        _ => Ok(()),
    }
}

async fn unknown_api_root_is_404(suite: &Suite) -> Verdict {
    let url = format!("{}/no-such-root-{}/", suite.origin, Uuid::new_v4());
    let answer = suite.send(Request::get(url).auth(&suite.options.auth)).await?;
    answer.expect(&[404])?;
    Ok(())
}
