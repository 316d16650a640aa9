//! What the default profile leaves in a corpus on purpose, by the reason for it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use masker::detect::Rank;
use regex::Regex;
use serde::Deserialize;

use crate::Bench;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    exception: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    reason: String,
    /// The whole value.
    value: String,
    examples: Vec<String>,
    /// The entries of the corpus that have such a value.
    entries: String,
}

/// A kind of value that needs a key or words, or that nothing tells from a word.
pub(crate) struct Exception {
    pub name: String,
    value: Regex,
    /// Of the corpus, and whether each still misses such a value.
    entries: BTreeMap<String, bool>,
    pub used: usize,
}

pub(crate) fn read(bench: &Bench, file: &Path) -> Result<Vec<Exception>, Box<dyn Error>> {
    let file: File = toml::from_str(&fs::read_to_string(file)?)?;
    file.exception.into_iter().map(|written| written.check(bench)).collect()
}

impl Written {
    /// An exception has a reason and examples, and covers nothing of a certain shape.
    fn check(self, bench: &Bench) -> Result<Exception, Box<dyn Error>> {
        let Self { name, reason, value, examples, entries } = self;
        if reason.is_empty() || examples.is_empty() {
            return Err(format!("exception {name}: it needs a reason and examples").into());
        }
        let value = Regex::new(&format!("^(?:{value})$"))?;
        for example in &examples {
            if !value.is_match(example) {
                return Err(format!("exception {name}: {example:?} is no example of it").into());
            }
            if has_shape(bench, example) {
                return Err(format!("exception {name}: {example:?} has a certain shape").into());
            }
        }
        let entries = entries.split_whitespace().map(|id| (id.to_owned(), false)).collect();
        Ok(Exception { name, value, entries, used: 0 })
    }
}

impl Exception {
    /// Is this what the exception is for? Then it is used.
    pub(crate) fn covers(&mut self, id: &str, value: &str) -> bool {
        match self.entries.get_mut(id) {
            Some(seen) if self.value.is_match(value) => {
                *seen = true;
                self.used += 1;
                true
            }
            _ => false,
        }
    }

    /// Could it be for this, if it named the entry?
    pub(crate) fn fits(&self, value: &str) -> bool {
        self.value.is_match(value)
    }

    /// Entries that miss nothing any more.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, seen)| !**seen).map(|(id, _)| id.as_str())
    }
}

/// Does the value itself say what it is? The catalog's word is not enough: what it does not
/// find where it should would be excepted.
pub(crate) fn has_shape(bench: &Bench, value: &str) -> bool {
    let mut found = Vec::new();
    bench.masker.catalog.scan(value, "", &[], &mut found);
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let id = value.rsplit_once('-').is_some_and(|(prefix, digits)| {
        let letters = prefix.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        letters && matches!(digits.len(), 8 | 17) && hex(digits)
    });
    let key = value.len() == 20 && (value.starts_with("AKIA") || value.starts_with("ASIA"));
    let named = value.starts_with("arn:") || value.contains("amazonaws.com");
    found.iter().any(|finding| finding.rank <= Rank::Structure) || id || key || named
}
