//! One class of identifiers: how it is written in `patterns/*.toml`, and how it is verified.

use std::ops::Range;
use std::sync::OnceLock;

use memchr::memmem;
use regex_automata::dfa::Automaton as _;
use regex_automata::meta::{self, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};
use serde::Deserialize;

use crate::detect::boundary::{before, ends_escape, left_of, right_of};
pub(crate) use crate::detect::classes::owned::{is_given, is_managed};
use crate::detect::classes::table::Table;
pub(crate) use crate::detect::classes::typed::is_typed_secret;
use crate::detect::context::value as names;
use crate::detect::network;
use crate::detect::{Finding, Kind, Rank};

mod groups;
mod made_up;
mod owned;
mod require;
mod table;
mod trial;
mod typed;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub class: Vec<Entry>,
}

/// A class as it is written. Without named groups the whole match is the finding.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub name: String,
    pub kind: Option<String>,
    pub find: Find,
    /// `<region>`, `<domain>` and `<slash>` stand for what they say, `<end>` for what ends a value
    /// without quotes in data, code, markup and sentences.
    pub expression: String,
    pub boundary: Edge,
    /// What else must stand in the host or path.
    pub near: Option<String>,
    pub require: Option<Require>,
    /// No match is longer. Repetitions are bounded by this or by themselves.
    #[serde(default = "longest")]
    pub longest: usize,
    /// Its groups are fields of a URI.
    #[serde(default)]
    pub structure: bool,
    #[serde(default)]
    pub teach: bool,
    /// The edition of the catalog it came with.
    #[serde(default = "first_edition")]
    pub since: u16,
    pub examples: Vec<String>,
    pub counter_examples: Vec<String>,
    pub source: String,
}

fn first_edition() -> u16 {
    1
}

/// Most identifiers are short; keys and tokens are not.
fn longest() -> usize {
    700
}

/// What makes the scanner try a class.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Find {
    /// `prefix-` and eight or more letters and digits.
    Prefix(Vec<String>),
    /// `-` and 17 hex digits, when no prefix is known.
    Hyphen,
    /// The expression begins with one of these.
    Literal(Vec<String>),
    /// The expression begins where the host begins in which this stands.
    Host(String),
    /// The expression begins with `://`.
    Authority,
    /// The expression ends with this.
    Suffix(String),
    /// A region's name and this character.
    Region(char),
    /// A UUID with letters before it.
    Uuid,
    /// A UUID with ten hex digits and a hyphen before it.
    UuidTail,
    Ip(Ip),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ip {
    Private,
    Public,
}

/// What must not stand beside a match.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Hyphen ids. With 8 hex digits no `-` or `_` on the left, and no UUID on the right.
    H,
    /// Words.
    W,
    /// Names of hosts, be they a part of the name of a file.
    Host,
    /// Addresses, and no versions.
    Ip,
    /// Secrets in base64.
    S,
    /// Absolute paths.
    P,
    /// URIs of S3.
    S3,
    /// What stands behind a name or a path.
    End,
    #[serde(rename = "none")]
    None,
}

/// What an expression cannot say.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Require {
    Digit,
    /// The last 17 characters hold a digit, and a letter before the last: `…38572e` is a number.
    HexMix,
    /// What follows the hyphen has a length that AWS gives, or is no number.
    HexId,
    NotRegion,
    /// A value, not a variable in a template.
    Literal,
    /// What chance made.
    Random,
    /// Base64 of a name, a colon and a password.
    Userinfo,
    /// More than a variable, and not the word that stands for a password in every manual.
    Password,
    Octets,
    PublicOctets,
    /// A name that somebody made up, not a word.
    MadeUp,
    /// No name that is AWS's own, as those of regions are.
    NotOwned,
    /// No type, no empty value, no word of AWS's own.
    Name,
    /// A name that is no word: see [`names::is_distinct`].
    Distinct,
    /// Letters and digits.
    Mixed,
    /// The profile of somebody, and no word that everybody has for one.
    Profile,
}

