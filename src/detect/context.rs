//! Shapes that are identifiers only beside a key or a word (R21 in tests).

mod accounts;
mod announced;
mod answers;
mod behind;
pub(crate) mod bytes;
mod called;
mod calls;
mod cells;
mod code;
pub(crate) mod columns;
pub(crate) mod command;
pub(crate) mod curl;
pub(crate) mod eksctl;
mod lead;
mod listed;
pub(crate) mod login;
pub(crate) mod manifest;
pub(crate) mod named;
pub(crate) mod names;
pub(crate) mod outputs;
pub(crate) mod parameter;
pub(crate) mod password;
pub(crate) mod printed;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod secret;
pub(crate) mod section;
pub(crate) mod shape;
mod shaped;
pub(crate) mod sibling;
pub(in crate::detect) mod terraform;
pub(crate) mod tool;
pub(crate) mod value;

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;
use serde::Deserialize;

use crate::detect::catalog::{CONTEXT, CatalogError, KEYS, Kinds, parse};
use crate::detect::context::bytes::part;
use crate::detect::context::columns::Wanted;
use crate::detect::context::lead::Lead;
use crate::detect::context::named::Findings;
use crate::detect::context::names::Names;
use crate::detect::context::password::near::{self, Word};
use crate::detect::context::password::{insert, several};
use crate::detect::context::secret::setting;
use crate::detect::context::shape::Shape;
use crate::detect::scan::Pass;
use crate::detect::{Finding, Kind, Profile, Rank, Settings};

const RULES: &str = include_str!("patterns/context.toml");

/// A key says nothing of a value inside a longer text.
const LEAF: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: String,
    value: Shape,
    labels: Vec<String>,
    words: Vec<String>,
}

#[derive(Debug)]
struct Rule {
    kind: Kind,
    value: Shape,
    labels: Vec<String>,
    words: Vec<memmem::Finder<'static>>,
}

#[derive(Debug)]
pub(crate) struct Context {
    rules: Vec<Rule>,
    /// How keys of passwords and other secrets end.
    secret_ends: Vec<[u8; 3]>,
    /// Their last letters, as bits.
    last_letters: u32,
    access_key: Kind,
    /// Are settings read by their last word? And what those are that are secrets.
    settings: bool,
    chosen: Kind,
    random: Kind,
    /// The shape is enough.
    strict: bool,
    pub names: Names,
    /// Kinds that nobody but AWS has.
    pub signs: HashSet<Kind>,
}

impl Context {
    pub(crate) fn builtin(kinds: &mut Kinds, settings: &Settings) -> Result<Self, CatalogError> {
        let file: File = parse("context", RULES)?;
        let on = settings.is_on(CONTEXT);
        let rules = file.rule.into_iter().filter(|_| on).map(|rule| Rule {
            kind: kinds.make(&rule.kind),
            value: rule.value,
            labels: rule.labels,
            words: rule.words.iter().map(|w| memmem::Finder::new(w).into_owned()).collect(),
        });
        let rules: Vec<Rule> = rules.collect();
        let secrets = rules.iter().filter(|rule| rule.is_secret()).flat_map(|rule| &rule.labels);
        let ends = secrets.map(String::as_str).chain(setting::LAST);
        let mut secret_ends: Vec<[u8; 3]> =
            ends.filter_map(|label| label.as_bytes().last_chunk().copied()).collect();
        secret_ends.sort_unstable();
        secret_ends.dedup();
        let shortest = setting::SHORTEST.as_bytes().last().copied().map_or(0, letter);
        let last_letters = secret_ends.iter().fold(shortest, |all, [.., last]| all | letter(*last));
        let access_key = kinds.make("ACCESS_KEY");
        let (chosen, random) = (kinds.make("DB_PASSWORD"), kinds.make("API_KEY"));
        let mut names = Names::builtin(kinds)?;
        if !settings.is_on(KEYS) {
            names.clear();
        }
        let (strict, signs) = (settings.profile == Profile::Strict, HashSet::new());
        Ok(Self {
            rules,
            secret_ends,
            last_letters,
            access_key,
            settings: on,
            chosen,
            random,
            strict,
            names,
            signs,
        })
    }

    /// Does a key with this name hold an account id?
    pub(crate) fn names_account(&self, label: &str) -> bool {
        let label = Name::new(label.as_bytes());
        self.rules.iter().any(|rule| rule.value == Shape::Account && rule.has_label(&label))
    }

    /// What stands beside a key or a word. `found` holds the findings so far.
    pub(crate) fn scan(&self, pass: &mut Pass<'_>, label: &str, found: &[Finding]) -> Vec<Finding> {
        let mut out = self.shapes(pass, label, found);
        if pass.text.len() <= LEAF {
            self.names.leaf(pass.text, label, &mut pass.named);
        }
        for &at in &pass.secrets {
            self.names.beside(pass.text, at, &mut pass.named);
        }
        let Findings { all, aws, .. } = &mut pass.named;
        // The signs are many where no such key is, and nobody asks for them there.
        if !*aws && all.iter().any(|named| !named.alone) {
            *aws = found.iter().any(|finding| self.signs.contains(&finding.kind));
        }
        for named in all.drain(..) {
            let teach = value::is_distinct(part(pass.text, &named.span));
            let sure = if named.alone || *aws { &mut out } else { &mut pass.unsure };
            sure.push(Finding { teach, ..finding(named.span, named.kind) });
        }
        out
    }

    /// Is nothing found in a text in which no candidate stands, by the key alone?
    pub(crate) fn is_plain(&self, text: &str, label: &str) -> bool {
        let named = || {
            self.may_be_secret(text.as_bytes(), label) || self.names.key(label.as_bytes()).is_some()
        };
        (text.len() > LEAF || !named()) && !printed::is_typed(text)
    }

