//! What there is: classes, the operator's own patterns, ARNs and rules.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::detect::catalog::{ARN, CONTEXT, CatalogError, KEYS, entries, parse};
use crate::detect::classes::Entry;
use crate::detect::{Catalog, custom};

const RULES: &str = include_str!("../patterns/context.toml");
const ARNS: &str = include_str!("../patterns/arn.toml");

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

#[derive(Deserialize)]
struct Rules {
    rule: Vec<Rule>,
}

/// Of a rule, what is shown.
#[derive(Deserialize)]
pub(super) struct Rule {
    pub kind: String,
    pub value: String,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default)]
    pub words: Vec<String>,
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

pub(super) fn rules() -> Result<Vec<Rule>, CatalogError> {
    Ok(parse::<Rules>("context", RULES)?.rule)
}

fn contexts() -> Result<Vec<Pattern>, CatalogError> {
    Ok(rules()?.into_iter().map(rule).collect())
}

pub(super) fn rule_name(rule: &Rule) -> String {
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