const REGION: &str = "(?:(?:us|eu|ap|sa|ca|me|af|il|mx)(?:-gov|-iso[a-f]?)?|cn|us-isob)-(?:north|south|east|west|central)(?:east|west)?-[0-9]";
const DOMAIN: &str = r"amazonaws\.com(?:\.cn)?";
const END: &str = r#"(?:["'`\\\s,;)}\]<>|&!?*~%]|->|[.:_](?:["'`\\\s)]|\z)|\z)"#;
const SLASH: &str = r"(?:\\?/|%2[Ff])";

/// A class that is ready to verify candidates.
#[derive(Debug)]
pub(crate) struct Class {
    #[cfg(test)]
    pub name: Box<str>,
    near: Option<memmem::Finder<'static>>,
    edge: Edge,
    require: Option<Require>,
    expression: String,
    /// Made when it is first asked for, like the table.
    regex: OnceLock<Option<Regex>>,
    /// It ends with a repetition without end.
    open_end: bool,
    /// Where it would be too large there is none.
    table: OnceLock<Option<Table>>,
    /// The kind of the whole match, if there are no groups.
    kind: Option<Kind>,
    groups: Vec<(usize, Kind)>,
    rank: Rank,
    teach: bool,
    /// No match is longer: bounds what one candidate costs.
    longest: usize,
}

impl Class {
    pub(crate) fn new(entry: &Entry, mut kind: impl FnMut(&str) -> Kind) -> Self {
        let expression = expand(&entry.expression);
        // `(?P<ACCOUNT__2>…)` is a second group of the kind ACCOUNT.
        let groups: Vec<_> = groups::named(&expression)
            .map(|(at, name)| (at, kind(name.split("__").next().unwrap_or(name))))
            .collect();
        let structure = entry.structure || matches!(entry.find, Find::Host(_));
        Self {
            #[cfg(test)]
            name: entry.name.as_str().into(),
            near: entry.near.as_ref().map(|near| memmem::Finder::new(near).into_owned()),
            edge: entry.boundary,
            require: entry.require,
            kind: entry.kind.as_deref().filter(|_| groups.is_empty()).map(&mut kind),
            teach: entry.teach || !groups.is_empty(),
            groups,
            rank: if structure { Rank::Structure } else { Rank::Shape },
            longest: entry.longest,
            open_end: expression.trim_end_matches(')').ends_with(",}"),
            table: OnceLock::new(),
            expression,
            regex: OnceLock::new(),
        }
    }

    /// The expression, ready to search. The catalog is a part of the program, and a test builds
    /// all of it: none is missing.
    fn regex(&self) -> Option<&Regex> {
        let build = || {
            // Masking searches anchored, and its tables come from `table`.
            let config = meta::Config::new().dfa(false).auto_prefilter(false);
            let config = config.hybrid(self.table().is_none());
            meta::Builder::new().configure(config).build(&self.expression).ok()
        };
        self.regex.get_or_init(build).as_ref()
    }

    /// Is the expression one?
    #[cfg(test)]
    pub(crate) fn is_valid(&self) -> bool {
        let of_regex = |regex: &Regex| {
            let names = regex.group_info().pattern_names(regex_automata::PatternID::ZERO);
            let names = names.enumerate().filter_map(|(at, name)| Some((at, name?.to_owned())));
            names.collect::<Vec<_>>()
        };
        let own: Vec<_> =
            groups::named(&self.expression).map(|(at, name)| (at, name.to_owned())).collect();
        self.regex().map(of_regex) == Some(own)
    }

