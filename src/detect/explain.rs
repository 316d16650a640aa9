//! The catalog for people: what there is, and why a text is found or not.
//!
//! Nothing here runs while bodies are masked; it may be slow, within limits.

mod keys;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use memchr::memmem;
use serde::Deserialize;

use crate::detect::catalog::{ARN, CONTEXT, CatalogError, KEYS, entries, parse};
use crate::detect::classes::{Entry, Find};
use crate::detect::{Catalog, Finding, Rank, custom};

const RULES: &str = include_str!("patterns/context.toml");
const ARNS: &str = include_str!("patterns/arn.toml");

/// Texts that are tried are no longer.
pub const LONGEST: usize = 64 << 10;

/// A class, a rule or the ARNs of a service, as it is shown.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub name: String,
    pub family: String,
    pub kinds: Vec<String>,
    pub critical: bool,
    /// The edition of the catalog it came with.
    pub since: u16,
    /// What makes the scanner look.
    pub find: String,
    pub expression: String,
    pub boundary: String,
    pub examples: Vec<String>,
    pub counter_examples: Vec<String>,
    pub source: String,
}

/// What a text holds, and what it nearly holds.
#[derive(Debug)]
pub struct Trial {
    /// With the name of what found it.
    pub found: Vec<(Finding, String)>,
    pub missed: Vec<Missed>,
}

/// A candidate that is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub span: Range<usize>,
    pub class: String,
    pub why: Why,
}

/// Why a candidate is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    Left,
    Right,
    Near,
    Requirement,
    /// It begins as the class does, and goes on otherwise.
    Expression,
    /// Another finding stands there.
    Taken,
    /// The scanner does not try the class here.
    Untried,
    /// The shape needs a key or words beside it, such as these.
    Context(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => {
                "left boundary: what stands before it makes it a part of something longer"
            }
            Self::Right => {
                "right boundary: what stands behind it makes it a part of something longer"
            }
            Self::Near => "requirement: what must stand near it is missing",
            Self::Requirement => "requirement: the expression matches, but the value is not one",
            Self::Expression => "expression: it begins like one and goes on otherwise",
            Self::Taken => "a longer or surer finding stands there",
            Self::Untried => "not looked for here: off in the settings, or not at its beginning",
            Self::Context(such) => {
                return write!(f, "context: only beside a key or words such as {such}");
            }
        })
    }
}

#[derive(Deserialize)]
struct Rules {
    rule: Vec<Rule>,
}

/// Of a rule, what is shown.
#[derive(Deserialize)]
struct Rule {
    kind: String,
    value: String,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
}

impl Catalog {
    /// All that is looked for with these settings.
    pub fn patterns(&self) -> Result<Vec<Pattern>, CatalogError> {
        let mut all: Vec<_> = entries(&self.settings)?
            .into_iter()
            .map(|(family, entry)| class(family, entry))
            .collect();
        all.extend(self.settings.own.patterns.iter().map(own));
        for (family, patterns) in [(ARN, arns()?), (CONTEXT, contexts()?), (KEYS, self.keys())] {
            all.extend(patterns.into_iter().filter(|_| self.settings.is_on(family)));
        }
        for pattern in &mut all {
            let mut kinds = pattern.kinds.iter().filter_map(|name| self.kind(name));
            pattern.critical = kinds.any(|kind| self.info(kind).critical);
        }
        Ok(all)
    }

    /// Tries a text of at most [`LONGEST`] bytes.
    pub fn explain(&self, text: &str) -> Result<Trial, CatalogError> {
        let mut findings = Vec::new();
        self.scan(text, "", &[], &mut findings);
        let mut by: Vec<_> = findings.iter().map(|f| self.own_of(text, f)).collect();
        let mut missed = Vec::new();
        let free = |span: &Range<usize>| {
            !findings.iter().any(|f| f.span.start < span.end && span.start < f.span.end)
        };
        for ((_, entry), own) in entries(&self.settings)?.iter().zip(&self.classes) {
            let trial = own.trial(text.as_bytes());
            let begins = |at| own.may_begin(text.as_bytes(), at);
            let starts = beginnings(entry, text).into_iter().filter(|span| begins(span.start));
            for span in starts.filter(|span| free(span)) {
                if !trial.iter().any(|(tried, _)| tried.start == span.start) {
                    missed.push(Missed { span, class: entry.name.clone(), why: Why::Expression });
                }
            }
            for (span, verdict) in trial {
                let why = match verdict {
                    Ok(parts) => {
                        let named = name(&findings, &mut by, &parts, &entry.name);
                        match (named, free(&span)) {
                            (true, _) => continue,
                            (false, true) => Why::Untried,
                            (false, false) => Why::Taken,
                        }
                    }
                    Err(why) if free(&span) => why,
                    Err(_) => continue,
                };
                missed.push(Missed { span, class: entry.name.clone(), why });
            }
        }
        missed.extend(self.lacks_context(text)?.into_iter().filter(|missed| free(&missed.span)));
        missed.sort_by_key(|missed| missed.span.start);
        let rules = rules()?;
        let found = findings.into_iter().zip(by);
        let found = found.map(|(f, by)| (by.unwrap_or_else(|| self.rule_of(&f, &rules)), f));
        Ok(Trial { found: found.map(|(by, finding)| (finding, by)).collect(), missed })
    }

