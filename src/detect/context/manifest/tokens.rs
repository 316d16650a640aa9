//! The part of a JSON object that stands behind a place in it, and the part before.

use std::ops::Range;

/// As far as it was read, in the order of the text.
pub(super) struct Part {
    tokens: Vec<Token>,
    pub read: usize,
}

#[derive(PartialEq, Eq)]
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

/// Behind `from`, up to the end of the object.
pub(super) fn behind(text: &[u8], from: usize) -> Part {
    let mut at = from;
    let tokens = of_object(text, &Token::Close, || {
        let token = loop {
            let byte = *text.get(at)?;
            at += 1;
            match byte {
                b'"' => {
                    let len = close(text.get(at..)?)?;
                    break Token::Text(at..at + len);
                }
                _ => {
                    if let Some(sign) = Token::of(byte) {
                        break sign;
                    }
                }
            }
        };
        if let Token::Text(span) = &token {
            at = span.end + 1;
        }
        Some(token)
    });
    Part { tokens, read: at - from }
}

/// Before `until`, from the beginning of the object.
pub(super) fn before(text: &[u8], until: usize) -> Part {
    let mut end = until;
    let mut tokens = of_object(text, &Token::Open, || {
        let token = loop {
            end = end.checked_sub(1)?;
            match *text.get(end)? {
                b'"' => break Token::Text(open(text.get(..end)?)?..end),
                byte => {
                    if let Some(sign) = Token::of(byte) {
                        break sign;
                    }
                }
            }
        };
        if let Token::Text(span) = &token {
            end = span.start - 1;
        }
        Some(token)
    });
    tokens.reverse();
    Part { tokens, read: until - end }
}

impl Token {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b'{' | b'[' => Self::Open,
            b'}' | b']' => Self::Close,
            b':' => Self::Colon,
            _ => return None,
        })
    }
}

/// The tokens up to the bracket with which the object ends, or to another kind.
fn of_object(text: &[u8], end: &Token, next: impl FnMut() -> Option<Token>) -> Vec<Token> {
    let mut depth = 0_usize;
    let inside = |token: &Token| {
        match token {
            Token::Open | Token::Close if token != end => depth += 1,
            Token::Open | Token::Close => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            Token::Text(key) if depth == 0 && is_kind(text, key) => return false,
            _ => {}
        }
        true
    };
    std::iter::from_fn(next).take_while(inside).collect()
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