    /// The table that tells the end of a match faster, made when it is first asked for.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.table.get_or_init(|| table::of(&self.expression)).as_ref()
    }

    /// How far a run goes in which one failure is all there is: from any beginning inside
    /// it the expression ends where it ended from the first.
    pub(crate) fn run_end(&self, text: &[u8], start: usize) -> Option<usize> {
        let end = text.len().min(start + self.longest);
        let input = Input::new(text).range(start..end).anchored(Anchored::Yes);
        self.open_end.then(|| self.end(&input)).flatten()
    }

    /// Does what the class wants beside it stand in `around`?
    pub(crate) fn is_near(&self, around: &[u8]) -> bool {
        self.near.as_ref().is_none_or(|near| near.find(around).is_some())
    }

    /// Does this class begin at `start`? Adds its findings; returns the match.
    pub(crate) fn verify(
        &self,
        text: &[u8],
        start: usize,
        out: &mut Vec<Finding>,
    ) -> Option<Range<usize>> {
        if !self.edge.left(text, start) {
            return None;
        }
        let end = text.len().min(start + self.longest);
        let input = Input::new(text).range(start..end).anchored(Anchored::Yes);
        let span = start..self.end(&input)?;
        if self.groups.is_empty() {
            let kind = self.kind?;
            if self.accepts(text, span.clone(), span.clone()) {
                let span = freed(text, span);
                out.push(Finding { span: span.clone(), kind, rank: self.rank, teach: self.teach });
                return Some(span);
            }
            return None;
        }
        // Groups cost more than to know whether there is a match.
        let input = input.range(span);
        let regex = self.regex()?;
        let mut found = regex.create_captures();
        regex.search_captures(&input, &mut found);
        self.take_groups(text, &found, out)
    }

    /// Where the match ends that begins where the input begins.
    fn end(&self, input: &Input<'_>) -> Option<usize> {
        let found = match self.table() {
            // Without quit bytes it gives no error.
            Some(table) => table.try_search_fwd(input).ok()?,
            None => self.regex()?.search_half(input),
        };
        found.map(|found| found.offset())
    }

    fn take_groups(
        &self,
        text: &[u8],
        found: &Captures,
        out: &mut Vec<Finding>,
    ) -> Option<Range<usize>> {
        let whole = found.get_match()?.range();
        let parts = self.groups.iter().filter_map(|&(at, kind)| {
            let span = found.get_group(at)?.range();
            // Words are masked here alone.
            let word = self.require == Some(Require::Name)
                && !names::is_distinct(text.get(span.clone()).unwrap_or_default());
            Some(Finding { span, kind, rank: self.rank, teach: self.teach && !word })
        });
        if parts.clone().any(|part| !self.accepts(text, whole.clone(), part.span)) {
            return None;
        }
        out.extend(parts);
        Some(whole)
    }

    fn accepts(&self, text: &[u8], whole: Range<usize>, part: Range<usize>) -> bool {
        let value = text.get(part).unwrap_or_default();
        self.edge.right(text, whole) && self.require.is_none_or(|require| require.holds(value))
    }
}

/// A private key may stand beside a letter: one of the dashes around it then stays, so that
/// its placeholder stands free. Where there is no dash, the rest of the word goes with it.
fn freed(text: &[u8], span: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = span;
    if !left_of(text, start) && text.get(start) == Some(&b'-') {
        start += 1;
    }
    if !right_of(text, end) && text.get(end - 1) == Some(&b'-') {
        end -= 1;
    }
    let word = text.get(end..).unwrap_or_default().iter();
    let rest = word.take_while(|b| b.is_ascii_alphanumeric()).count();
    start..end + if right_of(text, end) { 0 } else { rest }
}

fn expand(expression: &str) -> String {
    let parts = [("<region>", REGION), ("<domain>", DOMAIN), ("<slash>", SLASH), ("<end>", END)];
    parts.iter().fold(expression.to_owned(), |text, (name, part)| text.replace(name, part))
}

impl Find {
    /// For people.
    pub(crate) fn says(&self) -> String {
        let any = |texts: &[String]| texts.join(", ");
        match self {
            Self::Prefix(prefixes) => format!("a prefix and a hyphen: {}", any(prefixes)),
            Self::Hyphen => "a hyphen and 17 hexadecimal digits".to_owned(),
            Self::Literal(texts) => format!("a beginning: {}", any(texts)),
            Self::Host(text) => format!("a host with {text}"),
            Self::Authority => "://".to_owned(),
            Self::Suffix(text) => format!("an end: {text}"),
            Self::Region(after) => format!("the name of a region and {after:?}"),
            Self::Uuid => "a UUID behind letters".to_owned(),
            Self::UuidTail => "a UUID behind ten hexadecimal digits and a hyphen".to_owned(),
            Self::Ip(Ip::Private) => "an IP address, with private_ip".to_owned(),
            Self::Ip(Ip::Public) => "an IP address, with public_ip".to_owned(),
        }
    }
}