    /// The operator's own pattern that a finding is of.
    fn own_of(&self, text: &str, finding: &Finding) -> Option<String> {
        let mut found = Vec::new();
        self.custom.iter().for_each(|custom| custom.find(text.as_bytes(), Rank::Shape, &mut found));
        let own = found.iter().any(|f| f.span == finding.span && f.kind == finding.kind);
        let mut patterns = self.settings.own.patterns.iter();
        let of_kind = patterns.find(|own| self.kind(&own.kind) == Some(finding.kind));
        of_kind.filter(|_| own).map(|own| format!("custom.{}", own.name))
    }

    /// What found it, if it was no class.
    fn rule_of(&self, finding: &Finding, rules: &[Rule]) -> String {
        let of_rule = |rule: &Rule| self.kind(&rule.kind) == Some(finding.kind);
        let kind = self.info(finding.kind).name.to_ascii_lowercase();
        match finding.rank {
            Rank::Shape if self.encoded == Some(finding.kind) => "encoded".to_owned(),
            Rank::Shape if self.arns.is_whole(finding.kind) => "arn".to_owned(),
            Rank::Shape => format!("network.{kind}"),
            Rank::Structure => "arn".to_owned(),
            Rank::Context if rules.iter().any(of_rule) => format!("context.{kind}"),
            Rank::Context => keys::name(&kind),
            Rank::Known => "known".to_owned(),
        }
    }

    /// Words that would be values beside the right key.
    fn lacks_context(&self, text: &str) -> Result<Vec<Missed>, CatalogError> {
        let rules = rules()?;
        let of_word = |c: char| c.is_ascii_alphanumeric() || "/+=_-".contains(c);
        let mut missed = Vec::new();
        for word in text.split(|c| !of_word(c)).filter(|word| word.len() >= 8) {
            // A word is a part of the text.
            let at = word.as_ptr().addr() - text.as_ptr().addr();
            // Any word may be a password.
            for rule in rules.iter().filter(|rule| rule.value != "password") {
                let Some(label) = rule.labels.first() else { continue };
                let mut found = Vec::new();
                self.scan(word, label, &[], &mut found);
                let whole =
                    found.iter().any(|f| f.rank == Rank::Context && f.span == (0..word.len()));
                if whole {
                    let such = rule.labels.iter().chain(&rule.words).take(4);
                    let why =
                        Why::Context(such.map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", "));
                    missed.push(Missed { span: at..at + word.len(), class: rule_name(rule), why });
                }
            }
        }
        Ok(missed)
    }
}

/// Names those findings that a class gives; false if it gives none of them.
fn name(findings: &[Finding], by: &mut [Option<String>], parts: &[Finding], class: &str) -> bool {
    let mut named = false;
    for (finding, by) in findings.iter().zip(by) {
        if parts.iter().any(|part| part.span == finding.span && part.kind == finding.kind) {
            by.get_or_insert_with(|| class.to_owned());
            named = true;
        }
    }
    named
}

