//! Patterns and allow-lists of the operator's own.
//!
//! All expressions are one, which is run once over a text, in linear time, and only
//! if there is one. What stands beside a value is a part of it: with several ways to
//! match, the one is taken that ends where a word ends.

use std::collections::HashSet;
use std::fmt;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use crate::detect::boundary::{in_escape, left_of, right_of};
use crate::detect::custom::check::{SIZE, parse};
use crate::detect::{Finding, Kind, Rank};

pub mod check;

pub use crate::detect::custom::check::CustomError;

/// What an operator adds to the catalog, and takes from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    pub patterns: Vec<Pattern>,
    pub allow: Allow,
}

/// A pattern as it is configured.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    pub name: String,
    pub kind: String,
    pub critical: bool,
    pub find: Find,
    pub examples: Vec<String>,
    pub counter_examples: Vec<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Find {
    Expression(String),
    /// Exactly these, each as a whole word.
    Names(Vec<String>),
}

/// Values that are never masked: a finding that is one of these, or that one of the
/// expressions matches whole, is none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Allow {
    pub values: Vec<String>,
    pub expressions: Vec<String>,
}

impl fmt::Debug for Pattern {
    /// Without names and examples, which are originals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?}, {})", self.name, self.kind)
    }
}

impl fmt::Debug for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression(_) => f.write_str("Expression"),
            Self::Names(names) => write!(f, "Names({})", names.len()),
        }
    }
}

impl fmt::Debug for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Allow({} values, {} expressions)", self.values.len(), self.expressions.len())
    }
}

/// What may stand before a value: see [`left_of`]. Escapes first, whose letters are not the
/// value's.
const LEFT: &str = r"(?:\A|\\[ntrbf]|%[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|(?:\x1b|\\u001[bB]|\\x1[bB]|\\033|\\e)\[[0-9;]{0,20}m|(?-u:[^0-9A-Za-z]))";
/// And behind it: see [`right_of`].
const RIGHT: &str = r"(?:\z|(?-u:[^0-9A-Za-z]))";
/// The compiled size of all expressions together.
const ALL: usize = 16 * SIZE;

/// The patterns, ready to find.
pub(crate) struct Custom {
    expressions: Option<Expressions>,
    names: Option<(AhoCorasick, Vec<Kind>)>,
}

struct Expressions {
    all: Regex,
    /// The groups of the patterns, and their kinds.
    groups: Vec<(usize, Kind)>,
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}

impl Custom {
    /// None if there are no patterns. Each has been checked by itself.
    pub(crate) fn new(patterns: &[(&Pattern, Kind)]) -> Result<Option<Self>, CustomError> {
        let (mut expressions, mut names) = (Vec::new(), Vec::new());
        for &(pattern, kind) in patterns {
            match &pattern.find {
                Find::Expression(text) => expressions.push((text.as_str(), kind)),
                Find::Names(texts) => names.extend(texts.iter().map(|text| (text, kind))),
            }
        }
        if expressions.is_empty() && names.is_empty() {
            return Ok(None);
        }
        let expressions =
            if expressions.is_empty() { None } else { Some(Expressions::new(&expressions)?) };
        let names = if names.is_empty() {
            None
        } else {
            let search = AhoCorasick::new(names.iter().map(|(name, _)| name.as_bytes()));
            let search = search.map_err(|_| CustomError::TooManyNames)?;
            Some((search, names.into_iter().map(|(_, kind)| kind).collect()))
        };
        Ok(Some(Self { expressions, names }))
    }

    /// Adds what is found, in any order; it may overlap.
    pub(crate) fn find(&self, text: &[u8], rank: Rank, out: &mut Vec<Finding>) {
        let finding = |span, kind| Finding { span, kind, rank, teach: false };
        if let Some(expressions) = &self.expressions {
            expressions.find(text, |span, kind| out.push(finding(span, kind)));
        }
        if let Some((search, kinds)) = &self.names {
            // All of them: the longest may end inside a word where a shorter one does not.
            for found in search.find_overlapping_iter(text) {
                let span = found.range();
                if let Some(&kind) = kinds.get(found.pattern().as_usize())
                    && left_of(text, span.start)
                    && right_of(text, span.end)
                {
                    out.push(finding(span, kind));
                }
            }
        }
    }
}

