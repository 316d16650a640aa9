//! What the system before masker stored, so that its old transcripts can still be restored.
//!
//! It numbered its placeholders (`AWS_EC2_001`) and kept each original in clear under
//! `aws_masker:map:<placeholder>`, for all tenants together. Here they are mappings like others:
//! sealed under a tenant's key, their keys a keyed hash of the old name. No placeholder of masker's
//! ends in `_` and digits alone, so the two never meet.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use crate::mask::{Scope, Value};
use crate::store::SealError;
use crate::store::bulk::{Bulk, BulkError, Place, Row};
use crate::store::config::{Backend, RedisConfig, RedisUrl, StoreConfig};
use crate::store::redis::key as key_text;
use crate::store::seal::Sealer;

const PREFIX: &str = "aws_masker:map:";
/// The kind under which their fingerprints are made.
const KIND: &str = "LEGACY";

/// The store of the old system.
#[derive(Debug)]
pub struct Old(Bulk);

impl Old {
    pub async fn open(
        url: RedisUrl,
        password_file: Option<PathBuf>,
        ca: Option<PathBuf>,
    ) -> Result<Self, BulkError> {
        let redis = RedisConfig { password_file, ca, ..RedisConfig::new(url) };
        let backend = Backend::Redis(Box::new(redis));
        Bulk::open(&StoreConfig { backend, ..StoreConfig::default() }).await.map(Self)
    }

    /// About how many keys there are.
    pub async fn size(&self) -> Result<u64, BulkError> {
        self.0.size().await
    }

    /// The next names with their originals, how many were none, and where to go on. A name that
    /// ends in zeros alone was given to many values at once: it stands for none.
    pub async fn page(
        &self,
        at: Place,
    ) -> Result<(Vec<(String, Value)>, u64, Option<Place>), BulkError> {
        let (rows, next) =
            self.0.scan(at, "aws_masker:map:*", |key| key.starts_with(PREFIX)).await?;
        let mut skipped = 0;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let name = row.key.strip_prefix(PREFIX).filter(|name| is_name(name));
            let value = std::str::from_utf8(&row.sealed).ok().filter(|value| !value.is_empty());
            match (name, value) {
                (Some(name), Some(value)) => found.push((name.to_owned(), Value::new(value))),
                _ => skipped += 1,
            }
        }
        Ok((found, skipped, next))
    }
}

/// An old name as it is stored here.
pub fn row(scope: &Scope, name: &str, value: &Value, left: Duration) -> Result<Row, SealError> {
    let key = scope.old_store_key(name);
    let mapping = scope.mapping(false, KIND, value.expose());
    let sealed = Sealer::new(scope).seal(&key, &mapping)?;
    Ok(Row { key: key_text(&key), sealed, left: Some(left) })
}

/// What is known of the old names in a text.
pub async fn reveal(
    store: &Bulk,
    scope: &Scope,
    text: &str,
) -> Result<HashMap<String, Value>, BulkError> {
    let mut names: Vec<_> = names(text).into_iter().filter_map(|span| text.get(span)).collect();
    names.sort_unstable();
    names.dedup();
    let sealer = Sealer::new(scope);
    let mut known = HashMap::new();
    for names in names.chunks(500) {
        let keys: HashMap<_, _> = names
            .iter()
            .map(|&name| (scope.old_store_key(name), name))
            .map(|(key, name)| (key_text(&key), (key, name)))
            .collect();
        for row in store.rows(keys.keys().cloned().collect()).await? {
            let Some((key, name)) = keys.get(&row.key) else { continue };
            if let Ok(value) = sealer.open(key, &row.sealed) {
                known.insert((*name).to_owned(), value);
            }
        }
    }
    Ok(known)
}

/// What became of the old names in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub restored: u64,
    /// Nothing is stored under them.
    pub unknown: u64,
    /// Their originals would have to be escaped, and how often nothing tells.
    pub unfit: u64,
}

