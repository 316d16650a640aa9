//! What a pattern of the operator's own must be: found out when it is loaded.

use regex_automata::util::syntax;
use thiserror::Error;

use crate::detect::custom::{Allowed, Custom, Find, Own, Pattern};
use crate::detect::{Finding, Kind, Rank};

/// Bytes of an expression.
pub const EXPRESSION: usize = 1_000;
/// Bytes of a match, and of a name.
pub const LONGEST: usize = 1_024;
/// Shorter values are words.
pub const SHORTEST: usize = 3;
/// The compiled size of an expression, in bytes.
pub const SIZE: usize = 1 << 20;
/// Patterns, and allowed expressions.
pub const PATTERNS: usize = 500;
/// Names in all lists together.
pub const NAMES: usize = 100_000;
/// Characters of a kind.
const KIND: usize = 20;
/// Symbols of a placeholder's tag.
const TAG: usize = 12;

/// What is wrong with a pattern, and what would be right. It quotes no name and no example.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CustomError {
    #[error(
        "is no kind; write 1 to {KIND} of A-Z, 0-9 and _, a letter first; between two _ neither AWS nor 12 characters: \"TICKET\""
    )]
    Kind,
    #[error("has {0} bytes; write at most {EXPRESSION}")]
    TooLong(usize),
    #[error("is no expression: {0}")]
    Syntax(String),
    #[error("has no bound; write {{1,64}} in place of *, + and {{1,}}")]
    Unbounded,
    #[error("matches texts of {0} bytes; smaller bounds must keep them at {LONGEST} at most")]
    Long(usize),
    #[error("matches texts of {0} bytes; write one that needs {SHORTEST} at least")]
    Short(usize),
    #[error("names a group, which has no meaning here; write (?:…)")]
    Group,
    #[error("compiles to more than {} KiB; make its classes and repetitions smaller", SIZE >> 10)]
    Size,
    #[error("holds a text as number {0} in which the pattern finds nothing")]
    Example(usize),
    #[error("holds a text as number {0} in which the pattern finds something")]
    CounterExample(usize),
    #[error("holds a name as number {0} of {1} bytes; write {SHORTEST} to {LONGEST}")]
    Name(usize, usize),
    #[error("holds no name")]
    NoNames,
    #[error("are too many; write at most {PATTERNS}")]
    TooManyPatterns,
    #[error("compile together to more than {} MiB; make their classes and repetitions smaller", SIZE >> 16)]
    Together,
    #[error("hold too many names; write at most {NAMES} in all")]
    TooManyNames,
}

impl CustomError {
    /// The last line says what is wrong; those before quote the expression.
    pub(crate) fn syntax(text: &str) -> Self {
        let last = text.lines().last().unwrap_or_default();
        Self::Syntax(last.trim_start_matches("error: ").to_owned())
    }
}

impl Own {
    /// Checks all together, when each has been checked. The error comes with the option.
    pub fn check(&self) -> Result<(), (&'static str, CustomError)> {
        let names = self.patterns.iter().map(|own| match &own.find {
            Find::Expression(_) => 0,
            Find::Names(names) => names.len(),
        });
        if self.patterns.len() > PATTERNS {
            return Err(("patterns", CustomError::TooManyPatterns));
        }
        if names.sum::<usize>() > NAMES {
            return Err(("patterns", CustomError::TooManyNames));
        }
        if self.allow.expressions.len() > PATTERNS {
            return Err(("allow.expressions", CustomError::TooManyPatterns));
        }
        let all: Vec<_> = self.patterns.iter().map(|own| (own, Kind(0))).collect();
        let together = |_| CustomError::Together;
        Custom::new(&all).map_err(|error| ("patterns", together(error)))?;
        Allowed::new(&self.allow).map_err(|error| ("allow.expressions", together(error)))?;
        Ok(())
    }
}

impl Pattern {
    /// Checks the pattern by itself. The error comes with the field that is wrong.
    pub fn check(&self) -> Result<(), (&'static str, CustomError)> {
        kind(&self.kind).map_err(|error| ("kind", error))?;
        match &self.find {
            Find::Expression(text) => {
                parse(text).and_then(|()| bounds(text)).map_err(|error| ("expression", error))?;
            }
            Find::Names(names) => check_names(names).map_err(|error| ("literals", error))?,
        }
        // The kind is of no matter here.
        let built = Custom::new(&[(self, Kind(0))]);
        let built = built.map_err(|error| ("expression", error))?;
        let finds = |text: &String| {
            let mut found: Vec<Finding> = Vec::new();
            built.iter().for_each(|custom| custom.find(text.as_bytes(), Rank::Shape, &mut found));
            !found.is_empty()
        };
        if let Some(at) = self.examples.iter().position(|text| !finds(text)) {
            return Err(("examples", CustomError::Example(at + 1)));
        }
        match self.counter_examples.iter().position(finds) {
            Some(at) => Err(("counter_examples", CustomError::CounterExample(at + 1))),
            None => Ok(()),
        }
    }
}

