//! What a name says of the value beside it: `BucketName` of an output, `QueueName` of a
//! dimension, `Name` of a tag.

use crate::detect::Kind;
use crate::detect::boundary::holds_masked;
use crate::detect::context::behind::is_pascal;
use crate::detect::context::bytes::{ends_with, part};
use crate::detect::context::code;
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::{LONGEST, Names, plain, single};
use crate::detect::context::password::key_start;
use crate::detect::context::sibling::{self, Pair, VALUE};
use crate::detect::context::value;

/// The tag that the console shows as a name.
const TAG: &[u8] = b"Name";
/// How names end of values that may be any word: `EnvironmentName` is `prod`.
const WORDS: [&[u8]; 5] =
    [b"username", b"environmentname", b"projectname", b"applicationname", b"domainname"];
/// How the name of a value ends that is the name of something, of whatever.
const NAMING: [&[u8]; 3] = [b"name", b"id", b"identifier"];

/// No value is longer that names something.
const LONGEST_VALUE: usize = 128;

/// What stands beside a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// The key of a tag.
    Tag,
    /// Of a stack: what it puts out and is given is mostly its own.
    Stack,
    Other,
}

impl Beside {
    /// By the key of the name, in an answer to this operation.
    pub(super) fn answered(operation: &[u8], key: &[u8]) -> Self {
        if operation == b"exports" { Self::Stack } else { Self::of(key) }
    }

    /// By the key of the name.
    pub(super) fn of(key: &[u8]) -> Self {
        match key {
            b"Key" => Self::Tag,
            b"OutputKey" | b"ParameterKey" => Self::Stack,
            _ => Self::Other,
        }
    }
}

/// What a value is. `distinct`: if it is no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Called {
    pub kind: Kind,
    pub distinct: bool,
}

impl Called {
    pub(super) fn fits(self, value: &[u8]) -> bool {
        !self.distinct || value::is_distinct(value)
    }
}

impl Names {
    /// What a name says of the value beside it.
    pub(super) fn called(&self, name: &[u8], beside: Beside) -> Option<Called> {
        if name.len() > LONGEST || holds_masked(name) {
            return None;
        }
        let ends = |endings: &[&[u8]]| {
            let name = plain(name);
            endings.iter().any(|ending| name.ends_with(ending))
        };
        let sure = |kind| Called { kind, distinct: ends(&WORDS) };
        match beside {
            // Others than these are anybody's words.
            Beside::Tag if name != TAG && !name.contains(&b':') && !name.contains(&b'/') => None,
            Beside::Tag => {
                let kind = self.meaning(b"tag", &name.to_ascii_lowercase())?;
                Some(Called { kind, distinct: false })
            }
            Beside::Other => {
                let own = || self.meaning(b"dimension", &plain(name));
                let variable = || self.variable(name).map(|kind| Called { kind, distinct: true });
                self.named(name).or_else(own).map(sure).or_else(variable)
            }
            Beside::Stack => {
                let last = words(name).find_map(|word| self.last(word)).map(sure);
                let resource = || self.meaning(b"tag", b"name").filter(|_| ends(&NAMING));
                last.or_else(|| Some(Called { kind: resource()?, distinct: true }))
            }
        }
    }

    /// What the last word of a variable says: `ORDERS_TABLE`.
    fn variable(&self, name: &[u8]) -> Option<Kind> {
        let of_variable = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
        let (at, own) = (name.iter().rposition(|b| *b == b'_')?, code::is_of_others(name));
        let last = name.get(at + 1..).filter(|_| !own && name.iter().all(of_variable))?;
        self.meaning(b"output", &plain(last))
    }

    /// What the last words of a name say: `TableName` of `OrdersTableName`.
    fn last(&self, word: &[u8]) -> Option<Kind> {
        let small = plain(word);
        let own = self.meaning(b"output", &small);
        own.or_else(|| self.meaning(b"dimension", &small)).or_else(|| self.named(word))
    }

    fn named(&self, name: &[u8]) -> Option<Kind> {
        self.key(name).filter(|key| !key.list).map(|key| key.kind)
    }

    pub(super) fn meaning(&self, of: &[u8], name: &[u8]) -> Option<Kind> {
        self.called.get([of, name].join(&b'.').as_slice()).copied()
    }

    /// The value whose key ends at `at`, by the name beside it.
    pub(super) fn beside(&self, text: &[u8], at: usize, out: &mut Findings) {
        let key = key_start(text, at)..at;
        if !is_value(part(text, &key)) {
            return;
        }
        let Some(Pair { key, name, held }) = sibling::pair(text, &key, LONGEST_VALUE) else {
            return;
        };
        let beside = Beside::of(part(text, &key));
        // Names of tags are read by a class.
        let word = part(text, &key);
        let named = ends_with(word, b"name") || ends_with(word, b"key");
        let other = beside == Beside::Other && !named;
        let (of, whole) = (part(text, &name), part(text, &held.span));
        let called = self.called(of, beside).filter(|called| called.fits(whole));
        // All of a tag's value is its name, whatever it is; other tags are read by a class.
        let tag = beside == Beside::Tag;
        let Some(Called { kind, .. }) = called.filter(|_| !other && (!tag || of == TAG)) else {
            return;
        };
        let alone = beside == Beside::Stack || (is_pascal(of) && !tag);
        let span = value::name(text, held.span.clone(), of);
        let run = if tag && held.quoted { value::run_spaced } else { value::run };
        let ends =
            matches!(text.get(held.span.end), None | Some(b'\n' | b'\r' | b'\\' | b'"' | b','));
        let span = span
            .filter(|_| run(text, held.span.start) == held.span && (!tag || held.quoted || ends));
        out.all.extend(span.map(|span| Named { span, kind, alone }));
    }

    /// Does the service answer with a secret that has this name?
    pub(super) fn is_held(&self, service: &[u8], operation: &[u8], member: &[u8]) -> bool {
        let one = single(operation);
        let held = |name: &[u8]| self.held.contains(name);
        held(&[service, member].join(&b'.')) || held(&[service, one, member].join(&b'.'))
    }
}

/// The name, and what is left of it without its first words, one after the other.
fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let begins = |at: usize| {
        let (before, here) = (name.get(at.wrapping_sub(1)), name.get(at));
        let next = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        match (before, here) {
            (None, Some(_)) => true,
            (Some(before), Some(here)) if here.is_ascii_alphanumeric() => {
                let upper = here.is_ascii_uppercase();
                !before.is_ascii_alphanumeric() || (upper && (before.is_ascii_lowercase() || next))
            }
            _ => false,
        }
    };
    (0..name.len()).filter(move |&at| begins(at)).filter_map(|at| name.get(at..))
}

/// Does a key end here that holds the value of a name: `Value`, `OutputValue`?
pub(super) fn is_value(key: &[u8]) -> bool {
    ends_with(key, VALUE)
}