impl Expressions {
    fn new(all: &[(&str, Kind)]) -> Result<Self, CustomError> {
        let named = |(at, (text, _)): (usize, &(&str, Kind))| format!("(?P<masker_{at}>{text})");
        let either: Vec<_> = all.iter().enumerate().map(named).collect();
        let regex = build(&format!("{LEFT}(?:{}){RIGHT}", either.join("|")), ALL)?;
        let place = |at: usize| {
            let name = format!("masker_{at}");
            regex.capture_names().position(|group| group == Some(name.as_str()))
        };
        let groups = all.iter().enumerate();
        let groups = groups.filter_map(|(at, (_, kind))| Some((place(at)?, *kind))).collect();
        Ok(Self { all: regex, groups })
    }

    fn find(&self, text: &[u8], mut hit: impl FnMut(std::ops::Range<usize>, Kind)) {
        let mut from = 0;
        while let Some(found) = self.all.captures_at(text, from) {
            let group = self.groups.iter().find_map(|&(at, kind)| Some((found.get(at)?, kind)));
            let Some((value, kind)) = group else { return };
            // What ends with a sign may be the next one's left side.
            let sign = value.as_bytes().last().is_some_and(|b| !b.is_ascii_alphanumeric());
            from = value.end() - usize::from(sign);
            if !in_escape(text, value.start()) {
                hit(value.range(), kind);
            }
        }
    }
}

fn build(expression: &str, size: usize) -> Result<Regex, CustomError> {
    RegexBuilder::new(expression).size_limit(size).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => CustomError::Size,
        error => CustomError::syntax(&error.to_string()),
    })
}

/// The allow-list, ready to be asked.
pub(crate) struct Allowed {
    values: HashSet<Box<str>>,
    expressions: Option<regex::Regex>,
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Allowed({} values)", self.values.len())
    }
}

impl Allowed {
    /// None if nothing is allowed.
    pub(crate) fn new(allow: &Allow) -> Result<Option<Self>, CustomError> {
        if allow == &Allow::default() {
            return Ok(None);
        }
        for expression in &allow.expressions {
            parse(expression)?;
        }
        let either: Vec<_> = allow.expressions.iter().map(|text| format!("(?:{text})")).collect();
        let either = either.join("|");
        let whole = || {
            let builder =
                regex::RegexBuilder::new(&format!(r"\A(?:{either})\z")).size_limit(ALL).build();
            builder.map_err(|_| CustomError::Size)
        };
        let expressions = if either.is_empty() { None } else { Some(whole()?) };
        let values = allow.values.iter().map(|value| value.as_str().into()).collect();
        Ok(Some(Self { values, expressions }))
    }

    pub(crate) fn holds(&self, value: &str) -> bool {
        self.values.contains(value)
            || self.expressions.as_ref().is_some_and(|expressions| expressions.is_match(value))
    }

