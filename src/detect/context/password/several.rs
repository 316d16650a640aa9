//! Several secrets under one name, in braces and brackets: `PASSWORDS = {"root": "…", "ops": "…"}`,
//! `KEYS = ['…', '…']`.

use std::ops::Range;

use crate::detect::boundary::fits;
use crate::detect::context::bytes::over;

/// So many are read.
const MOST: usize = 32;
/// Spaces, quotes and line breaks between two.
const BETWEEN: usize = 64;
/// No name in front of one is longer, nor one itself.
const LONGEST: usize = 128;

/// Each value in the braces or brackets behind the key that ends at `at`, in quotes. `is` tells
/// whether it is a secret.
pub(in crate::detect::context) fn each(
    text: &[u8],
    at: usize,
    is: impl Fn(&[u8]) -> bool,
    mut found: impl FnMut(Range<usize>),
) {
    let at = at + usize::from(matches!(text.get(at), Some(b's' | b'S')));
    let sign = over(text, at, BETWEEN, b"\\\"'` ");
    let Some(b':' | b'=') = text.get(sign) else { return };
    let open = over(text, sign + 1, BETWEEN, b">= \t\r\n");
    let keyed = match text.get(open) {
        Some(b'{') => true,
        Some(b'[') => false,
        _ => return,
    };
    let mut at = open + 1;
    for _ in 0..MOST {
        let start = over(text, at, BETWEEN, b" \t\r\n,");
        let Some(value) = (if keyed { behind_name(text, start) } else { Some(start) }) else {
            return;
        };
        let Some(span) = quoted(text, value) else { return };
        at = over(text, span.end, 2, b"\\\"'`");
        if text.get(span.clone()).is_some_and(&is) && fits(text, &span) {
            found(span);
        }
    }
}

/// Behind `"root": ` and `root => `.
fn behind_name(text: &[u8], start: usize) -> Option<usize> {
    let start = over(text, start, 2, b"\\\"'`");
    let rest = text.get(start..)?;
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_-.@/".contains(b);
    let len = rest.iter().take(LONGEST).take_while(of_name).count();
    let sign = over(text, start + len, BETWEEN, b"\\\"'` ");
    matches!(text.get(sign), Some(b':' | b'=')).then(|| over(text, sign + 1, BETWEEN, b"> "))
}

/// The text in quotes that begin here.
fn quoted(text: &[u8], at: usize) -> Option<Range<usize>> {
    let at = over(text, at, 1, b"\\");
    let quote = *text.get(at).filter(|b| b"\"'`".contains(b))?;
    let rest = text.get(at + 1..)?;
    let ends = |b: &u8| *b == quote || *b == b'\\' || *b == b'\n';
    let len = rest.iter().take(LONGEST + 1).position(ends)?;
    Some(at + 1..at + 1 + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
        let at = text.find(word).unwrap() + word.len();
        let mut all = Vec::new();
        each(text.as_bytes(), at, |own| own.len() > 5, |span| all.push(text.get(span).unwrap()));
        all
    }

    #[test]
    fn several_are_read() {
        for (text, expected) in [
            (
                r#"PASSWORDS = {"root": "Gr4fana!Adm", "ops": 'Blue-Falcon'}"#,
                vec!["Gr4fana!Adm", "Blue-Falcon"],
            ),
            (
                "PASSWORD: {prod: \"Gr4fana!\", dev: \"x\", qa: \"Winter24!\"}",
                vec!["Gr4fana!", "Winter24!"],
            ),
            ("PASSWORDS = [\n  'Gr4fana!',\n  'Winter24!',\n]", vec!["Gr4fana!", "Winter24!"]),
            (r#"\"PASSWORDS\": [\"Gr4fana!\", \"Winter24!\"]"#, vec!["Gr4fana!", "Winter24!"]),
            ("'PASSWORDS' => ['a' => 'Gr4fana!']", vec![]),
            ("PASSWORDS = {root: 12345678, ops: 'Winter24!'}", vec![]),
            ("PASSWORDS are {a: 'Winter24!'}", vec![]),
            ("PASSWORDS = {", vec![]),
        ] {
            assert_eq!(values(text, "PASSWORD"), expected, "{text}");
        }
        let many = format!("PASSWORDS = [{}]", "'Winter24!', ".repeat(100));
        assert_eq!(values(&many, "PASSWORD").len(), MOST);
    }
}