impl Edge {
    /// For people.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::H => "no letter or digit beside it; with 8 digits no - or _ before it",
            Self::W => "no letter or digit beside it",
            Self::Host => "no letter or digit beside it",
            Self::Ip => {
                "no letter or digit beside it, no - or _ before it but in a range or the name of a file, no dot and more behind it but the ending of a file"
            }
            Self::S => "no letter or digit before it, no character of base64 behind it",
            Self::P => "no part of a path before it, no label of a host behind it",
            Self::S3 => "no letter or digit before it",
            Self::End => "no letter or digit behind it",
            Self::None => "none",
        }
    }

    fn left(self, text: &[u8], at: usize) -> bool {
        let Some(byte) = before(text, at) else { return true };
        let free = match self {
            Self::None | Self::End => return true,
            Self::H | Self::W | Self::S3 | Self::Host | Self::Ip => !byte.is_ascii_alphanumeric(),
            // By chance no base64 goes on with one of the beginnings that these have.
            Self::S => !byte.is_ascii_alphanumeric(),
            Self::P => !byte.is_ascii_alphanumeric() && !b"./_-~".contains(&byte),
        };
        free || ends_escape(text, at)
    }

    fn right(self, text: &[u8], span: Range<usize>) -> bool {
        let next = text.get(span.end).copied();
        match self {
            Self::None => true,
            Self::H => right_of(text, span.end) && short_is_free(text, span),
            Self::W | Self::S3 | Self::End | Self::Host => right_of(text, span.end),
            Self::Ip => right_of(text, span.end) && network::is_free(text, &span),
            Self::P => {
                let label = text.get(span.end + 1).is_some_and(u8::is_ascii_alphanumeric);
                right_of(text, span.end) && !(next == Some(b'.') && label)
            }
            Self::S => next.is_none_or(|b| !b.is_ascii_alphanumeric() && !b"/+=".contains(&b)),
        }
    }
}

/// Eight hex digits are short: they must not be a part of a name or of a UUID.
fn short_is_free(text: &[u8], span: Range<usize>) -> bool {
    let id = text.get(span.clone()).unwrap_or_default();
    let tail = id.iter().rev().take_while(|b| b.is_ascii_hexdigit()).count();
    if tail != 8 || id.iter().filter(|&&b| b == b'-').count() > 3 {
        return true;
    }
    let named = before(text, span.start).is_some_and(|b| b"-_".contains(&b));
    let uuid = text.get(span.end..span.end + 6).is_some_and(
        |rest| matches!(rest, [b'-', hex @ .., b'-'] if hex.iter().all(u8::is_ascii_hexdigit)),
    );
    !named && !uuid
}

/// `eu-central-1` and the like.
pub(crate) fn is_region(value: &[u8]) -> bool {
    const PARTS: [&[u8]; 5] = [b"-east", b"-west", b"-north", b"-south", b"-central"];
    value.len() < 18
        && matches!(value, [.., b'-', digit] if digit.is_ascii_digit())
        && PARTS.iter().any(|part| memmem::find(value, part).is_some())
}

/// Templates stand for a value, stars hide one.
pub(crate) fn is_literal(value: &[u8]) -> bool {
    let template = value.first().is_none_or(|b| b"${<%[(".contains(b))
        || memmem::find(value, b"${").is_some()
        || memmem::find(value, b"{{").is_some();
    !template && !is_hidden(value)
}

/// Stars hide a password.
pub(crate) fn is_hidden(value: &[u8]) -> bool {
    value.iter().all(|b| b"*x.X#-_".contains(b))
}
