//! ARNs by structure: what they are made of stays, names become findings.
//!
//! `arn:partition:service:region:account:resource` (AWS General Reference,
//! "Amazon Resource Names"). Partition, service, region and the type of the
//! resource stay; the account and the components of the name are masked, each
//! with the kind that the bare account or name gets.

mod layout;
mod read;
mod whole;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::detect::arn::layout::{Layout, Part};
pub(super) use crate::detect::arn::read::begins;
use crate::detect::arn::read::{Arn, Token};
use crate::detect::arn::whole::Whole;
use crate::detect::boundary::any_placeholder;
use crate::detect::catalog::{CatalogError, Kinds, parse};
use crate::detect::{Finding, Kind, Rank};

const TABLE: &str = include_str!("patterns/arn.toml");

/// What the components of names are, by service and type.
#[derive(Debug)]
pub struct Table {
    services: HashMap<Box<str>, HashMap<Box<str>, Layout>>,
    /// Names of services and of types of resources.
    terms: HashSet<Box<str>>,
    account: Kind,
    /// The kind of a name in a service that is not in the table.
    resource: Kind,
    /// ARNs are masked as one.
    whole: Option<Whole>,
    /// ARNs are looked for.
    pub(crate) on: bool,
}

impl Table {
    pub(crate) fn builtin(kinds: &mut Kinds) -> Result<Self, CatalogError> {
        let text: HashMap<String, HashMap<String, String>> = parse("arn", TABLE)?;
        let mut services: Vec<_> = text.into_iter().collect();
        services.sort_by(|a, b| a.0.cmp(&b.0));
        let mut table = HashMap::new();
        let mut terms = HashSet::new();
        for (service, types) in services {
            let mut types: Vec<_> = types.into_iter().collect();
            types.sort();
            terms.insert(service.as_str().into());
            terms.extend(types.iter().map(|(name, _)| name.as_str().into()));
            let types = types.iter().map(|(name, layout)| {
                (name.as_str().into(), Layout::new(layout, |kind| kinds.make(kind)))
            });
            table.insert(service.into_boxed_str(), types.collect());
        }
        let (account, resource) = (kinds.make("ACCOUNT"), kinds.make("RESOURCE"));
        Ok(Self { services: table, terms, account, resource, whole: None, on: true })
    }

    /// Masks ARNs whole from now on.
    pub(crate) fn mask_whole(&mut self, kinds: &mut Kinds) {
        let layouts = self.services.values().flat_map(HashMap::values);
        let mut fields: Vec<_> = layouts.flat_map(Layout::kinds).collect();
        fields.extend([self.account, self.resource]);
        fields.sort();
        fields.dedup();
        self.whole = Some(Whole::new(&fields, kinds));
    }

    /// The kinds of whole ARNs, each after that of the resource it names.
    pub(crate) fn whole_kinds(&self) -> impl Iterator<Item = (Kind, Kind)> {
        self.whole.iter().flat_map(Whole::kinds)
    }

    pub(crate) fn is_whole(&self, kind: Kind) -> bool {
        self.whole.as_ref().is_some_and(|whole| whole.holds(kind))
    }

