//! Findings as a log in the format SARIF 2.1.0, for the tools that show such logs.

use super::verdict::Verdict;
use crate::failure::Failure;
use crate::out::Out;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use stix_model::validate::Code;

/// Writes results as they come. What they refer to stands behind them, so that nothing but the codes is kept.
#[derive(Default)]
pub(super) struct Log {
    codes: BTreeSet<Code>,
}

impl Log {
    pub(super) fn show(&mut self, verdict: &Verdict<'_>, out: &mut Out) -> Result<(), Failure> {
        for finding in &verdict.findings {
            out.raw(if self.codes.is_empty() { HEAD } else { b"," })?;
            self.codes.insert(finding.code);
            let (line, column) = verdict.place(finding);
            let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!(" To fix: {fix}."));
            let mut logical = json!({ "fullyQualifiedName": verdict.pointer_of_text(finding) });
            if let Some(id) = verdict.id() {
                logical["name"] = id.into();
            }
            out.json(&json!({
                "ruleId": finding.code.as_str(),
                "level": finding.severity.as_str(),
                "message": { "text": format!("{}.{fix}", finding.message) },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": uri(verdict.text.file) },
                        "region": { "startLine": line, "startColumn": column },
                    },
                    "logicalLocations": [logical],
                }],
                "properties": { "rule": verdict.rule(finding) },
            }))?;
        }
        Ok(())
    }

    pub(super) fn finish(&self, out: &mut Out) -> Result<(), Failure> {
        if self.codes.is_empty() {
            out.raw(HEAD)?;
        }
        let rule =
            |code: &Code| json!({ "id": code.as_str(), "shortDescription": { "text": code.description() } });
        let driver = json!({
            "name": "taxii validate",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": self.codes.iter().map(rule).collect::<Vec<_>>(),
        });
        out.raw(format!("],\"tool\":{{\"driver\":{driver}}}}}]}}\n").as_bytes())?;
        Ok(())
    }
}

const HEAD: &[u8] = br#"{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"columnKind":"unicodeCodePoints","results":["#;

/// A path as a reference of RFC 3986, relative when the path is.
fn uri(file: &str) -> String {
    let mut uri = String::from(if file.starts_with('/') { "file://" } else { "" });
    for byte in file.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(byte.into())
            }
            _ => write!(uri, "%{byte:02X}").expect("a String takes every write"),
        }
    }
    uri
}
