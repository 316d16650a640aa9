//! Lists in the answers of services: buckets with their dates, clusters and nothing else.

use std::ops::Range;

use memchr::memchr;

use crate::detect::context::answers::is_bucket;
use crate::detect::context::bytes::over;
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::Names;
use crate::detect::context::value;

/// Spaces, line breaks, quotes and commas between two words.
const BETWEEN: usize = 64;
/// What stands in the object of a bucket behind its date.
const REST: usize = 256;

impl Names {
    /// `"Buckets": [{"Name": "NAME", "CreationDate": …}, …]`, behind the key.
    pub(crate) fn buckets(&self, text: &[u8], from: usize, out: &mut Findings) {
        let Some(answers) = &self.answers else { return };
        let (kind, alone) = (answers.bucket, true);
        let mut at = from;
        while let Some(start) = behind(text, at, b"Name") {
            let span = value::run(text, start);
            let dated = behind(text, span.end, b"CreationDate");
            let name = text.get(span.clone()).unwrap_or_default();
            let Some(dated) = dated.filter(|_| is_bucket(name)) else { return };
            let name = value::name(text, span, b"");
            out.all.extend(name.map(|span| Named { span, kind, alone }));
            let rest = text.get(dated..).unwrap_or_default();
            let rest = rest.get(..REST).unwrap_or(rest);
            let Some(len) = memchr(b'}', rest) else { return };
            at = dated + len + 1;
        }
    }

    /// `{"clusters": ["NAME", …]}`, behind the key: all that EKS answers.
    pub(crate) fn clusters(&self, text: &[u8], key: Range<usize>, out: &mut Findings) {
        let Some(answers) = &self.answers else { return };
        let (kind, alone, first) = (answers.cluster, true, out.all.len());
        let head = text.get(key.start.saturating_sub(BETWEEN)..key.start).unwrap_or_default();
        let head = head.trim_ascii_end();
        let begins = matches!(head, [b'{'] | [.., b'\n', b'{']);
        let mut at = over(text, key.end, BETWEEN, b"\": \t\r\n");
        if !begins || text.get(at) != Some(&b'[') {
            return;
        }
        at += 1;
        loop {
            at = over(text, at, BETWEEN, b" \t\r\n,");
            if text.get(at) != Some(&b'"') {
                break;
            }
            let span = value::run(text, at + 1);
            let name = text.get(span.clone()).unwrap_or_default();
            let of_name = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
            if text.get(span.end) != Some(&b'"') || !name.iter().all(of_name) {
                break;
            }
            at = span.end + 1;
            if value::is_name(name) && value::is_distinct(name) {
                out.all.push(Named { span, kind, alone });
            }
        }
        let ends = text.get(at) == Some(&b']');
        let end = over(text, at + 1, BETWEEN, b" \t\r\n");
        if !ends || text.get(end) != Some(&b'}') {
            out.all.truncate(first);
        }
    }
}

/// Where the value of this key begins, if it is the next word.
fn behind(text: &[u8], from: usize, key: &[u8]) -> Option<usize> {
    let mut at = from;
    while let Some(rest) = text.get(at..).filter(|_| at < from + BETWEEN) {
        at += match rest {
            [b'\\', b'n' | b't' | b'r', ..] => 2,
            [b, ..] if b" \t\r\n\\\"',:[{".contains(b) => 1,
            _ => break,
        };
    }
    let end = at + key.len();
    let found = text.get(at..end) == Some(key);
    let value = over(text, end, BETWEEN, b"\\\"': \t");
    (found && value > end).then_some(value)
}