    /// What an ARN that was masked whole teaches: its fields.
    pub(crate) fn fields<'v>(&self, kind: Kind, value: &'v str) -> Option<Vec<(&'v str, Kind)>> {
        self.whole.as_ref().filter(|whole| whole.holds(kind))?;
        let mut found = Vec::new();
        self.read_fields(value.as_bytes(), &Arn::read(value.as_bytes(), 0)?, &mut found);
        let field = |finding: &Finding| Some((value.get(finding.span.clone())?, finding.kind));
        Some(found.iter().filter(|finding| finding.teach).filter_map(field).collect())
    }

    /// Is this the name of a service or of a type of resources?
    pub(crate) fn is_term(&self, name: &str) -> bool {
        self.terms.contains(name)
    }

    /// Adds the fields of the ARN that begins at `start`.
    pub(crate) fn scan(&self, text: &[u8], start: usize, out: &mut Vec<Finding>) {
        let Some(arn) = Arn::read(text, start).filter(|_| self.on) else { return };
        let first = out.len();
        self.read_fields(text, &arn, out);
        if let Some(whole) = &self.whole {
            let fields = out.get(first..).unwrap_or_default();
            let finding = whole.finding(text, &arn, fields);
            out.extend(finding);
        }
    }

    fn read_fields(&self, text: &[u8], arn: &Arn, out: &mut Vec<Finding>) {
        let word = |span: &Range<usize>| text.get(span.clone()).unwrap_or_default();
        let account = word(&arn.account);
        if account == b"aws" || account == b"cloudfront" {
            return;
        }
        if is_account(account) {
            out.push(self.field(arn.account.clone(), self.account));
        } else {
            // `(111122223333|444455556666)`
            let mut from = arn.account.start;
            for word in account.split(|b| !b.is_ascii_alphanumeric() && *b != b'_') {
                let span = from..from + word.len();
                from = span.end + 1;
                if is_account(word) {
                    out.push(self.field(span, self.account));
                }
            }
        }
        let service = std::str::from_utf8(word(&arn.service)).unwrap_or_default();
        // `arn:aws:states:::lambda:invoke` names an action of AWS.
        if service == "states" && account.is_empty() {
            return;
        }
        let [first, rest @ ..] = arn.tokens.as_slice() else { return };
        let kind_of = std::str::from_utf8(word(&first.span)).unwrap_or_default();
        let types = self.services.get(service);
        let typed = types.and_then(|types| types.get(kind_of)).filter(|_| !rest.is_empty());
        let mut fields = Fields { table: self, text, out };
        if let Some(layout) = typed {
            fields.apply(layout, rest);
        } else if let Some(layout) = types.and_then(|types| types.get("")) {
            fields.apply(layout, &arn.tokens);
        } else if rest.is_empty() {
            fields.component(&first.span, self.resource);
        } else {
            fields.apply(&Layout { from_end: false, parts: vec![Part::Name(self.resource)] }, rest);
        }
    }

    fn field(&self, span: Range<usize>, kind: Kind) -> Finding {
        Finding { span, kind, rank: Rank::Structure, teach: true }
    }
}

/// The findings of one ARN.
struct Fields<'a> {
    table: &'a Table,
    text: &'a [u8],
    out: &'a mut Vec<Finding>,
}

impl Fields<'_> {
    fn word(&self, span: &Range<usize>) -> &[u8] {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Walks the components of a name along its layout.
    fn apply(&mut self, layout: &Layout, tokens: &[Token]) {
        // `alias/aws/s3`, `parameter/aws/service/…`, `og:default:mysql-8-0`: AWS's own.
        let default = tokens.get(1).is_some_and(|token| token.before == b':');
        match tokens.first().map(|token| self.word(&token.span)) {
            Some(b"aws") => return,
            Some(b"default") if default => return,
            _ => {}
        }
        let mut parts = layout.parts.as_slice();
        if layout.from_end {
            parts = parts.get(parts.len().saturating_sub(tokens.len())..).unwrap_or_default();
        }
        let mut tokens = tokens;
        let mut last = None;
        while let Some((token, rest)) = tokens.split_first() {
            let Some((part, more)) = parts.split_first() else {
                let Some(kind) = last else { return };
                self.component(&token.span, kind);
                tokens = rest;
                continue;
            };
            parts = more;
            match part {
                Part::Rest => return,
                Part::Keep => tokens = rest,
                Part::Words(words) => {
                    if words.iter().any(|word| word.as_bytes() == self.word(&token.span)) {
                        tokens = rest;
                    }
                }
                Part::Name(kind) => {
                    self.component(&token.span, *kind);
                    last = Some(*kind);
                    tokens = rest;
                }
                Part::Path(kind) => {
                    let (path, name) = tokens.split_at(tokens.len().saturating_sub(more.len()));
                    for token in path {
                        self.component(&token.span, *kind);
                    }
                    tokens = name;
                }
                Part::Whole(kind) => {
                    let (name, after) = tokens.split_at(joined(tokens));
                    self.whole(name, *kind);
                    last = Some(*kind);
                    tokens = after;
                }
            }
        }
    }

    /// A name that may hold slashes.
    fn whole(&mut self, name: &[Token], kind: Kind) {
        let mut name = name;
        while let [first, rest @ ..] = name
            && first.span.is_empty()
        {
            name = rest;
        }
        // `/aws/lambda/NAME`: the prefix says which service writes the log.
        if name.first().is_some_and(|first| self.word(&first.span) == b"aws") {
            name = name.get(2..).unwrap_or_default();
        }
        let (Some(first), Some(last)) = (name.first(), name.last()) else { return };
        let mut span = first.span.start..last.span.end;
        if self.table_is_secret(kind) {
            span.end -= random_suffix(self.word(&span));
        }
        self.component(&span, kind);
    }

    fn table_is_secret(&self, kind: Kind) -> bool {
        let types = self.table.services.get("secretsmanager");
        let layout = types.and_then(|types| types.get("secret"));
        layout.is_some_and(|l| matches!(l.parts.first(), Some(Part::Whole(k)) if *k == kind))
    }

    /// One component, without wildcards and variables.
    fn component(&mut self, span: &Range<usize>, kind: Kind) {
        let word = self.word(span);
        // What stands beside a placeholder is what masking left.
        if is_owned(word) || any_placeholder(word) {
            return;
        }
        if is_account(word) {
            self.out.push(self.table.field(span.clone(), self.table.account));
            return;
        }
        let mut from = span.start;
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for opaque in read::opaque(self.text, span) {
            pieces.push(from..opaque.start);
            from = opaque.end;
        }
        let whole = pieces.is_empty();
        pieces.push(from..span.end);
        for piece in pieces {
            let piece = if whole { piece } else { trimmed(self.text, piece) };
            let word = self.word(&piece);
            let letters = word.iter().filter(|b| b.is_ascii_alphanumeric()).count();
            if word.is_empty() || (!whole && letters < 3) {
                continue;
            }
            // Service-linked roles have the same name in every account: elsewhere it stays.
            let teach = whole
                && !word.contains(&b'%')
                && !word.contains(&b'\\')
                && !is_escape(word)
                && !word.starts_with(b"AWSServiceRole");
            self.out.push(Finding { span: piece, kind, rank: Rank::Structure, teach });
        }
    }
}

