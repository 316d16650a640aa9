//! The part of a JSON object that stands behind a place in it, and the part before.

use std::ops::Range;

/// As far as it was read, in the order of the text.
pub(super) struct Part {
    tokens: Vec<Token>,
    pub read: usize,
}

#[derive(Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Colon,
    /// Without its quotes.
    Text(Range<usize>),
}

impl Part {
    /// The strings in the object below the key `name`, under keys of their own.
    pub(super) fn strings(&self, text: &[u8], name: &[u8]) -> Vec<Range<usize>> {
        let mut depth = 0_usize;
        let begins = self.tokens.windows(3).position(|three| {
            let own = depth == 0;
            depth = match three.first() {
                Some(Token::Open) => depth + 1,
                Some(Token::Close) => depth.saturating_sub(1),
                _ => depth,
            };
            let [Token::Text(key), Token::Colon, Token::Open] = three else { return false };
            own && text.get(key.clone()) == Some(name)
        });
        let Some(begins) = begins else { return Vec::new() };
        let inner = self.tokens.get(begins + 3..).unwrap_or_default();
        let (mut values, mut depth) = (Vec::new(), 0_usize);
        for (at, token) in inner.iter().enumerate() {
            match token {
                Token::Open => depth += 1,
                Token::Close if depth == 0 => break,
                Token::Close => depth -= 1,
                _ => {}
            }
            let Some([Token::Text(_), Token::Colon, Token::Text(value)]) = inner.get(at..at + 3)
            else {
                continue;
            };
            // `"a": null, "b": …`
            if depth == 0 && inner.get(at + 3) != Some(&Token::Colon) {
                values.push(value.clone());
            }
        }
        values
    }
}

/// Behind `at`, up to the end of the object.
pub(super) fn behind(text: &[u8], from: usize) -> Part {
    let until = text.len();
    let (mut at, mut depth, mut tokens) = (from, 0_usize, Vec::new());
    while at < until {
        let token = match text.get(at) {
            Some(b'{' | b'[') => Token::Open,
            Some(b'}' | b']') => Token::Close,
            Some(b':') => Token::Colon,
            Some(b'"') => {
                let Some(len) = close(text.get(at + 1..until).unwrap_or_default()) else { break };
                Token::Text(at + 1..at + 1 + len)
            }
            _ => {
                at += 1;
                continue;
            }
        };
        at = if let Token::Text(span) = &token { span.end + 1 } else { at + 1 };
        match token {
            Token::Open => depth += 1,
            Token::Close if depth == 0 => break,
            Token::Close => depth -= 1,
            Token::Text(ref key) if depth == 0 && is_kind(text, key) => break,
            _ => {}
        }
        tokens.push(token);
    }
    Part { tokens, read: at - from }
}

/// Before `until`, from the beginning of the object.
pub(super) fn before(text: &[u8], until: usize) -> Part {
    let first = 0;
    let (mut end, mut depth, mut tokens) = (until, 0_usize, Vec::new());
    while end > first {
        let token = match text.get(end - 1) {
            Some(b'{' | b'[') => Token::Open,
            Some(b'}' | b']') => Token::Close,
            Some(b':') => Token::Colon,
            Some(b'"') => {
                let Some(start) = open(text.get(first..end - 1).unwrap_or_default()) else { break };
                Token::Text(first + start..end - 1)
            }
            _ => {
                end -= 1;
                continue;
            }
        };
        end = if let Token::Text(span) = &token { span.start - 1 } else { end - 1 };
        match token {
            Token::Close => depth += 1,
            Token::Open if depth == 0 => break,
            Token::Open => depth -= 1,
            Token::Text(ref key) if depth == 0 && is_kind(text, key) => break,
            _ => {}
        }
        tokens.push(token);
    }
    tokens.reverse();
    Part { tokens, read: until - end }
}

/// No object has two kinds.
fn is_kind(text: &[u8], key: &Range<usize>) -> bool {
    text.get(key.clone()) == Some(b"kind")
}

/// The length of the string whose opening quote stands before.
fn close(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Where the string begins whose closing quote stands behind.
fn open(text: &[u8]) -> Option<usize> {
    let escaped = |at: usize| {
        let head = text.get(..at).unwrap_or_default();
        head.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
    };
    memchr::memrchr_iter(b'"', text).find(|&at| !escaped(at)).map(|at| at + 1)
}
