//! What keys and heads of columns announce: whether it is a secret, and of which kind.

use std::ops::Range;

use crate::detect::context::bytes::{ends_with, parent, part};
use crate::detect::context::columns::{self, Wanted};
use crate::detect::context::password::{self, near::Word};
use crate::detect::context::secret;
use crate::detect::context::secret::setting::{self, Holds};
use crate::detect::context::secret::variable;
use crate::detect::context::shape::{self, Shape};
use crate::detect::context::sibling::{self, Pair};
use crate::detect::context::{Context, Name, Rule, finding, runs, terraform};
use crate::detect::{Finding, Kind};

impl Context {
    /// Columns of secrets, and those of values beside a column of their names.
    pub(super) fn tables(&self, text: &[u8], heads: &[usize], out: &mut Vec<Finding>) {
        if !self.settings {
            return;
        }
        // Names of secrets, and the addresses of tokens on a chain, are none.
        let is = |value: &[u8]| {
            let open = value.contains(&b'/') || value.starts_with(b"0x");
            !open && secret::is_by_chance(value, true)
        };
        let wanted = Wanted { names: secret::is_head, is, single: false, again: false };
        let (mut read, mut read_pairs) = (0, 0);
        for &at in heads {
            columns::below(text, at, &wanted, &mut read, |span| {
                out.push(finding(span, self.random));
            });
            columns::pairs(text, at, &mut read_pairs, |name, value| {
                if !password::is_in_table(part(text, &value)) {
                    return;
                }
                let name = part(text, &name).rsplit(|b| *b == b'/').next().unwrap_or_default();
                let kind = self.secret(of_secret(name), part(text, &value), true, true);
                out.extend(kind.map(|kind| finding(value, kind)));
            });
        }
    }

    /// What the key announces that ends at `at`, or the name beside it; else what looks like a
    /// secret near it. `read` as for [`password::near_key`].
    pub(super) fn announced(
        &self,
        text: &[u8],
        at: usize,
        (endless, read): (&mut Range<usize>, &mut Range<usize>),
        out: &mut Vec<Finding>,
    ) {
        let key = password::key_start(text, at)..at;
        let word = part(text, &key);
        if ends_with(word, sibling::VALUE) {
            return out.extend(with_new(text, self.beside(text, &key)));
        }
        // `"Jwt": {"Key": "…"}`
        let parent = if word.eq_ignore_ascii_case(b"key") { parent(text, key.start) } else { None };
        let whole = parent.map(|parent| [parent, word].concat());
        let word = whole.as_deref().unwrap_or(word);
        let name = Name::new(word);
        let labeled = self.rules.iter().any(|rule| rule.is_secret() && rule.has_label(&name));
        if !labeled && self.setting(word).is_none() {
            return;
        }
        if let Some(found) = self.kept(text, at, word, endless) {
            out.extend(with_new(text, Some(found)));
        } else if self.settings && whole.is_none() {
            password::near_key(text, at, Word::Key, read, |span| {
                out.push(finding(span, self.random));
            });
        }
    }

    /// What the name announces that stands beside the value whose key this is.
    fn beside(&self, text: &[u8], key: &Range<usize>) -> Option<Finding> {
        let Pair { name, held, .. } = sibling::pair(text, key, secret::LONGEST)?;
        let name = of_secret(part(text, &name));
        let kind = self.secret(name, part(text, &held.span), held.quoted, true)?;
        Some(finding(held.span, kind))
    }

    /// The secret that a key of this name holds, which ends at `at`.
    fn kept(
        &self,
        text: &[u8],
        at: usize,
        word: &[u8],
        endless: &mut Range<usize>,
    ) -> Option<Finding> {
        let held = password::held_beyond(text, at, secret::LONGEST, endless)?;
        if !held.quoted && password::is_type(text, at, &held.span) {
            return None;
        }
        let of = |span: Range<usize>| {
            let value = part(text, &span);
            let set = text.get(at) == Some(&b'=') && setting::is_short(word);
            let alone = held.quoted || set || password::is_line(text, at, &span);
            // Where a shell stands, too.
            let kind = if word.eq_ignore_ascii_case(b"pwd") {
                setting::is_evident(value, alone).then_some(self.chosen)
            } else {
                let quoted = held.quoted || password::is_by_signs(text, at, &span);
                self.secret(word, value, quoted, alone)
            };
            kind.map(|kind| finding(span, kind))
        };
        // What ends a sentence, or bold letters, ends no secret that chance made.
        let value = part(text, &held.span);
        let marks = value.iter().rev().take_while(|b| b".!?*:>".contains(b)).count();
        let free = held.span.start..held.span.end - marks;
        let made = !held.quoted && marks > 0 && secret::is_by_chance(part(text, &free), false);
        of(if made { free } else { held.span.clone() })
    }

    /// What a setting of this name holds, if it is a secret.
    pub(super) fn setting(&self, name: &[u8]) -> Option<Holds> {
        if self.settings { setting::holds(name) } else { None }
    }

    /// The kind of a value, if it is the secret that its name announces. `alone`: no words follow
    /// it.
    pub(super) fn secret(
        &self,
        key: &[u8],
        value: &[u8],
        quoted: bool,
        alone: bool,
    ) -> Option<Kind> {
        let name = &Name::new(key);
        let is = |rule: &&Rule| match rule.value {
            Shape::Password => password::is_password(value, quoted),
            Shape::Random => secret::is_secret(value, quoted),
            Shape::SecretKey => runs::is_base64(value) && shape::is_secret_key(value),
            _ => false,
        };
        let rule = self.rules.iter().filter(|rule| rule.has_label(name)).find(is);
        let made = || secret::is_uuid_of(key, value) || variable::is(key, value);
        let random = || (self.settings && made()).then_some(self.random);
        rule.map(|rule| rule.kind).or_else(random).or_else(|| match self.setting(key)? {
            Holds::Login if password::is_login(value, quoted) => Some(self.chosen),
            Holds::Random | Holds::Login => {
                secret::is_by_chance(value, quoted).then_some(self.random)
            }
            Holds::Evident => setting::is_evident(value, quoted || alone).then_some(self.chosen),
            // What is followed by more words nobody chose.
            Holds::Chosen => {
                let chosen = password::is_password(value, quoted) && setting::is_chosen(key, value);
                (chosen && alone).then_some(self.chosen)
            }
        })
    }
}

/// A secret, and what it becomes, where a plan shows both.
fn with_new(text: &[u8], old: Option<Finding>) -> impl Iterator<Item = Finding> {
    let is = |value: &[u8]| password::is_password(value, true) || secret::is_by_chance(value, true);
    let new = old.as_ref().and_then(|old| {
        terraform::changed(text, &old.span, is).map(|span| finding(span, old.kind))
    });
    new.into_iter().chain(old)
}

/// The name of a secret, without what says which of several it is.
pub(super) fn of_secret(name: &[u8]) -> &[u8] {
    let from = name.len().saturating_sub(16);
    let suffix = (from..name.len()).find(|&at| {
        let rest = name.get(at..).unwrap_or_default();
        let begins = |b: &u8| matches!(b, b'_' | b'v' | b'A'..=b'Z' | b'0'..=b'9');
        rest.first().is_some_and(begins) && password::suffix(rest) == rest.len()
    });
    name.get(..suffix.unwrap_or(name.len())).unwrap_or_default()
}