/// How many of these tokens one name is made of: those up to the next colon.
fn joined(tokens: &[Token]) -> usize {
    let more = tokens.iter().skip(1).take_while(|token| token.before == b'/').count();
    (1 + more).min(tokens.len())
}

fn trimmed(text: &[u8], span: Range<usize>) -> Range<usize> {
    let part = text.get(span.clone()).unwrap_or_default();
    let outer = |b: &&u8| b"-_./:+=".contains(b);
    let skip = part.iter().take_while(outer).count();
    let part = part.get(skip..).unwrap_or_default();
    let drop = part.iter().rev().take_while(outer).count();
    span.start + skip..span.start + skip + part.len() - drop
}

fn is_account(word: &[u8]) -> bool {
    word.len() == 12 && word.iter().all(u8::is_ascii_digit)
}

/// Names that AWS gives, and versions.
pub(crate) fn is_owned(word: &[u8]) -> bool {
    const OWNED: [&[u8]; 10] = [
        b"root",
        b"default",
        b"$LATEST",
        b"$DEFAULT",
        b"aws-service-role",
        b"service-role",
        b"aws-reserved",
        b"job-function",
        b"object",
        b"",
    ];
    const PREFIXES: [&[u8]; 4] = [b"AWS-", b"default.", b"default:", b"rds-ca-"];
    OWNED.contains(&word)
        || is_number(word)
        || is_date(word)
        || read::is_partition(word)
        || PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        || word.ends_with(b".amazonaws.com")
}

/// `u001b`: the letters of an escape, which stand all over a text that holds JSON.
fn is_escape(word: &[u8]) -> bool {
    matches!(word, [b'u', a, b, c, d] if [a, b, c, d].iter().all(|b| b.is_ascii_hexdigit()))
}

/// Numbers of versions, and the seconds of a time: `12.345`. With more dots it is an address.
fn is_number(word: &[u8]) -> bool {
    let dots = word.iter().filter(|b| **b == b'.').count();
    word.len() <= 10 && dots <= 1 && word.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// `2015-03-31`, and the beginning of `2024-05-14T10:11:12.345`: versions, labels of streams.
fn is_date(word: &[u8]) -> bool {
    let Some((date, time)) = word.split_at_checked(10) else { return false };
    let in_place = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let hour = time.strip_prefix(b"T").unwrap_or(time);
    date.iter().enumerate().all(in_place) && hour.iter().all(u8::is_ascii_digit)
}

/// The length of the hyphen and six random characters that Secrets Manager
/// adds to a name. They need a capital: six small letters may be the name's.
fn random_suffix(name: &[u8]) -> usize {
    match name {
        [_, .., b'-', a, b, c, d, e, f] => {
            let tail = [a, b, c, d, e, f];
            let random = tail.iter().all(|b| b.is_ascii_alphanumeric())
                && tail.iter().any(|b| b.is_ascii_uppercase());
            if random { 7 } else { 0 }
        }
        _ => 0,
    }
}
