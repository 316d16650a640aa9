//! Passwords and keys that a generator made of letters, digits and any signs: what Terraform's
//! [`random_password`], AWS's [`GetRandomPassword`] and Django's `SECRET_KEY` hold.
//!
//! [`random_password`]: https://registry.terraform.io/providers/hashicorp/random/latest/docs/resources/password
//! [`GetRandomPassword`]: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html

use memchr::memmem;

use crate::detect::context::password::{self, code, near};

const SHORTEST: usize = 12;
/// Without capitals.
const SMALL: usize = 24;
/// In what is called, a name is not shorter.
const NAME: usize = 3;
/// In addresses, and rules of a form.
const OTHERS: [&[u8]; 11] =
    [b"://", b"::", b"<%", b"$(", b"(?", b"[^", b".*", b".+", b"]{", b"){", b"+$"];
/// How variables begin.
const VARIABLES: [&[u8]; 4] = [b"${", b"{{", b"#{", b"%{"];

/// Does this look like nothing that a person writes, or a program?
pub(in crate::detect::context) fn is(value: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    let capital = value.len() >= SMALL || has(u8::is_ascii_uppercase);
    capital && has(u8::is_ascii_digit) && is_mixed(value, 2) && is_of_signs(value)
}

/// The same in quotes, where a digit may be missing and words may look so: signs make it.
pub(in crate::detect::context) fn is_by_signs(value: &[u8]) -> bool {
    let signs = value.iter().filter(|b| b"!@#$%^&*+=?~".contains(b)).count();
    signs > 1
        && value.iter().any(u8::is_ascii_uppercase)
        && is_mixed(value, 3)
        && is_of_signs(value)
}

/// What a generator takes, and nothing that has a meaning.
fn is_of_signs(value: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    (SHORTEST..=password::LONGEST).contains(&value.len())
        && value.iter().all(|b| b.is_ascii_graphic() && !b"\"'`\\".contains(b))
        && has(u8::is_ascii_lowercase)
        && value.iter().filter(|b| b.is_ascii_punctuation()).count() > 1
        // Names, versions and paths have the others.
        && has(|b| b.is_ascii_punctuation() && !b"-_.:/".contains(b))
        && !near::is_named(value)
        && !OTHERS.iter().any(|other| memmem::find(value, other).is_some())
        && !VARIABLES.iter().any(|open| holds_variable(value, open))
        && !code::is_regex(value)
        && !is_call(value)
        && !is_pairs(value)
}

fn holds_variable(value: &[u8], open: &[u8]) -> bool {
    let behind = memmem::find(value, open).and_then(|at| value.get(at..));
    behind.is_some_and(|behind| behind.contains(&b'}'))
}

/// At every second, or third, place at least another sort of characters begins.
fn is_mixed(value: &[u8], place: usize) -> bool {
    let sort = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let changes = value.windows(2).filter(|two| matches!(two, [a, b] if sort(*a) != sort(*b)));
    place * changes.count() + 1 >= value.len()
}

/// `get_token(user1)`, `getToken(x[`
fn is_call(value: &[u8]) -> bool {
    let Some(at) = value.iter().position(|b| *b == b'(') else { return false };
    let head = value.get(..at).unwrap_or_default();
    let len = head.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let name = head.get(at - len..).unwrap_or_default();
    // `_OID(`
    let constant = name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    len >= NAME && (constant || near::is_named(name))
}

/// `a1=B2&c3=D4`, `B2;user=x`
fn is_pairs(value: &[u8]) -> bool {
    let pair = |part: &[u8]| {
        let name = part.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        name > 1 && part.get(name) == Some(&b'=')
    };
    value.split(|b| b"&;,".contains(b)).skip(1).any(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_generators_make_is_told_from_code() {
        for value in [
            "E7IHgYI{ruiq}Fho",
            "Zv(5Ypu8D>0f>zFw",
            "R)vgeHFN_>zGb@2@",
            "KEb7]8Klr{XR?P?X",
            "ZLL:cnwZ1v=6:3ux%",
            "{34gK5vME@mbIhjv",
            "5-DI4p}#{+Zj5$*9",
            "kX9!mQ2#vLp7@wRt",
            "django-insecure-x7k$2mq9&lz1pa_b4@wt8yn)c5r!",
        ] {
            assert!(is(value.as_bytes()), "{value}");
        }
        for value in [
            "Foo1.bar[Baz2].qux",
            "getToken(user1,B2)",
            "^[A-Za-z0-9!@#]{8,}$",
            "a1=B2&c3=D4&e5=F6",
            "https://U1:p2@h3/x",
            "${DB_P4ss}:x!Y2@z3",
            "{{ v1 }}",
            "std::vec<A1>::b2",
            "my-service-name-1!",
            "SuperSecret123!!",
            "a1!AWS_DB_PASSWORD_EQE4TBA1AAVS",
        ] {
            assert!(!is(value.as_bytes()), "{value}");
        }
    }
}
