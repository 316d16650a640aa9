//! Passwords that what follows them tells: `app:VALUE@tcp(db:3306)` of Go, lines of `/etc/shadow`,
//! and what Java keeps as an array of characters.

use std::ops::Range;

use crate::detect::context::bytes::part;
use crate::detect::context::password::{argument, is_kept, is_password};

/// What follows a password, or what was made of one, in these forms.
pub(in crate::detect) const ENDS: [&str; 5] =
    ["@tcp(", "@unix(", "@tcp6(", ":0:99999:7:", "\".toCharArray()"];
/// No user with a password is longer, and no line of `/etc/shadow`.
const LONGEST: usize = 256;

/// The password that ends before `at`.
pub(in crate::detect) fn ends(text: &[u8], at: usize) -> Option<Range<usize>> {
    let head = text.get(at.saturating_sub(LONGEST)..at)?;
    if text.get(at) == Some(&b'"') {
        let escapes = head.iter().rev().take_while(|b| **b == b'\\').count();
        let value = head.get(..head.len() - escapes)?;
        let len = value.iter().rev().position(|b| *b == b'"')?;
        let span = at - escapes - len..at - escapes;
        return argument::kind(part(text, &span)).map(|_| span);
    }
    let of_login = |b: &&u8| b.is_ascii_graphic() && !b"\"'`<>\\".contains(b);
    let len = head.iter().rev().take_while(of_login).count();
    let login = head.get(head.len() - len..)?;
    let user = login.iter().position(|b| *b == b':').filter(|user| *user > 0)? + 1;
    let rest = login.get(user..)?;
    let span = at - rest.len()..at;
    if text.get(at) == Some(&b'@') {
        // A path is none, nor what is called.
        let open = login.iter().any(|b| b"/(".contains(b));
        return (!open && is_password(rest, true)).then_some(span);
    }
    // `user:HASH:DAY` (shadow(5))
    let len = rest.iter().position(|b| *b == b':')?;
    is_kept(rest.get(..len)?).then_some(span.start..span.start + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_before_what_tells_them() {
        for (text, value) in [
            ("dsn := \"app:Xy7!pLm29qRt@tcp(db:3306)/x\"", Some("Xy7!pLm29qRt")),
            ("dsn := \"app:password@tcp(db:3306)/x\"", None),
            ("dsn := \"@tcp(db:3306)/x\"", None),
            ("root:$6$ab$cdEF12./x:19000:0:99999:7:::", Some("$6$ab$cdEF12./x")),
            ("bin:*:19000:0:99999:7:::", None),
            ("load(in, \"Winter22!x\".toCharArray())", Some("Winter22!x")),
            (r#"load(in, \"Winter22!x\".toCharArray())"#, Some("Winter22!x")),
            ("HEX = \"0123456789abcdef\".toCharArray()", None),
            ("Winter22!x\".toCharArray()", None),
        ] {
            let at = ENDS.iter().find_map(|end| text.find(end)).unwrap();
            let found = ends(text.as_bytes(), at).and_then(|span| text.get(span));
            assert_eq!(found, value, "{text}");
        }
    }
}
