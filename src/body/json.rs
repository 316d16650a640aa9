//! A JSON document as a flat list of tokens over its source (RFC 8259).
//!
//! The document is not copied and not built: each token is a span, and a
//! container knows where its contents end. Whatever is not rewritten can thus
//! be forwarded byte for byte.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

use crate::body::escape;
use crate::body::strings::Strings;

/// A guess, low enough for long texts and high enough for short ones.
const BYTES_PER_TOKEN: usize = 32;

/// What a token is. A key is followed by its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Object,
    Array,
    Key,
    String,
    Number,
    /// `true`, `false` or `null`.
    Word,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    shape: Shape,
    /// Of a key or string: it has escapes.
    escaped: bool,
    start: u32,
    end: u32,
    /// The first token that is not inside this one.
    next: u32,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum JsonError {
    #[error("the body nests deeper than {0} levels")]
    Depth(usize),
    #[error("the body is not JSON: byte {0}")]
    Syntax(usize),
    #[error("the body is larger than 4 GiB")]
    Size,
}

/// The tokens of one document.
#[derive(Debug)]
pub struct Tape<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    strings: Strings,
}

/// A tape without its source, which may then be moved.
#[derive(Debug)]
pub struct Tokens {
    length: usize,
    tokens: Vec<Token>,
    strings: Strings,
}

/// A place on a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node(u32);

impl<'a> Tape<'a> {
    /// Reads one document that nests at most `depth` levels.
    pub fn parse(source: &'a str, depth: usize) -> Result<Self, JsonError> {
        if u32::try_from(source.len()).is_err() {
            return Err(JsonError::Size);
        }
        let bytes = source.as_bytes();
        let strings = Strings::new(bytes);
        let tokens = Vec::with_capacity(source.len() / BYTES_PER_TOKEN);
        let mut reader = Reader { bytes, at: 0, tokens, depth, strings: &strings };
        reader.document()?;
        let tokens = reader.tokens;
        Ok(Self { source, tokens, strings })
    }

    /// Lets go of the source.
    #[must_use]
    pub fn into_tokens(self) -> Tokens {
        Tokens { length: self.source.len(), tokens: self.tokens, strings: self.strings }
    }

    /// The tape of a source that was read before; of another, one that holds nothing.
    #[must_use]
    pub fn of(source: &'a str, tokens: Tokens) -> Self {
        let Tokens { length, tokens, strings } = tokens;
        let same = length == source.len();
        let tokens = if same { tokens } else { Vec::new() };
        Self { source, tokens, strings }
    }

