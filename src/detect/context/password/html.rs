//! Labels and values that stand in elements of HTML apart: `<td>Password</td><td>VALUE</td>`,
//! `<b>Password:</b> VALUE`.

use crate::detect::boundary::fits;
use crate::detect::context::bytes::{over, part};
use crate::detect::context::password::{Held, argument, near};

/// Names of the elements that hold text.
const TAGS: [&[u8]; 26] = [
    b"td", b"th", b"tr", b"b", b"i", b"u", b"em", b"strong", b"code", b"span", b"p", b"div", b"li",
    b"dt", b"dd", b"br", b"pre", b"tt", b"kbd", b"samp", b"a", b"label", b"small", b"font", b"ul",
    b"h3",
];
/// No more stand between a label and its value.
const BETWEEN: usize = 6;
/// No tag is longer, nor are spaces between two.
const TAG: usize = 96;

/// `td`, `/td`
pub(super) fn is_tag(word: &[u8]) -> bool {
    let name = word.strip_prefix(b"/").unwrap_or(word);
    TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
}

/// The value of the label that ends at `at`, in another element. It has to look like a secret: of a
/// form, there may be anything.
pub(super) fn value(text: &[u8], at: usize, longest: usize) -> Option<Held> {
    let start = behind(text, at)?;
    let near = text.get(start..text.len().min(start + longest + 1))?;
    let len = near.iter().take_while(|b| b.is_ascii_graphic() && !b"<\"'\\".contains(b)).count();
    let span = start..start + len;
    let value = part(text, &span);
    let is = argument::kind(value).is_some() || near::is_made(value);
    (is && fits(text, &span)).then_some(Held { span, quoted: true })
}

/// Behind the tags that follow a label. One of them ends its element, or a colon does.
fn behind(text: &[u8], at: usize) -> Option<usize> {
    let (mut at, mut tags, mut ended, mut colon) = (at, 0, false, false);
    loop {
        at = over(text, at, TAG, b" \t\r\n");
        match text.get(at..)? {
            [b':', ..] if !colon => {
                (colon, ended) = (true, true);
                at += 1;
            }
            [b'\\', b'n' | b'r' | b't', ..] => at += 2,
            [b'<', rest @ ..] if tags < BETWEEN => {
                let near = rest.get(..TAG).unwrap_or(rest);
                let len = near.iter().position(|b| b"<>".contains(b))?;
                let tag = near.get(..len).filter(|_| near.get(len) == Some(&b'>'))?;
                let name = tag.split(|b| *b == b' ').next().filter(|name| is_tag(name))?;
                ended |= name.starts_with(b"/");
                tags += 1;
                at += len + 2;
            }
            _ => return (ended && tags > 0).then_some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_other_elements() {
        for (text, expected) in [
            ("Password</td><td>Winter22!x</td>", "Winter22!x"),
            ("Password:</b> Winter22!x", "Winter22!x"),
            ("Password</strong>: <code>Winter22!x</code>", "Winter22!x"),
            ("Password: <code>Winter22!x</code>", "Winter22!x"),
            ("Password</td>\n   <td class=\"mono\">Winter22!x</td>", "Winter22!x"),
            (r#"Password</td>\n   <td class=\"mono\">Winter22!x</td>"#, "Winter22!x"),
            ("Password</dt><dd>q9Zt7LmPx2Rk4VwBn8Yc</dd>", "q9Zt7LmPx2Rk4VwBn8Yc"),
            ("Password <code>Winter22!x</code>", ""),
            ("Password: <your-password>Winter22!x", ""),
            ("Password</td><td>base64</td>", ""),
            ("Password</td><td>must have 8 characters</td>", ""),
            ("Password:::::: Winter22!x", ""),
            ("Password</td", ""),
            ("Password", ""),
        ] {
            let found = value(text.as_bytes(), "Password".len(), 128);
            assert_eq!(found.map_or("", |held| text.get(held.span).unwrap()), expected, "{text}");
        }
    }
}