/// The grammar of placeholders allows these, so that each is told from its neighbors.
fn kind(name: &str) -> Result<(), CustomError> {
    let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let good = (1..=KIND).contains(&name.len())
        && name.bytes().all(legal)
        && name.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
        && name.split('_').all(|part| part != "AWS" && !part.is_empty())
        // A part as long as a tag might end the placeholder there.
        && name.split('_').all(|part| part.len() != TAG);
    if good { Ok(()) } else { Err(CustomError::Kind) }
}

/// Is it an expression at all, of text, and not too large?
pub fn parse(text: &str) -> Result<(), CustomError> {
    if text.len() > EXPRESSION {
        return Err(CustomError::TooLong(text.len()));
    }
    let built = regex::RegexBuilder::new(text).size_limit(SIZE).build();
    let built = built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => CustomError::Size,
        error => CustomError::syntax(&error.to_string()),
    })?;
    let named = built.capture_names().flatten().next().is_some();
    if named { Err(CustomError::Group) } else { Ok(()) }
}

fn bounds(text: &str) -> Result<(), CustomError> {
    let parsed = syntax::parse(text).map_err(|error| CustomError::syntax(&error.to_string()))?;
    let lengths = parsed.properties();
    match (lengths.minimum_len(), lengths.maximum_len()) {
        (_, None) => Err(CustomError::Unbounded),
        (_, Some(most)) if most > LONGEST => Err(CustomError::Long(most)),
        (least, _) if least.unwrap_or_default() < SHORTEST => {
            Err(CustomError::Short(least.unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

fn check_names(names: &[String]) -> Result<(), CustomError> {
    if names.is_empty() {
        return Err(CustomError::NoNames);
    }
    let wrong = names.iter().position(|name| !(SHORTEST..=LONGEST).contains(&name.len()));
    let wrong = wrong.and_then(|at| Some((at, names.get(at)?)));
    wrong.map_or(Ok(()), |(at, name)| Err(CustomError::Name(at + 1, name.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(kind: &str, expression: &str) -> Pattern {
        Pattern {
            name: "own".to_owned(),
            kind: kind.to_owned(),
            critical: false,
            find: Find::Expression(expression.to_owned()),
            examples: Vec::new(),
            counter_examples: Vec::new(),
        }
    }

    #[test]
    fn kinds_are_those_of_the_grammar() {
        for kind in ["TICKET", "A", "A1_B2", "ABCDEFGHIJK_LMNOPQRS", "ABCDEFGHJKMNP", "AWSX"] {
            assert_eq!(pattern(kind, "abc").check(), Ok(()), "{kind}");
        }
        for kind in [
            "",
            "ticket",
            "1A",
            "_A",
            "A_",
            "A__B",
            "A-B",
            "AWS",
            "X_AWS",
            "ABCDEFGHJKMN",
            "ABCDEFGHIJK_LMNOPQRST",
        ] {
            assert_eq!(pattern(kind, "abc").check(), Err(("kind", CustomError::Kind)), "{kind}");
        }
    }

    #[test]
    fn expressions_are_bounded() {
        let syntax = |text: &str| CustomError::Syntax(text.to_owned());
        for (expression, wrong) in [
            ("PRJ-[0-9]{1,9}", None),
            ("(?i)prj-[a-z]{3}", None),
            ("PRJ-.*", Some(CustomError::Unbounded)),
            ("[a-z]{3,}", Some(CustomError::Unbounded)),
            ("a{2}", Some(CustomError::Short(2))),
            ("[a-z]{0,9}", Some(CustomError::Short(0))),
            ("[a-z]{3,1025}", Some(CustomError::Long(1025))),
            ("(abc", Some(syntax("unclosed group"))),
            (
                "(?=abc)",
                Some(syntax("look-around, including look-ahead and look-behind, is not supported")),
            ),
            (r"abc\1", Some(syntax("backreferences are not supported"))),
            ("(?P<x>abc)", Some(CustomError::Group)),
            (&"a".repeat(1001), Some(CustomError::TooLong(1001))),
            (r"(?:\w{20}){50}", Some(CustomError::Size)),
        ] {
            let wrong = wrong.map_or(Ok(()), |wrong| Err(("expression", wrong)));
            assert_eq!(pattern("X", expression).check(), wrong, "{expression}");
        }
        assert!(pattern("X", "(?x) abc # c").check().is_err());
    }

    #[test]
    fn examples_are_tried() {
        let mut own = pattern("X", "PRJ-[0-9]{3}");
        own.examples = vec!["see PRJ-123".to_owned(), "PRJ-1234".to_owned()];
        assert_eq!(own.check(), Err(("examples", CustomError::Example(2))));
        own.examples.pop();
        own.counter_examples = vec!["PRJ-12".to_owned(), "(PRJ-123)".to_owned()];
        assert_eq!(own.check(), Err(("counter_examples", CustomError::CounterExample(2))));
        own.find = Find::Names(vec!["PRJ-123".to_owned(), "ab".to_owned()]);
        assert_eq!(own.check(), Err(("literals", CustomError::Name(2, 2))));
    }
}