    /// May the whole of a text be a secret that its key announces?
    fn may_be_secret(&self, text: &[u8], label: &str) -> bool {
        text.len() >= *password::LENGTHS.start()
            && text.len() <= LEAF
            && self.may_name_secret(label)
    }

    /// Shapes, passwords.
    fn shapes(&self, pass: &Pass<'_>, label: &str, found: &[Finding]) -> Vec<Finding> {
        let text = pass.text;
        let may_be_secret = self.may_be_secret(text, label);
        let Pass { passwords, secrets, heads, typed, held, near, .. } = pass;
        let announced = !(passwords.is_empty() && secrets.is_empty() && heads.is_empty());
        let said = !(typed.is_empty() && held.is_empty() && near.is_empty());
        if pass.runs.is_empty() && !announced && !said && !may_be_secret {
            return Vec::new();
        }
        let whole = if text.len() <= LEAF { label.as_bytes() } else { b"" };
        let label = Name::new(whole);
        let mut out = Vec::new();
        self.shaped(pass, &label, found, &mut out);
        self.passwords(pass, &mut out);
        let (endless, read) = (&mut (0..0), &mut (0..0));
        for &at in secrets {
            self.announced(text, at, (&mut *endless, &mut *read), &mut out);
        }
        let kind = |word| if word == Word::Password { self.chosen } else { self.random };
        let near = near.iter().filter(|_| self.settings);
        out.extend(near.map(|(span, word)| finding(span.clone(), kind(*word))));
        self.tables(text, heads, &mut out);
        if may_be_secret && let Some(kind) = self.secret(whole, text, true, true) {
            out.push(finding(0..text.len(), kind));
        }
        out
    }

    /// What names of passwords announce, and what commands and manifests hold.
    fn passwords(&self, pass: &Pass<'_>, out: &mut Vec<Finding>) {
        let Pass { text, passwords, typed, .. } = pass;
        for rule in self.rules.iter().filter(|rule| rule.value == Shape::Password) {
            let (mut read, mut rows) = (0..0, 0);
            for &at in passwords {
                let mut found = |span| out.push(finding(span, rule.kind));
                insert::values(text, at, &mut rows, &mut found);
                several::each(text, at, password::is_evident, &mut found);
                let Some(old) = password::after(text, at) else {
                    password::near_key(text, at, Word::Password, &mut read, &mut found);
                    continue;
                };
                // `the password is …, the other one is …`
                if text.get(at..).is_some_and(|rest| rest.starts_with(b" is ")) {
                    near::behind(text, old.end, Word::Password, &mut read, &mut found);
                }
                let is = |value: &[u8]| password::is_password(value, true);
                terraform::changed(text, &old, is).into_iter().chain([old]).for_each(found);
            }
            out.extend(typed.iter().map(|span| finding(span.clone(), rule.kind)));
            let held = pass.held.iter().cloned();
            out.extend(held.map(|span| Finding { teach: false, ..finding(span, rule.kind) }));
            let is = password::is_kept;
            let wanted = Wanted { names: password::is_head, is, single: false, again: false };
            let mut read = 0;
            for &at in &pass.passwords {
                columns::below(text, at, &wanted, &mut read, |span| {
                    out.push(finding(span, rule.kind));
                });
            }
        }
    }

    /// Does a key end with the three letters that a secret's does?
    fn may_name_secret(&self, label: &str) -> bool {
        let mut end = [0; 3];
        let mut letters = label.bytes().rev().filter(u8::is_ascii_alphanumeric).peekable();
        if letters.peek().is_none_or(|last| self.last_letters & letter(*last) == 0) {
            return false;
        }
        for (slot, letter) in end.iter_mut().rev().zip(letters) {
            *slot = letter.to_ascii_lowercase();
        }
        self.secret_ends.contains(&end) || end.ends_with(setting::SHORTEST.as_bytes())
    }
}

fn finding(span: Range<usize>, kind: Kind) -> Finding {
    Finding { span, kind, rank: Rank::Context, teach: true }
}

/// A bit for a letter, of any case.
fn letter(byte: u8) -> u32 {
    1 << (byte & 31)
}

impl Rule {
    /// Is it enough that a key announces what it holds?
    fn is_secret(&self) -> bool {
        matches!(self.value, Shape::Password | Shape::Random)
    }

    fn has_label(&self, label: &Name) -> bool {
        let label = label.as_bytes();
        // Most end with another letter.
        let ends = |ending: &[u8]| ending.last() == label.last() && label.ends_with(ending);
        self.labels.iter().any(|ending| ends(ending.as_bytes()))
    }

    fn applies(&self, value: &[u8], label: &Name, lead: &Lead) -> bool {
        let word = |word: &memmem::Finder<'_>| word.find(&lead.words).is_some();
        self.has_label(label)
            || self.has_label(&lead.key)
            || (self.words.iter().any(word) && !shape::is_time(value))
    }
}

/// The end of a key without case and separators: `KmsKeyId`, `kms_key_id` and
/// `--kms-key-id` are one. No ending that is compared with it is longer.
struct Name {
    letters: [u8; Name::LONGEST],
    /// Where it begins.
    start: usize,
}

impl Name {
    const LONGEST: usize = 40;

    fn new(key: &[u8]) -> Self {
        let mut this = Self { letters: [0; Self::LONGEST], start: Self::LONGEST };
        let letters = key.iter().rev().filter(|b| b.is_ascii_alphanumeric());
        for (slot, letter) in this.letters.iter_mut().rev().zip(letters) {
            *slot = letter.to_ascii_lowercase();
            this.start -= 1;
        }
        this
    }

    fn as_bytes(&self) -> &[u8] {
        self.letters.get(self.start..).unwrap_or_default()
    }
}
