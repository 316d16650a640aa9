//! What stands in path and headers, which go unchanged.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::detect::{Kind, Known, Part};
use crate::ext_proc::headers::Headers;
use crate::ext_proc::settings::Settings;
use crate::telemetry::labels::Place;

/// These hold keys, or nothing that was written by a person.
const UNREAD_HEADERS: [&str; 6] =
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization"];

/// Findings by place. All are looked at together: most are short.
pub(super) fn outside(headers: &Headers, settings: &Settings) -> BTreeMap<(Place, Kind), u64> {
    let mut counts = BTreeMap::new();
    let (mut all, mut parts, mut read) = (String::with_capacity(1024), Vec::new(), Vec::new());
    for (name, value) in headers.iter() {
        if (name.starts_with(':') && name != ":path") || UNREAD_HEADERS.contains(&name) {
            continue;
        }
        // No value holds it (RFC 9110, section 5.5).
        all.push('\0');
        let start = all.len();
        all.push_str(value);
        parts.push(Part { span: start..all.len(), label: Cow::default() });
        read.push((name, value));
    }
    let (mut read, known) = (read.into_iter(), Known::default());
    settings.masker.catalog.scan_beside(
        &all,
        &parts,
        |_| Vec::new(),
        &known,
        |findings, _| {
            let Some((name, value)) = read.next() else { return };
            for finding in findings {
                let query = || value.find('?').unwrap_or(value.len());
                let place = match name {
                    ":path" if finding.span.start > query() => Place::Query,
                    ":path" => Place::Path,
                    _ => Place::Header,
                };
                *counts.entry((place, finding.kind)).or_default() += 1;
            }
        },
    );
    counts
}
