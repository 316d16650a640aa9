//! Calls of AWS's services, whose arguments have names: `update_service(cluster="NAME", …)`,
//! `UpdateServiceInput{Cluster: aws.String("NAME")}`, `aws.sqs.Queue("q", { name: "NAME" })`.

use std::collections::BTreeMap;

use crate::detect::Kind;
use crate::detect::catalog::Kinds;
use crate::detect::context::behind::quoted;
use crate::detect::context::bytes::over;
use crate::detect::context::code::unwrapped;
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::{Key, Names, plain, single};
use crate::detect::context::value;
use crate::detect::literals::Action;

/// No call is read further.
const CALL: usize = 1024;
/// No name of an argument is longer.
const WORD: usize = 40;
/// Spaces and line breaks between two words.
const BETWEEN: usize = 64;

/// What a call is about.
#[derive(Debug)]
enum About {
    /// An operation of a service.
    Operation { service: Box<str>, operation: Box<str> },
    /// What is made is called so by the argument `name`.
    Made(Kind),
}

/// How a call begins.
#[derive(Debug)]
pub(crate) struct Call {
    literal: Box<str>,
    about: About,
    /// The bracket of its arguments is open.
    open: bool,
}

/// All calls, of operations by their service, and of what makes something by its kind.
pub(super) fn calls(
    operations: &BTreeMap<String, String>,
    constructs: &BTreeMap<String, String>,
    kinds: &mut Kinds,
) -> Vec<Call> {
    let mut all = Vec::new();
    for (service, names) in operations {
        for name in names.split_ascii_whitespace() {
            for (literal, open) in spellings(service, name) {
                let operation = things(name).into();
                let about = About::Operation { service: service.as_str().into(), operation };
                all.push(Call { literal: literal.into(), about, open });
            }
        }
    }
    for (kind, literals) in constructs {
        let kind = kinds.make(kind);
        let literals = literals.split_ascii_whitespace();
        all.extend(literals.map(|literal| Call {
            literal: literal.into(),
            about: About::Made(kind),
            open: true,
        }));
    }
    all
}

/// What libraries call an operation, and whether a bracket ends it: `UpdateService`.
fn spellings(service: &str, name: &str) -> [(String, bool); 6] {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    let (first, rest) = name.split_at_checked(1).unwrap_or_default();
    let camel = first.to_ascii_lowercase() + rest;
    [
        // Of Step Functions.
        (format!("states:::{service}:{camel}"), false),
        (snake + "(", true),
        (camel + "(", true),
        (format!("{name}Input{{"), true),
        (format!("{name}Command("), true),
        (format!("{name}Request"), false),
    ]
}

/// Without its verb: `service` of `UpdateService`.
fn things(name: &str) -> String {
    let verb = name.char_indices().skip(1).find(|(_, letter)| letter.is_ascii_uppercase());
    verb.and_then(|(at, _)| name.get(at..)).unwrap_or_default().to_ascii_lowercase()
}

impl Names {
    /// How calls begin.
    pub(super) fn calls(&self) -> impl Iterator<Item = (String, Action)> {
        let all = self.calls.iter().enumerate();
        all.map(|(index, own)| (own.literal.to_string(), Action::Keyed(index)))
    }

    /// The arguments that follow the beginning number `index`, which ends at `from`.
    pub(crate) fn keyed(&self, index: usize, text: &[u8], from: usize, out: &mut Findings) {
        // In a call that is read none begins, so that each byte is read once.
        let Some(call) = self.calls.get(index).filter(|_| from >= out.call) else { return };
        let near = text.get(..from + CALL).unwrap_or(text);
        let (mut depth, mut at) = (usize::from(call.open), from);
        while let Some(&byte) = near.get(at) {
            match byte {
                b'(' | b'{' | b'[' => depth += 1,
                b')' | b'}' | b']' if depth <= usize::from(call.open) => break,
                b')' | b'}' | b']' => depth -= 1,
                b';' => break,
                b'"' | b'\'' | b'`' => {
                    let end = closed(near, at);
                    // A key, as JSON has it.
                    if near.get(over(near, end + 1, 2, b" ")) == Some(&b':') {
                        self.argument(call, near, at + 1, out);
                    }
                    at = end;
                }
                _ if byte.is_ascii_alphabetic() => {
                    at = self.argument(call, near, at, out);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        out.call = at;
    }

    /// The word at `at`, and its value, if it is the name of an argument. Gives where it ends.
    fn argument(&self, call: &Call, text: &[u8], at: usize, out: &mut Findings) -> usize {
        let rest = text.get(at..).unwrap_or_default();
        let of_word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
        let len = rest.iter().take_while(of_word).count();
        let word = rest.get(..len).filter(|word| word.len() <= WORD).unwrap_or_default();
        let sign = over(text, over(text, at + len, 2, b"\"'"), 2, b" ");
        let assigns = match text.get(sign..) {
            Some([b':', b':', ..] | [b'=', b'=', ..]) => false,
            Some([b'=' | b':' | b'(', ..]) => true,
            _ => false,
        };
        if let Some(kind) =
            Some(()).filter(|()| assigns && len > 0).and_then(|()| self.means(call, word))
        {
            let key = Key { kind, alone: false, spaced: false, list: false };
            each(text, sign + 1, key, |span| {
                let span = value::name(text, span, word);
                out.all.extend(span.map(|span| Named { span, kind, alone: false }));
            });
        }
        at + len.max(1)
    }

    /// What an argument of this name is.
    fn means(&self, call: &Call, word: &[u8]) -> Option<Kind> {
        let name = plain(word);
        match &call.about {
            About::Made(kind) => (name == b"name").then_some(*kind),
            About::Operation { service, operation } => {
                let find = |name: &[u8]| {
                    self.meant(service.as_bytes(), single(operation.as_bytes()), name)
                };
                find(&name).or_else(|| find(name.strip_suffix(b"s")?))
            }
        }
    }
}

/// Behind a string; the quote of a word that is cut off ends with its line.
fn closed(text: &[u8], open: usize) -> usize {
    let quote = text.get(open);
    let rest = text.get(open + 1..).unwrap_or_default();
    let len = rest.iter().position(|b| Some(b) == quote || *b == b'\n');
    open + 1 + len.unwrap_or(rest.len())
}

/// The text in quotes, or those in a list, that begins at `from`.
fn each(text: &[u8], from: usize, key: Key, mut found: impl FnMut(std::ops::Range<usize>)) {
    let start = over(text, from, BETWEEN, b" \t\r\n");
    if let Some((span, _)) = quoted(text, unwrapped(text, start), key) {
        return found(span);
    }
    let rest = text.get(start..).unwrap_or_default();
    let open = match rest {
        [b'[', b'"' | b'\'' | b' ' | b'\n', ..] => start + 1,
        _ if rest.starts_with(b"[]string{") => start + 9,
        _ => return,
    };
    let mut at = open;
    while let Some((span, end)) = quoted(text, over(text, at, BETWEEN, b" \t\r\n,"), key) {
        found(span);
        at = end;
    }
}