/// Restores what is known. In a text that is, or holds, JSON (`plain` is false) an original with
/// quotes, backslashes or control characters stays a placeholder.
#[must_use]
pub fn restore(text: &str, known: &HashMap<String, Value>, plain: bool) -> (String, Counts) {
    let mut counts = Counts::default();
    let mut restored = String::with_capacity(text.len());
    let mut at = 0;
    let escaped = |c: char| c == '"' || c == '\\' || c.is_control();
    for span in names(text) {
        match text.get(span.clone()).and_then(|name| known.get(name)) {
            None => counts.unknown += 1,
            Some(value) if !plain && value.expose().contains(escaped) => counts.unfit += 1,
            Some(value) => {
                counts.restored += 1;
                restored.push_str(text.get(at..span.start).unwrap_or_default());
                restored.push_str(value.expose());
                at = span.end;
            }
        }
    }
    restored.push_str(text.get(at..).unwrap_or_default());
    (restored, counts)
}

/// Where old names stand, each a whole word.
fn names(text: &str) -> Vec<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut end = 0;
    while let Some(begin) = text.get(end..).and_then(|rest| rest.find(is_word)) {
        let mut start = end + begin;
        let rest = text.get(start..).unwrap_or_default();
        end = start + rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        // The letter of an escape is not part of the word.
        if text.get(..start).is_some_and(|before| before.ends_with('\\')) {
            let length = match rest.as_bytes().first() {
                Some(b'n' | b'r' | b't' | b'b' | b'f') => 1,
                Some(b'u') => 5,
                _ => 0,
            };
            start = end.min(start + length);
        }
        if text.get(start..end).is_some_and(is_name) {
            found.push(start..end);
        }
    }
    found
}

/// `AWS_EC2_001`: capitals, digits and `_`, at last a number other than zero.
fn is_name(word: &str) -> bool {
    let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let Some((kind, number)) = word.rsplit_once('_') else { return false };
    kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.bytes().all(legal)
        && (3..=20).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && number.bytes().any(|b| b != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(pairs: &[(&str, &str)]) -> HashMap<String, Value> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::new(value))).collect()
    }

    #[test]
    fn names_are_whole_words() {
        for (text, found) in [
            ("AWS_EC2_001", vec!["AWS_EC2_001"]),
            (
                "x AWS_EC2_0012, AWS_SECURITY_GROUP_007-AWS_EC2_001.",
                vec!["AWS_EC2_0012", "AWS_SECURITY_GROUP_007", "AWS_EC2_001"],
            ),
            (r#""\nAWS_EC2_001\u000aAWS_EC2_002\n""#, vec!["AWS_EC2_001", "AWS_EC2_002"]),
            ("äAWS_EC2_001 AWS_EC2_001_x xAWS_EC2_001 aws_ec2_001", vec![]),
            ("AWS_EC2_000 AWS_EC2_01 AWS_EC2_7F3K9Q2MX4TB _001 \\u", vec![]),
        ] {
            let spans: Vec<_> = names(text).into_iter().filter_map(|span| text.get(span)).collect();
            assert_eq!(spans, found, "{text}");
        }
    }

    #[test]
    fn what_is_known_comes_back() {
        let known = known(&[("AWS_EC2_001", "i-0123456789abcdef0"), ("AWS_X_001", "a\"b")]);
        let text = "AWS_EC2_001 AWS_EC2_002 AWS_X_001 AWS_EC2_001";
        let (json, counts) = restore(text, &known, false);
        assert_eq!(json, "i-0123456789abcdef0 AWS_EC2_002 AWS_X_001 i-0123456789abcdef0");
        assert_eq!(counts, Counts { restored: 2, unknown: 1, unfit: 1 });
        let (plain, counts) = restore(text, &known, true);
        assert_eq!(plain, "i-0123456789abcdef0 AWS_EC2_002 a\"b i-0123456789abcdef0");
        assert_eq!(counts, Counts { restored: 3, unknown: 1, unfit: 0 });
    }
}