/// Where the text begins like the class.
fn beginnings(entry: &Entry, text: &str) -> Vec<Range<usize>> {
    let texts = match &entry.find {
        Find::Prefix(prefixes) => prefixes.iter().map(|prefix| format!("{prefix}-")).collect(),
        Find::Literal(texts) => texts.clone(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for literal in texts {
        for at in memmem::find_iter(text.as_bytes(), &literal) {
            let rest = text.get(at + literal.len()..).unwrap_or_default();
            let more = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            if more >= 4 {
                all.push(at..at + literal.len() + more);
            }
        }
    }
    all
}

fn class(family: &str, entry: Entry) -> Pattern {
    let groups = entry.expression.split("(?P<").skip(1);
    let groups = groups.filter_map(|part| part.split(['>']).next()?.split("__").next());
    let mut kinds: Vec<_> = groups.map(str::to_owned).collect();
    if kinds.is_empty() {
        kinds.extend(entry.kind.clone());
    }
    let mut seen = Vec::new();
    kinds.retain(|kind| {
        !seen.contains(kind) && {
            seen.push(kind.clone());
            true
        }
    });
    let near = entry.near.as_ref().map(|near| format!("; {near:?} must stand near it"));
    let require = entry.require.map(|require| format!("; the value must pass {require:?}"));
    let boundary = entry.boundary.says();
    Pattern {
        name: entry.name,
        family: family.to_owned(),
        kinds,
        critical: false,
        since: entry.since,
        find: entry.find.says(),
        expression: entry.expression,
        boundary: [boundary.to_owned(), near.unwrap_or_default(), require.unwrap_or_default()]
            .concat(),
        examples: entry.examples,
        counter_examples: entry.counter_examples,
        source: entry.source,
    }
}

/// Names are originals: only their number is shown.
fn own(pattern: &custom::Pattern) -> Pattern {
    let (find, expression) = match &pattern.find {
        custom::Find::Expression(text) => ("the expression".to_owned(), text.clone()),
        custom::Find::Names(names) => (format!("{} names", names.len()), String::new()),
    };
    Pattern {
        name: format!("custom.{}", pattern.name),
        family: "custom".to_owned(),
        kinds: vec![pattern.kind.clone()],
        critical: pattern.critical,
        since: 1,
        find,
        expression,
        boundary: "no letter or digit beside it".to_owned(),
        examples: pattern.examples.clone(),
        counter_examples: pattern.counter_examples.clone(),
        source: "the configuration".to_owned(),
    }
}

fn rules() -> Result<Vec<Rule>, CatalogError> {
    Ok(parse::<Rules>("context", RULES)?.rule)
}

fn contexts() -> Result<Vec<Pattern>, CatalogError> {
    Ok(rules()?.into_iter().map(rule).collect())
}

fn rule_name(rule: &Rule) -> String {
    format!("context.{}", rule.kind.to_ascii_lowercase())
}

fn rule(rule: Rule) -> Pattern {
    let keys = format!("keys that end in {}", rule.labels.join(", "));
    let words = match rule.words.as_slice() {
        [] => String::new(),
        words => format!("; words before it: {}", words.join(", ")),
    };
    Pattern {
        name: rule_name(&rule),
        family: CONTEXT.to_owned(),
        find: keys + &words,
        expression: format!("the shape {:?}", rule.value),
        boundary: "words".to_owned(),
        source: "src/detect/patterns/context.toml".to_owned(),
        kinds: vec![rule.kind],
        critical: false,
        since: 1,
        examples: Vec::new(),
        counter_examples: Vec::new(),
    }
}

/// One for each service that the table of ARNs names.
fn arns() -> Result<Vec<Pattern>, CatalogError> {
    let table: BTreeMap<String, BTreeMap<String, String>> = parse("arn", ARNS)?;
    let service = |(service, types): (String, BTreeMap<String, String>)| {
        let mut kinds = vec!["ACCOUNT".to_owned()];
        for word in types.values().flat_map(|layout| layout.split_whitespace()) {
            let kind = word.trim_end_matches(['*', '!']);
            let is_kind =
                kind.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
            if is_kind && !kind.is_empty() && !kinds.iter().any(|known| known == kind) {
                kinds.push(kind.to_owned());
            }
        }
        let rows = types.iter().map(|(name, layout)| format!("{name} {layout}"));
        Pattern {
            name: format!("arn.{service}"),
            family: ARN.to_owned(),
            kinds,
            critical: false,
            since: 1,
            find: format!("arn:PARTITION:{service}:"),
            expression: rows.collect::<Vec<_>>().join("; "),
            boundary: "fields of the ARN".to_owned(),
            examples: Vec::new(),
            counter_examples: Vec::new(),
            source: "AWS Service Authorization Reference, \"Resource types defined by\"".to_owned(),
        }
    };
    Ok(table.into_iter().map(service).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Settings;

    fn catalog() -> Catalog {
        Catalog::builtin(&Settings::default()).expect("the patterns are valid")
    }

    #[test]
    fn every_pattern_says_what_it_is() {
        let catalog = catalog();
        let all = catalog.patterns().unwrap();
        assert!(all.len() > catalog.classes());
        for pattern in all {
            assert!(!pattern.kinds.is_empty() && !pattern.find.is_empty(), "{pattern:?}");
            assert!(pattern.kinds.iter().all(|kind| catalog.kind(kind).is_some()), "{pattern:?}");
            assert!(!pattern.boundary.is_empty() && !pattern.source.is_empty(), "{pattern:?}");
        }
    }

    #[test]
    fn what_is_found_names_its_class() {
        for (text, class) in [
            ("i-0123456789abcdef0", "ec2.instance"),
            ("s3://payments-data/x", "s3.uri"),
            ("arn:aws:iam::749312086455:role/x", "arn"),
            ("account 749312086455", "context.account"),
        ] {
            let trial = catalog().explain(text).unwrap();
            assert_eq!(trial.found.first().unwrap().1, class, "{text}");
        }
    }

    #[test]
    fn what_is_missed_says_why() {
        for (text, class, why) in [
            ("xi-0a1b2c3d", "ec2.instance", Why::Left),
            ("i-0123456789abcdef0x", "ec2.instance", Why::Right),
            ("i-012345", "ec2.instance", Why::Expression),
            ("AKIAXMEDIUM", "iam.access-key-id", Why::Expression),
            ("203.0.114.7", "net.public-ipv4", Why::Untried),
        ] {
            let trial = catalog().explain(text).unwrap();
            let told = trial.missed.iter().find(|missed| missed.class == class);
            assert_eq!(told.map(|missed| &missed.why), Some(&why), "{text} {:?}", trial.missed);
        }
        let trial = catalog().explain("see 749312086455").unwrap();
        let account = trial.missed.iter().find(|missed| missed.class == "context.account");
        assert_eq!(account.unwrap().span, 4..16);
    }
}
