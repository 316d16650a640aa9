//! What the default profile leaves in a corpus on purpose, by the reason for it.

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
}

/// A kind of value that needs a key or words, or that nothing tells from a word.
pub(crate) struct Exception {
    pub name: String,
    value: Regex,
    pub used: usize,
}

pub(crate) fn read(bench: &Bench, file: &Path) -> Result<Vec<Exception>, Box<dyn Error>> {
    let file: File = toml::from_str(&fs::read_to_string(file)?)?;
    file.exception.into_iter().map(|written| written.check(bench)).collect()
}

impl Written {
    /// An exception has a reason and examples, and covers nothing of a certain shape.
    fn check(self, bench: &Bench) -> Result<Exception, Box<dyn Error>> {
        let Self { name, reason, value, examples } = self;
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
        Ok(Exception { name, value, used: 0 })
    }
}

impl Exception {
    /// Is this what the exception is for?
    pub(crate) fn covers(&self, value: &str) -> bool {
        self.value.is_match(value)
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
