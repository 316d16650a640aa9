//! `profile = "strict"`: what looks like an identifier is one.

use serde::Deserialize;

use crate::detect::catalog::{CatalogError, Kinds, parse};
use crate::detect::custom::{Custom, Find, Pattern};

const PATTERNS: &str = include_str!("patterns/strict.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    pattern: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: String,
    expression: String,
    examples: Vec<String>,
    counter_examples: Vec<String>,
}

/// The patterns, as an operator would have written them.
pub(crate) fn patterns() -> Result<Vec<Pattern>, CatalogError> {
    let file: File = parse("strict", PATTERNS)?;
    let named = |(at, written): (usize, Written)| Pattern {
        name: format!("strict.{at}"),
        kind: written.kind,
        critical: false,
        find: Find::Expression(written.expression),
        examples: written.examples,
        counter_examples: written.counter_examples,
    };
    Ok(file.pattern.into_iter().enumerate().map(named).collect())
}

/// What finds them.
pub(crate) fn builtin(kinds: &mut Kinds) -> Result<Option<Custom>, CatalogError> {
    let patterns = patterns()?;
    let kinds: Vec<_> = patterns.iter().map(|own| (own, kinds.make(&own.kind))).collect();
    Ok(Custom::new(&kinds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_keeps_its_word() {
        for pattern in patterns().unwrap() {
            assert!(pattern.check().is_ok(), "{pattern:?}");
        }
    }
}