    #[must_use]
    pub fn source(&self) -> &'a str {
        self.source
    }

    #[must_use]
    pub fn root(&self) -> Node {
        Node(0)
    }

    #[must_use]
    pub fn shape(&self, node: Node) -> Shape {
        self.token(node).shape
    }

    /// The span in the source; for keys and strings without the quotes.
    #[must_use]
    pub fn span(&self, node: Node) -> Range<usize> {
        let token = self.token(node);
        to_usize(token.start)..to_usize(token.end)
    }

    /// The source of [`Tape::span`]: still escaped.
    #[must_use]
    pub fn raw(&self, node: Node) -> &'a str {
        self.source.get(self.span(node)).unwrap_or_default()
    }

    /// A key or string, unescaped.
    #[inline]
    #[must_use]
    pub fn text(&self, node: Node) -> Cow<'a, str> {
        match self.token(node).escaped {
            false => Cow::Borrowed(self.raw(node)),
            true => escape::decode(self.raw(node)),
        }
    }

    /// Is this a key or string that says `text`?
    #[inline]
    fn is(&self, node: Node, text: &str) -> bool {
        let Token { escaped, start, end, .. } = self.token(node);
        let (start, end) = (to_usize(start), to_usize(end));
        match escaped {
            false if end - start != text.len() => false,
            false => self.source.as_bytes().get(start..end) == Some(text.as_bytes()),
            // An escape is longer than what it stands for.
            true => end - start > text.len() && self.text(node) == text,
        }
    }

    /// Where escapes begin.
    pub(crate) fn strings(&self) -> &Strings {
        &self.strings
    }

    /// Keys and values of an object, in the order of the source.
    pub fn fields(&self, object: Node) -> impl Iterator<Item = (Node, Node)> + '_ {
        let end = self.inner_end(object, Shape::Object);
        let mut at = object.0 + 1;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let (key, value) = (Node(at), Node(at + 1));
                at = self.token(value).next;
                (key, value)
            })
        })
    }

    /// Elements of an array.
    pub fn items(&self, array: Node) -> impl Iterator<Item = Node> + '_ {
        let end = self.inner_end(array, Shape::Array);
        let mut at = array.0 + 1;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let item = Node(at);
                at = self.token(item).next;
                item
            })
        })
    }

    /// The value of the field `name`, if the object has exactly one.
    #[must_use]
    pub fn field(&self, object: Node, name: &str) -> Option<Node> {
        let end = self.inner_end(object, Shape::Object);
        let (mut at, mut found) = (object.0 + 1, None);
        while at < end {
            let (key, value) = (Node(at), Node(at + 1));
            let Token { escaped, start, end, .. } = self.token(key);
            // Most keys have another length.
            let may_be = escaped || to_usize(end - start) == name.len();
            if may_be && self.is(key, name) && found.replace(value).is_some() {
                return None;
            }
            at = self.token(value).next;
        }
        found
    }

    /// Does a key occur twice? Parsers differ on which one counts.
    #[must_use]
    pub fn repeats(&self, object: Node) -> bool {
        let mut few = [""; 8];
        let mut count = 0;
        for (key, _) in self.fields(object) {
            let slot = few.get_mut(count).filter(|_| !self.token(key).escaped);
            let Some(slot) = slot else { return self.repeats_among_many(object) };
            (*slot, count) = (self.raw(key), count + 1);
        }
        let keys = few.get(..count).unwrap_or_default();
        keys.iter().enumerate().any(|(at, key)| keys.iter().take(at).any(|other| other == key))
    }

    fn repeats_among_many(&self, object: Node) -> bool {
        let mut keys: Vec<_> = self.fields(object).map(|(key, _)| self.text(key)).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair.first() == pair.last())
    }

    fn inner_end(&self, node: Node, shape: Shape) -> u32 {
        let token = self.token(node);
        if token.shape == shape { token.next } else { node.0 }
    }

    #[inline]
    fn token(&self, node: Node) -> Token {
        const NONE: Token =
            Token { shape: Shape::Word, escaped: false, start: 0, end: 0, next: u32::MAX };
        self.tokens.get(to_usize(node.0)).copied().unwrap_or(NONE)
    }
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Positions fit: `Tape::parse` refuses what is larger than 4 GiB.
fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    depth: usize,
    strings: &'a Strings,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    CommaOrEnd,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), JsonError> {
        let mut open: Vec<usize> = Vec::new();
        let mut expect = Expect::Value;
        loop {
            self.space();
            let byte = self.peek();
            match (expect, byte) {
                (Expect::ValueOrEnd, Some(b']')) | (Expect::KeyOrEnd, Some(b'}')) => {
                    expect = self.close(&mut open)?;
                }
                (Expect::CommaOrEnd, Some(b',')) => {
                    self.at += 1;
                    expect = match self.innermost(&open) {
                        Some(Shape::Object) => Expect::Key,
                        _ => Expect::Value,
                    };
                }
                (Expect::CommaOrEnd, Some(b']' | b'}')) => expect = self.close(&mut open)?,
                (Expect::Key | Expect::KeyOrEnd, Some(b'"')) => {
                    self.string(Shape::Key)?;
                    self.space();
                    if self.peek() != Some(b':') {
                        return Err(self.error());
                    }
                    self.at += 1;
                    expect = Expect::Value;
                }
                (Expect::Value | Expect::ValueOrEnd, Some(b'{' | b'[')) => {
                    expect = self.open(&mut open)?;
                }
                (Expect::Value | Expect::ValueOrEnd, Some(_)) => {
                    self.scalar()?;
                    expect = Expect::CommaOrEnd;
                }
                _ => return Err(self.error()),
            }
            if open.is_empty() && expect == Expect::CommaOrEnd {
                self.space();
                return if self.peek().is_none() { Ok(()) } else { Err(self.error()) };
            }
        }
    }

    fn open(&mut self, open: &mut Vec<usize>) -> Result<Expect, JsonError> {
        if open.len() >= self.depth {
            return Err(JsonError::Depth(self.depth));
        }
        let shape = if self.peek() == Some(b'{') { Shape::Object } else { Shape::Array };
        open.push(self.tokens.len());
        self.push(shape, self.at, self.at);
        self.at += 1;
        Ok(if shape == Shape::Object { Expect::KeyOrEnd } else { Expect::ValueOrEnd })
    }

    fn close(&mut self, open: &mut Vec<usize>) -> Result<Expect, JsonError> {
        let wanted = if self.peek() == Some(b'}') { Shape::Object } else { Shape::Array };
        if self.innermost(open) != Some(wanted) {
            return Err(self.error());
        }
        self.at += 1;
        let next = to_u32(self.tokens.len());
        let end = to_u32(self.at);
        if let Some(token) = open.pop().and_then(|index| self.tokens.get_mut(index)) {
            (token.next, token.end) = (next, end);
        }
        Ok(Expect::CommaOrEnd)
    }

    fn innermost(&self, open: &[usize]) -> Option<Shape> {
        open.last().and_then(|&index| self.tokens.get(index)).map(|token| token.shape)
    }

    fn scalar(&mut self) -> Result<(), JsonError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.first() {
            Some(b'"') => self.string(Shape::String),
            Some(b'-' | b'0'..=b'9') => {
                let len = number_len(rest).ok_or_else(|| self.error())?;
                self.push(Shape::Number, self.at, self.at + len);
                self.at += len;
                Ok(())
            }
            _ => {
                let words: [&[u8]; 3] = [b"true", b"false", b"null"];
                let word = words.into_iter().find(|word| rest.starts_with(word));
                let len = word.ok_or_else(|| self.error())?.len();
                self.push(Shape::Word, self.at, self.at + len);
                self.at += len;
                Ok(())
            }
        }
    }

    fn string(&mut self, shape: Shape) -> Result<(), JsonError> {
        let start = self.at + 1;
        let Some(end) = self.strings.end(start) else {
            self.at = self.bytes.len();
            return Err(self.error());
        };
        self.token(shape, self.strings.has_escape(start..end), start, end);
        self.at = end + 1;
        Ok(())
    }

    fn push(&mut self, shape: Shape, start: usize, end: usize) {
        self.token(shape, false, start, end);
    }

    #[inline]
    fn token(&mut self, shape: Shape, escaped: bool, start: usize, end: usize) {
        let next = to_u32(self.tokens.len() + 1);
        let (start, end) = (to_u32(start), to_u32(end));
        self.tokens.push(Token { shape, escaped, start, end, next });
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }
}