    /// Takes from the findings behind the first `keep` those that are allowed.
    pub(crate) fn retain(&self, text: &str, keep: usize, found: &mut Vec<Finding>) {
        let mut at = 0;
        found.retain(|finding| {
            at += 1;
            at <= keep || !text.get(finding.span.clone()).is_some_and(|value| self.holds(value))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(patterns: &[Find], text: &str) -> Vec<(String, u16)> {
        let pattern = |find: &Find| Pattern {
            name: "own".to_owned(),
            kind: "OWN".to_owned(),
            critical: false,
            find: find.clone(),
            examples: Vec::new(),
            counter_examples: Vec::new(),
        };
        let patterns: Vec<_> = patterns.iter().map(pattern).collect();
        let kinds: Vec<_> = (0..).map(Kind).zip(&patterns).map(|(kind, own)| (own, kind)).collect();
        let custom = Custom::new(&kinds).unwrap().unwrap();
        let mut out = Vec::new();
        custom.find(text.as_bytes(), Rank::Shape, &mut out);
        let own = |f: Finding| (text.get(f.span).unwrap().to_owned(), f.kind.0);
        out.into_iter().map(own).collect()
    }

    fn texts(find: Find, text: &str) -> Vec<String> {
        found(&[find], text).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn expressions_match_whole_words() {
        let ticket = || Find::Expression("PRJ-[0-9]{3,5}".to_owned());
        for (text, expected) in [
            ("PRJ-123 PRJ-1234,PRJ-12345", vec!["PRJ-123", "PRJ-1234", "PRJ-12345"]),
            ("xPRJ-123 PRJ-123x PRJ-123456 PRJ-12", vec![]),
            ("_PRJ-123_ (PRJ-999)", vec!["PRJ-123", "PRJ-999"]),
            (
                r"\nPRJ-123\tPRJ-124 %2FPRJ-125 \u003dPRJ-126",
                vec!["PRJ-123", "PRJ-124", "PRJ-125", "PRJ-126"],
            ),
            ("\u{1b}[1;32mPRJ-123\u{1b}[0m éPRJ-124é", vec!["PRJ-123", "PRJ-124"]),
            ("", vec![]),
        ] {
            assert_eq!(texts(ticket(), text), expected, "{text}");
        }
        let word = || Find::Expression("[a-z0-9]{1,9}-db".to_owned());
        for (text, expected) in [
            (r"\nmy-db %2Fmy-db \u003dmy-db", vec!["my-db", "my-db", "my-db"]),
            (r"\n-db %2F-db", vec![]),
        ] {
            assert_eq!(texts(word(), text), expected, "{text}");
        }
        // The first way to match would end inside a word.
        let either = Find::Expression("AB|ABCD".to_owned());
        assert_eq!(texts(either, "ABCD AB ABC"), ["ABCD", "AB"]);
        let signs = Find::Expression("<[a-z]{1,9}>".to_owned());
        assert_eq!(texts(signs, "<a><b>"), ["<a>", "<b>"]);
    }

    #[test]
    fn many_expressions_are_one_and_the_first_wins() {
        let all = ["(a)[0-9]{3}", "b[0-9]{3}", "a[0-9]{3}"];
        let all = all.map(|text| Find::Expression(text.to_owned()));
        let expected = [("b123".to_owned(), 1), ("a123".to_owned(), 0)];
        assert_eq!(found(&all, "b123 a123"), expected);
    }

    #[test]
    fn names_are_whole_words_and_shorter_ones_are_not_hidden() {
        let names = || Find::Names(["prod", "prod-data", "Ünit"].map(str::to_owned).to_vec());
        for (text, expected) in [
            ("prod prods xprod", vec!["prod"]),
            ("prod-data2", vec!["prod"]),
            ("prod-data", vec!["prod", "prod-data"]),
            ("\\nprod/Ünit", vec!["prod", "Ünit"]),
        ] {
            assert_eq!(texts(names(), text), expected, "{text}");
        }
    }

    #[test]
    fn allowed_is_what_is_named_or_matched_whole() {
        let allow = Allow {
            values: vec!["123456789012".to_owned()],
            expressions: vec!["test-[a-z]{1,9}".to_owned(), "x|y".to_owned()],
        };
        let allowed = Allowed::new(&allow).unwrap().unwrap();
        for (value, holds) in [
            ("123456789012", true),
            ("test-a", true),
            ("test-a1", false),
            ("y", true),
            ("xy", false),
            ("", false),
        ] {
            assert_eq!(allowed.holds(value), holds, "{value}");
        }
        assert!(Allowed::new(&Allow::default()).unwrap().is_none());
    }

    #[test]
    fn nothing_shows_a_name() {
        let find = Find::Names(vec!["canary".to_owned()]);
        let allow = Allow { values: vec!["canary".to_owned()], expressions: Vec::new() };
        assert!(!format!("{find:?} {allow:?}").contains("canary"));
    }
}
