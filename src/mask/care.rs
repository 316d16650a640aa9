//! What is restored where (R18): text that somebody planted must not use masker to fill in
//! what the provider never saw.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::body::json::{Node, Shape, Tape};
use crate::detect::Catalog;
use crate::mask::placeholder::Placeholder;
use crate::mask::restore::Counts;
use crate::mask::table::Table;
use crate::mask::url::{Scheme, Url, Whereabouts};

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
const BY_CONTEXT: [&str; 3] = ["DB_PASSWORD", "SECRET_KEY", "SESSION_TOKEN"];
/// Hosts that only AWS answers for.
const AWS: [&str; 4] = ["amazonaws.com", "amazonaws.com.cn", "aws.amazon.com", "api.aws"];
/// Hosts of one request; more are strangers.
const HOSTS: usize = 4096;

/// How one exchange restores.
pub struct Care {
    rules: Arc<Rules>,
    catalog: Arc<Catalog>,
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
    let name = text.get(span.clone()).unwrap_or_default();
    let Some(original) = table.original(name) else {
        counts.unknown += 1;
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
                    let ahead = text.get(span.start..).unwrap_or_default();
                    match url.whereabouts(ahead, spot.source, spot.end) {
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
        Self { rules, catalog, hosts: HashSet::new() }
    }

    fn is_critical(&self, kind: &str) -> bool {
        self.catalog.kind(kind).is_some_and(|kind| self.catalog.info(kind).critical)
    }

    fn is_foreign(&self, scheme: Scheme, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        // A host that was masked whole is the client's.
        if let Some(masked) = Placeholder::parse(host) {
            return self.is_critical(kind_of(masked.as_str()));
        }
        let host = host.to_ascii_lowercase();
        let aws = |name: &str| {
            host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let loopback = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        let local = scheme == Scheme::File && host.is_empty();
        let plain = !host.contains(['"', '\'', '`', '<', '>']);
        let near = loopback || local || scheme == Scheme::Aws || AWS.iter().any(|name| aws(name));
        !(plain && (near || self.hosts.contains(host.as_str())))
    }

    /// Learns the hosts of a text that the client wrote.
    pub fn own(&mut self, text: &str) {
        let symbol = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        for word in text.split(|c| !symbol(c)) {
            let word = word.trim_matches(['.', '-']);
            if word.contains('.') && word.len() < 254 && self.hosts.len() < HOSTS {
                self.hosts.insert(word.to_ascii_lowercase().into());
            }
        }
    }

    /// Learns the hosts of a request: of its system texts and of what the user says. What
    /// tools and documents hold, and what the model wrote, may be planted.
    pub fn own_request(&mut self, tape: &Tape<'_>) {
        self.own_body(tape, tape.root());
        for request in tape.field(tape.root(), "requests").into_iter().flat_map(|r| tape.items(r)) {
            if let Some(body) = tape.field(request, "params") {
                self.own_body(tape, body);
            }
        }
    }

    fn own_body(&mut self, tape: &Tape<'_>, body: Node) {
        if tape.shape(body) != Shape::Object {
            return;
        }
        self.own_content(tape, tape.field(body, "system"));
        for name in ["instructions", "input"] {
            let text = tape.field(body, name).filter(|&n| tape.shape(n) == Shape::String);
            self.own_content(tape, text);
        }
        for name in ["systemInstruction", "system_instruction"] {
            let parts = tape.field(body, name).and_then(|content| tape.field(content, "parts"));
            self.own_content(tape, parts);
        }
        let messages = ["messages", "input", "contents"].map(|name| tape.field(body, name));
        for list in messages.into_iter().flatten().filter(|&n| tape.shape(n) == Shape::Array) {
            for message in tape.items(list).filter(|&n| tape.shape(n) == Shape::Object) {
                let role = tape.field(message, "role").map(|role| tape.text(role));
                if matches!(role.as_deref(), Some("user" | "system" | "developer")) {
                    self.own_content(tape, tape.field(message, "content"));
                    self.own_content(tape, tape.field(message, "parts"));
                }
            }
        }
    }

    fn own_content(&mut self, tape: &Tape<'_>, content: Option<Node>) {
        let Some(content) = content else { return };
        match tape.shape(content) {
            Shape::String => self.own(&tape.text(content)),
            Shape::Array => {
                for block in tape.items(content).filter(|&n| tape.shape(n) == Shape::Object) {
                    let text = tape.field(block, "text");
                    if let Some(text) = text.filter(|&n| tape.shape(n) == Shape::String) {
                        self.own(&tape.text(text));
                    }
                }
            }
            _ => {}
        }
    }
}
