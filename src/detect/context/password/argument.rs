//! Secrets that a call is given: `jwt.sign(payload, "VALUE")`, `createHmac('sha256', 'VALUE')`,
//! `SecretKeySpec("VALUE".getBytes(), "HmacSHA256")`.
//!
//! What is signed stands beside the key, and the name of the method, so that a value has to look
//! like a secret.

use std::ops::Range;

use crate::detect::boundary::fits;
use crate::detect::context::bytes::part;
use crate::detect::context::password::is_chosen;
use crate::detect::context::password::near::Word;
use crate::detect::context::secret::is_by_chance;

/// No call is read further.
const REACH: usize = 320;

/// How calls begin that are given a key or a password.
pub(in crate::detect) const CALLS: [&str; 45] = [
    "SecretKeySpec(",
    "HMAC256(",
    "HMAC384(",
    "HMAC512(",
    "hmacShaKeyFor(",
    "PBEKeySpec(",
    "jwt.sign(",
    "jwt.verify(",
    "jwt.encode(",
    "jwt.decode(",
    "JWT.encode(",
    "JWT.decode(",
    "JWT::encode(",
    "JWT::decode(",
    "createHmac(",
    "createCipheriv(",
    "createDecipheriv(",
    "encrypt(",
    "decrypt(",
    "HmacSHA1(",
    "HmacSHA256(",
    "HmacSHA512(",
    "hmac.new(",
    "hmac.New(",
    "_hmac(",
    "HMAC.new(",
    "HMAC.digest(",
    "HMAC.hexdigest(",
    "Fernet(",
    "URLSafeSerializer(",
    "URLSafeTimedSerializer(",
    "SecretBox(",
    "SignedString(",
    "NewCookieStore(",
    "NewCipher(",
    "SymmetricSecurityKey(",
    "HMACSHA256(",
    "HMACSHA512(",
    "_secret(",
    "cookieParser(",
    "bind_s(",
    "auth(",
    "define(",
    "setdefault(",
    "UsernamePasswordAuthenticationToken(",
];

/// Calls `found` with each text in quotes that looks like a secret, of the call whose arguments
/// begin at `at`. Gives where it ends.
pub(in crate::detect) fn each(
    text: &[u8],
    at: usize,
    mut found: impl FnMut(Range<usize>, Word),
) -> usize {
    let until = text.len().min(at + REACH);
    let (mut from, mut open) = (at, 1_u32);
    while from < until && open > 0 {
        match text.get(from) {
            Some(b'(') => open += 1,
            Some(b')') => open -= 1,
            Some(b'"' | b'\'' | b'`') => {
                let Some(span) = quoted(text, from) else { return from };
                if let Some(word) = kind(part(text, &span)).filter(|_| fits(text, &span)) {
                    found(span.clone(), word);
                }
                from = over_quote(text, span.end);
                continue;
            }
            _ => {}
        }
        from += 1;
    }
    from
}

/// The text that begins behind the quote at `at`, without what escapes its end.
fn quoted(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (quote, rest) = text.get(at..)?.split_first()?;
    let near = rest.get(..REACH).unwrap_or(rest);
    let len = near
        .iter()
        .position(|b| b == quote || *b == b'\n')
        .filter(|len| near.get(*len) == Some(quote))?;
    let escapes = near.get(..len)?.iter().rev().take_while(|b| **b == b'\\').count();
    Some(at + 1..at + 1 + len - escapes)
}

/// Behind the quote, and what escapes it.
fn over_quote(text: &[u8], at: usize) -> usize {
    let escapes = text.get(at..).unwrap_or_default().iter().take_while(|b| **b == b'\\').count();
    at + escapes + 1
}

/// Is this a secret although nothing but a call names it?
pub(super) fn kind(value: &[u8]) -> Option<Word> {
    if is_by_chance(value, true) {
        return Some(Word::Key);
    }
    is_chosen(value).then_some(Word::Password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let at = CALLS.iter().find_map(|call| Some(text.find(call)? + call.len())).unwrap();
        let mut all = Vec::new();
        each(text.as_bytes(), at, |span, _| all.push(text.get(span).unwrap()));
        all
    }

    #[test]
    fn secrets_that_calls_are_given() {
        for (text, values) in [
            ("jwt.sign({ id: user.id }, 'q9Zt7LmPx2Rk4VwBn8Yc', {})", vec!["q9Zt7LmPx2Rk4VwBn8Yc"]),
            (
                r#"createHmac("sha256", "9f86d081884c7d659a2feaa0c55ad015")"#,
                vec!["9f86d081884c7d659a2feaa0c55ad015"],
            ),
            (r#"Algorithm.HMAC256(\"Winter22!x\") + \"Winter23!x\""#, vec!["Winter22!x"]),
            ("hmac.new(\n    b\"q9Zt7LmPx2Rk4VwBn8Yc\",\n    m)", vec!["q9Zt7LmPx2Rk4VwBn8Yc"]),
            (
                r#"SecretKeySpec("q9Zt7LmPx2Rk4VwBn8Yc".getBytes(UTF_8), "HmacSHA256")"#,
                vec!["q9Zt7LmPx2Rk4VwBn8Yc"],
            ),
            ("auth('svc', 'Winter22!x')", vec!["Winter22!x"]),
            ("auth('svc@Acme1.example', 'password')", vec![]),
            ("auth('username%3APassword1')", vec![]),
            ("createCipheriv('aes-256-cbc', key, iv)", vec![]),
            ("encrypt(it's not, 'q9Zt7LmPx2Rk4VwBn8Yc'", vec![]),
            ("encrypt('AWS_API_KEY_B7Q2M4X9K1ZT')", vec![]),
            ("encrypt('", vec![]),
            ("encrypt(", vec![]),
        ] {
            assert_eq!(found(text), values, "{text}");
        }
    }
}
