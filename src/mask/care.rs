//! What is restored where (R18): text that somebody planted must not use masker to fill in
//! what the provider never saw.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

mod hosts;

use crate::detect::Catalog;
use crate::mask::placeholder::Placeholder;
use crate::mask::restore::Counts;
use crate::mask::table::Table;
use crate::mask::url::{Url, Whereabouts};

/// What the operator says of a kind, in place of the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Always,
    /// Not in the input of tools; in text as by default.
    TextOnly,
    Never,
}

pub type Rules = BTreeMap<String, Rule>;

/// Of these a value is whatever stands behind a key: it may be a command.
const BY_CONTEXT: [&str; 4] = ["API_KEY", "DB_PASSWORD", "SECRET_KEY", "SESSION_TOKEN"];

/// How one exchange restores.
pub struct Care {
    rules: Arc<Rules>,
    catalog: Arc<Catalog>,
    lenient: bool,
    /// In the client's own text, in lower case.
    hosts: HashSet<Box<str>>,
}

impl fmt::Debug for Care {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Care({} hosts)", self.hosts.len())
    }
}

/// Where a text stands, and how it goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// In the input of a tool.
    pub tool: bool,
    /// JSON source.
    pub source: bool,
    /// Nothing follows.
    pub end: bool,
}

impl Spot {
    /// JSON source that is whole: the arguments of a tool.
    pub(super) const SOURCE: Self = Self { tool: true, source: true, end: true };
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<'t> {
    Write(&'t str),
    Keep,
    /// What follows decides.
    Wait,
}

/// Decides about the placeholder at `span`; `url` has taken the text before it.
pub(super) fn judge<'t>(
    url: &Url,
    spot: Spot,
    text: &str,
    span: &Range<usize>,
    table: &'t Table,
    counts: &mut Counts,
) -> Verdict<'t> {
    let spelled = text.get(span.clone()).unwrap_or_default();
    let name = table.name(spelled);
    let Some(original) = table.original(name) else {
        counts.unknown += 1;
        table.missed(name);
        return Verdict::Keep;
    };
    if let Some(care) = table.care() {
        let kind = kind_of(name);
        match care.rules.get(kind) {
            Some(Rule::Always) => {}
            Some(Rule::TextOnly) if spot.tool => {
                counts.by_setting += 1;
                return Verdict::Keep;
            }
            Some(Rule::Never) => {
                counts.by_setting += 1;
                return Verdict::Keep;
            }
            Some(Rule::TextOnly) | None => {
                if spot.tool && BY_CONTEXT.contains(&kind) && original.chars().any(is_risky) {
                    counts.tool_input += 1;
                    return Verdict::Keep;
                }
                if care.is_critical(kind) {
                    let mut ahead = Cow::from(text.get(span.start..).unwrap_or_default());
                    if name != spelled {
                        // A host may begin with it, which its escapes would hide.
                        ahead = Cow::from(ahead.replacen(spelled, name, 1));
                    }
                    match url.whereabouts(&ahead, spot.source, spot.end) {
                        Whereabouts::Open => return Verdict::Wait,
                        Whereabouts::Inside { scheme, host } if care.is_foreign(scheme, &host) => {
                            counts.foreign_url += 1;
                            return Verdict::Keep;
                        }
                        Whereabouts::Inside { .. } | Whereabouts::Outside => {}
                    }
                }
            }
        }
    }
    counts.restored += 1;
    Verdict::Write(original)
}

/// Does it depend on the URL that it stands in whether this is restored, or on what it stands
/// for how that URL goes on?
pub(super) fn is_bound(spelled: &str, table: &Table) -> bool {
    let name = table.name(spelled);
    table.care().is_some_and(|care| name != spelled || care.is_critical(kind_of(name)))
}

/// Takes the placeholder at `span` as part of the text of a URL, which other spellings must
/// not hide. Gives up to where the text was taken.
pub(super) fn take(
    url: &mut Url,
    text: &str,
    span: &Range<usize>,
    source: bool,
    table: &Table,
) -> usize {
    let spelled = text.get(span.clone()).unwrap_or_default();
    let name = table.name(spelled);
    if name == spelled {
        return span.start;
    }
    url.advance(name, source);
    span.end
}

/// The kind that a placeholder names.
fn kind_of(placeholder: &str) -> &str {
    let rest = placeholder.strip_prefix("AWS_").or(placeholder.strip_prefix("SECRET_"));
    rest.and_then(|rest| rest.rsplit_once('_')).map_or("", |(kind, _)| kind)
}

/// May a shell read more out of this than a word?
fn is_risky(symbol: char) -> bool {
    symbol.is_control() || symbol.is_whitespace() || "\"'\\$`;|&<>".contains(symbol)
}

impl Care {
    #[must_use]
    pub fn new(rules: Arc<Rules>, catalog: Arc<Catalog>) -> Self {
        Self { rules, catalog, lenient: false, hosts: HashSet::new() }
    }

    /// Restores other spellings of placeholders, too.
    #[must_use]
    pub fn lenient(self, lenient: bool) -> Self {
        Self { lenient, ..self }
    }

    pub(super) fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Does it depend on the host of a URL whether this is restored in it?
    #[must_use]
    pub fn is_bound(&self, placeholder: &Placeholder) -> bool {
        self.is_critical(kind_of(placeholder.as_str()))
    }

    fn is_critical(&self, kind: &str) -> bool {
        self.catalog.kind(kind).is_some_and(|kind| self.catalog.info(kind).critical)
    }
}