/// The length of the number at the start of `text`.
fn number_len(text: &[u8]) -> Option<usize> {
    let digits = |at: usize| {
        text.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && text.get(at) == Some(&b'0')) {
        return None;
    }
    at += whole;
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        at += 1 + (fraction > 0).then_some(fraction)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        at += 1 + sign + (exponent > 0).then_some(exponent)?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> bool {
        Tape::parse(text, 8).is_ok()
    }

    #[test]
    fn accepts_what_json_is_and_nothing_else() {
        for good in [
            "1",
            "-0",
            "0.5e-3",
            "\"\"",
            r#" {"a":[1,{"b":null}],"c":"\\\""} "#,
            "[]",
            "{}",
            "[[]]",
            "true",
            "[1, 2]",
            r#"{"a":{},"b":[]}"#,
        ] {
            assert!(valid(good), "{good}");
        }
        for bad in [
            "",
            "01",
            "1.",
            "-",
            "{",
            "}",
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "\"",
            r#""\"#,
            "[1}",
            "1 2",
            "nul",
            "{1:2}",
            r#"{"a" 1}"#,
            "[,1]",
            "1e",
            "'a'",
        ] {
            assert!(!valid(bad), "{bad}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(Tape::parse(&"[".repeat(100_000), 128).unwrap_err(), JsonError::Depth(128));
        assert!(Tape::parse(&format!("{}{}", "[".repeat(128), "]".repeat(128)), 128).is_ok());
    }

    #[test]
    fn fields_and_items_are_walked() {
        let tape = Tape::parse(r#"{"a":[1,[2],"x"],"b\u0063":{"d":0}}"#, 8).unwrap();
        let root = tape.root();
        let a = tape.field(root, "a").unwrap();
        assert_eq!(tape.items(a).map(|n| tape.raw(n)).last(), Some("x"));
        let bc = tape.field(root, "bc").unwrap();
        assert_eq!(tape.raw(tape.field(bc, "d").unwrap()), "0");
        assert!(tape.field(root, "d").is_none());
        assert!(!tape.repeats(root));
        let twice = Tape::parse(r#"{"a":1,"b":2,"\u0061":3}"#, 8).unwrap();
        assert!(twice.repeats(twice.root()) && twice.field(twice.root(), "a").is_none());
    }
}
