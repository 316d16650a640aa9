//! What stands before a value on its line: its key, and words.

use std::ops::Range;

use memchr::memmem;

use crate::detect::boundary::holds_masked;
use crate::detect::context::Name;

/// How far before a value its key and words may stand.
const LEAD: usize = 56;

/// What stands before a value on its line, ready to be compared.
pub(super) struct Lead {
    pub key: Name,
    /// In small letters.
    pub words: Vec<u8>,
}

impl Lead {
    /// Of the words before a value, those in `span` that no other value stands behind: its
    /// placeholder is shorter or longer, and masking again must not see more words.
    pub(super) fn new(text: &[u8], span: Range<usize>) -> Self {
        let lead = lead(text, span);
        let words = unmasked(without_modules(lead)).to_ascii_lowercase();
        Self { key: Name::new(key_before(lead)), words }
    }
}

/// What stands before a value on its line.
fn lead(text: &[u8], span: Range<usize>) -> &[u8] {
    let from = span.end.saturating_sub(LEAD).max(span.start);
    let lead = text.get(from..span.end).unwrap_or_default();
    let real = memchr::memrchr(b'\n', lead).map(|at| at + 1);
    let escaped = memmem::rfind(lead, b"\\n").map(|at| at + 2);
    lead.get(real.max(escaped).unwrap_or_default()..).unwrap_or_default()
}

/// What follows the last placeholder: `AWS_ACCOUNT_…` does not make its neighbor an account.
fn unmasked(lead: &[u8]) -> &[u8] {
    let apart = |b: &u8| !b.is_ascii_alphanumeric() && *b != b'_';
    let mut rest = lead;
    let mut behind = 0;
    for word in lead.rsplit(apart) {
        if holds_masked(word) {
            rest = lead.get(lead.len() - behind..).unwrap_or_default();
            break;
        }
        behind += word.len() + 1;
    }
    rest
}

/// Without paths of modules: `app::account::save id=` speaks of code, `AWS::AccountId` does not.
fn without_modules(lead: &[u8]) -> &[u8] {
    let Some(at) = memmem::rfind(lead, b"::") else { return lead };
    let rest = lead.get(at + 2..).unwrap_or_default();
    let of_module = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'_';
    rest.get(rest.iter().take_while(of_module).count()..).unwrap_or_default()
}

/// The key, variable or flag right before a value.
fn key_before(lead: &[u8]) -> &[u8] {
    let quote = |b: &u8| b" \t\"'`\\[({".contains(b);
    let lead = drop_while(lead, quote);
    let ([key @ .., b'=', b'>'] | [key @ .., b':', b'='] | [key @ .., b':' | b'=']) = lead else {
        let flag = last_word(lead);
        return if flag.starts_with(b"--") { flag } else { b"" };
    };
    last_word(drop_while(key, |b| quote(b) || b"])".contains(b)))
}

fn drop_while(text: &[u8], skip: impl Fn(&u8) -> bool) -> &[u8] {
    let drop = text.iter().rev().take_while(|b| skip(b)).count();
    text.get(..text.len() - drop).unwrap_or_default()
}

fn last_word(text: &[u8]) -> &[u8] {
    let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"_-.".contains(b);
    let len = text.iter().rev().take_while(of_word).count();
    text.get(text.len() - len..).unwrap_or_default()
}
