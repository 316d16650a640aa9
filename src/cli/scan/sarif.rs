//! SARIF 2.1.0 (OASIS), written as findings come: their number has no limit.
//!
//! It holds no fingerprint of a value: whoever has a list of guesses, such as all
//! account ids of a company, could tell from it which one it is.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use serde_json::{Value, json};

use crate::cli::scan::files::ReadError;
use crate::cli::scan::report::{Hit, by};
use crate::detect::{Catalog, KindInfo};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// More failures are counted by the exit code alone.
const FAILURES: usize = 1_000;

pub(super) struct Sarif {
    first: bool,
    failed: bool,
    failures: Vec<Value>,
}

impl Sarif {
    pub(super) fn begin(catalog: &Catalog, out: &mut dyn Write) -> io::Result<Self> {
        let rules: Vec<_> = catalog.kinds().map(|(_, info)| rule(info)).collect();
        let driver = json!({
            "name": "masker",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        });
        write!(
            out,
            "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{driver}}},\
             \"columnKind\":\"unicodeCodePoints\",\"results\":["
        )?;
        Ok(Self { first: true, failed: false, failures: Vec::new() })
    }

    pub(super) fn hit(&mut self, hit: &Hit<'_>, out: &mut dyn Write) -> io::Result<()> {
        let separator = if self.first { "" } else { "," };
        self.first = false;
        let mut region = json!({
            "startLine": hit.start.line,
            "startColumn": hit.start.column,
            "endLine": hit.end.line,
            "endColumn": hit.end.column,
        });
        if let (Some(value), Some(region)) = (hit.value, region.as_object_mut()) {
            region.insert("snippet".to_owned(), json!({"text": value}));
        }
        let result = json!({
            "ruleId": hit.info.name,
            "level": level(hit.info),
            "message": {"text": format!("A value of the kind {} (found by {}).", hit.info.name, by(hit.rank))},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": uri(hit.path)},
                "region": region,
            }}],
        });
        write!(out, "{separator}\n{result}")
    }

    pub(super) fn failure(&mut self, path: &Path, error: &ReadError) {
        self.failed = true;
        if self.failures.len() < FAILURES {
            self.failures.push(json!({
                "level": "error",
                "message": {"text": format!("This file was not looked at: it {error}.")},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(path)}}}],
            }));
        }
    }

    pub(super) fn end(self, out: &mut dyn Write) -> io::Result<()> {
        let invocation = json!({
            "executionSuccessful": !self.failed,
            "toolExecutionNotifications": self.failures,
        });
        writeln!(out, "],\"invocations\":[{invocation}]}}]}}")
    }
}

fn rule(info: &KindInfo) -> Value {
    json!({
        "id": info.name,
        "shortDescription": {"text": format!("A value of the kind {}", info.name)},
        "defaultConfiguration": {"level": level(info)},
        "properties": {"critical": info.critical, "aws": !info.secret},
    })
}

fn level(info: &KindInfo) -> &'static str {
    if info.is_credential() { "error" } else { "warning" }
}

/// A relative reference, or a `file` URI (RFC 8089) of an absolute path.
fn uri(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(encode(name.as_bytes())),
            Component::ParentDir => parts.push("..".to_owned()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    let scheme = if path.is_absolute() { "file:///" } else { "" };
    format!("{scheme}{}", parts.join("/"))
}

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3).
fn encode(name: &[u8]) -> String {
    let mut text = String::new();
    for &byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uri_references() {
        for (path, expected) in [
            ("a/b.txt", "a/b.txt"),
            ("./a b", "a%20b"),
            ("../é:1", "../%C3%A9%3A1"),
            ("/tmp/x", "file:///tmp/x"),
            ("-", "-"),
        ] {
            assert_eq!(uri(Path::new(path)), expected);
        }
    }
}
