//! What stands behind a password's key without being one: code, types, rules of a form.

use crate::detect::context::bytes::ends_with;

/// Types that are written with a `!`: GraphQL's, and those that people make.
const TYPES: [&[u8]; 10] = [
    b"string",
    b"input",
    b"password",
    b"id",
    b"int",
    b"boolean",
    b"hash",
    b"scalar",
    b"type",
    b"text",
];
/// Rules of a form: `required|string|min:8`.
const RULES: [&[u8]; 8] =
    [b"required", b"nullable", b"sometimes", b"string", b"confirmed", b"min", b"max", b"present"];

/// Is a value without quotes a name, a path of names or a type of a program?
pub(super) fn is_code(value: &[u8]) -> bool {
    is_reference(value) || is_pointer(value) || is_expression(value)
}

/// `process.env.DB_PASSWORD!`, `opts.password?`, `@password`, `String!`, `password1`
fn is_expression(value: &[u8]) -> bool {
    let leads = value.iter().take_while(|b| b"@*&:!".contains(b)).count();
    let ends = value.iter().rev().take_while(|b| b"!?".contains(b)).count();
    let (lead, rest) = value.split_at(leads);
    let Some(name) = rest.get(..rest.len().saturating_sub(ends)) else { return false };
    let end = rest.get(name.len()..).unwrap_or_default();
    let Some(first) = name.first().filter(|b| b.is_ascii_alphabetic() || **b == b'_') else {
        return false;
    };
    let of_path = |b: &u8| b.is_ascii_alphanumeric() || b"_.?!:>-".contains(b);
    if !name.iter().all(of_path) || (name.contains(&b'-') && !holds(name, b"->")) {
        return false;
    }
    let digit = name.iter().any(u8::is_ascii_digit);
    let small = first.is_ascii_lowercase() || *first == b'_';
    let path = name.contains(&b'.') || holds(name, b"::") || holds(name, b"->");
    match (path, lead, end) {
        (true, ..) => small || !digit,
        (_, [b'!', ..], _) => !digit,
        (_, [_, ..], _) => numbered(name) && (small || is_own_name(name)),
        (_, [], b"!") => !digit && TYPES.iter().any(|word| ends_with(name, word)),
        (_, [], [_, ..]) => !digit,
        (_, [], []) => small && digit && numbered(name) && is_own_name(name),
    }
}

/// Names end in digits; passwords have them for letters.
fn numbered(name: &[u8]) -> bool {
    let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let rest = name.get(..name.len() - digits).unwrap_or_default();
    digits <= 2 && !rest.iter().any(u8::is_ascii_digit)
}

/// `newPassword1`: a variable that is called after what it holds.
fn is_own_name(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    [b"password".as_slice(), b"passwd", b"pwd"].iter().any(|word| holds(&name, word))
}

/// `*const`, `&String`, `*flag.Password!`: what a type or an expression begins with.
fn is_reference(value: &[u8]) -> bool {
    let Some((b'*' | b'&', name)) = value.split_first() else { return false };
    name.iter().all(|b| b.is_ascii_alphabetic() || b"_:*&".contains(b))
}

/// `0x7ffd1c2e5a40`, as logs print addresses.
pub(in crate::detect::context) fn is_pointer(value: &[u8]) -> bool {
    value.strip_prefix(b"0x").is_some_and(|rest| rest.iter().all(u8::is_ascii_hexdigit))
}

/// `required|string|min:8`, or an expression that a password has to fit.
pub(super) fn is_rules(value: &[u8]) -> bool {
    let name =
        |rule: &[u8]| rule.iter().take_while(|b| b.is_ascii_lowercase() || **b == b'_').count();
    let rule = |rule: &[u8]| name(rule) > 1 && matches!(rule.get(name(rule)), None | Some(b':'));
    let known = |rule: &[u8]| RULES.iter().any(|known| rule.get(..name(rule)) == Some(*known));
    if is_regex(value) {
        return true;
    }
    value.contains(&b'|')
        && value.split(|b| *b == b'|').all(rule)
        && value.split(|b| *b == b'|').any(known)
}

/// `^[A-Za-z0-9]{8,}$`
pub(super) fn is_regex(value: &[u8]) -> bool {
    [b"[A-Z".as_slice(), b"[a-z", b"[0-9"].iter().any(|class| holds(value, class))
}

fn holds(name: &[u8], part: &[u8]) -> bool {
    name.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_no_password() {
        for value in [
            "String!",
            "String?",
            "[x",
            "process.env.DB_PASSWORD!",
            "this.config.password!",
            "opts.password?",
            "@password",
            "@Password1",
            ":password1",
            "*flag.Password!",
            "password1",
            "new_password2",
            "!GetAtt",
            "&String",
            "0x7ffd1c2e5a40",
            "pwd!!",
            "self?.config?.password1",
            "LoginInput!",
            "a::Config!",
        ] {
            assert!(is_code(value.as_bytes()) || value == "[x", "{value}");
        }
        for value in [
            "Teal-Egret!9",
            "Sunshine1!",
            "Swordfish!",
            "Tr0ub4dor&3",
            "hunter22",
            "Password1!",
            "Password123",
            "@Sunsh1ne",
            "!Sunshine1",
            "p4ssword!",
            "Sn0w.Petrel!",
            "Sn0w-Petrel!1",
        ] {
            assert!(!is_code(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn rules_of_a_form() {
        for value in ["required|min:8", "required|string|min:8", "string|confirmed|max:72"] {
            assert!(is_rules(value.as_bytes()), "{value}");
        }
        for value in ["ab|cd:1", "required", "Red|Kite!8", "required|Min8"] {
            assert!(!is_rules(value.as_bytes()), "{value}");
        }
    }
}
