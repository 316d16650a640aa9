//! Variables in a value: what of it is the value's own.
//!
//! `${DB_PASSWORD}` says nothing. `ab${cd}9!x` holds a variable, or only looks as if it
//! did: what stands beside it is secret all the same.

use std::borrow::Cow;

pub(crate) mod variable;

/// Fewer characters beside a variable are no secret.
const FEWEST: usize = 2;
/// What stands between variables: `${USER}:${PASSWORD}@${HOST}`.
const BETWEEN: &[u8] = b"-_./:@=,;|&";

/// What of a value no variable stands for; nothing, if it is a variable and little else.
///
/// A value that begins with a variable is a template, in which `$NAME` and `<name>` are
/// variables too. In all others only `${…}` and its like are.
pub(crate) fn own(value: &[u8]) -> Cow<'_, [u8]> {
    let template = match value {
        [] | [b'[' | b'(', ..] => return Cow::Borrowed(b""),
        [b'$' | b'{' | b'<' | b'%', ..] | [b'#', b'{', ..] => true,
        _ => false,
    };
    let opens = |two: &[u8]| matches!(two, b"${" | b"{{" | b"#{" | b"%{");
    if !template && !value.windows(2).any(opens) {
        return Cow::Borrowed(value);
    }
    let own = outside(begun(value), template);
    Cow::Owned(if counted(&own) < FEWEST { Vec::new() } else { own })
}

fn counted(own: &[u8]) -> usize {
    own.iter().filter(|b| !BETWEEN.contains(b)).count()
}

/// A value that was cut out of a URL may begin inside a variable: `${USER:-app}:${PASSWORD}`.
fn begun(value: &[u8]) -> &[u8] {
    let bracket = value.iter().position(|b| b"{}".contains(b));
    match bracket.map(|at| value.split_at(at)) {
        Some((_, [b'}', rest @ ..])) => rest,
        _ => value,
    }
}

fn outside(value: &[u8], template: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    // `$db2User` may be a variable, `$db2User!` is none.
    let mut doubtful = Vec::new();
    // Behind a bracket that is never closed, none is looked for again.
    let (mut rest, mut closed) = (value, true);
    while let Some((&byte, more)) = rest.split_first() {
        let mut len = None;
        if closed && variable::opens(rest) {
            len = variable::bracketed(rest);
            closed = len.is_some();
            if !closed && rest.len() == value.len() {
                // A variable that was cut off.
                return out;
            }
        }
        if len.is_none() && template && closed {
            len = variable::bare(rest);
        }
        let Some(len) = len else {
            out.push(byte);
            rest = more;
            continue;
        };
        let (name, behind) = rest.split_at_checked(len).unwrap_or((rest, b""));
        if byte == b'$' && has_digit_within(name) {
            doubtful.extend_from_slice(name);
        }
        out.extend_from_slice(variable::fallback(name));
        rest = behind;
    }
    if counted(&out) > 0 || changes(&doubtful) > 1 {
        out.extend(doubtful);
    }
    out
}

/// How often a letter follows a digit: in names at most once.
fn changes(name: &[u8]) -> usize {
    let change = |two: &&[u8]| matches!(two, [digit, letter] if digit.is_ascii_digit() && letter.is_ascii_alphabetic());
    name.windows(2).filter(change).count()
}

/// Names end in digits; passwords have them for letters.
fn has_digit_within(name: &[u8]) -> bool {
    name.get(1).is_some_and(|b| *b != b'{') && changes(name) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_variable_is_the_values_own() {
        for (value, expected) in [
            ("hunter2!", "hunter2!"),
            ("P@$$w0rd{x", "P@$$w0rd{x"),
            ("ab${cd}9!x", "ab9!x"),
            ("p4${x}Q", "p4Q"),
            ("p4${9!x}Q", "p4${9!x}Q"),
            ("ab${cd9!x", "ab${cd9!x"),
            ("${A}9!x", "9!x"),
            ("{{ a }}-9!x", "-9!x"),
            ("<env>-9!x", "-9!x"),
            ("{user}123!", "123!"),
            ("$ecret9!x", "!x"),
            ("$P4ssw0rd!", "!$P4ssw0rd"),
            ("$P4ssw0rd", "$P4ssw0rd"),
            ("$db2User", ""),
            ("%40bc9!", "%40bc9!"),
            ("${DB_PASSWORD:-s3cr3t}", "s3cr3t"),
            ("${db.password:s3cr3t}", "s3cr3t"),
            ("-app}:${PASSWORD}x9", ":x9"),
        ] {
            assert_eq!(String::from_utf8_lossy(&own(value.as_bytes())), expected, "{value}");
        }
    }

    #[test]
    fn variables_and_what_joins_them_are_nothing() {
        for value in [
            "",
            "${DB_PASSWORD}",
            "${DB_PASSWORD",
            "${1}",
            "${{ secrets.PASSWORD1 }}",
            "{{ .Values.password | quote }}",
            "{{resolve:secretsmanager:app/db-1:SecretString:password}}",
            "#{ENV['DB_PASSWORD1']}",
            "%{hiera('password1')}",
            "$PASSWORD",
            "$env:DB_PASSWORD",
            "$config['db']['password1']",
            "$this->password1",
            "$(cat /run/secrets/db-1)",
            "<password>",
            "<your password>",
            "[REDACTED]",
            "(none)",
            "{password}",
            "{\"a\": 1",
            "%DB_PASSWORD%",
            "%(password1)s",
            "%s:%s@%s",
            "${USER}:${PASSWORD}@${HOST}",
            "$USER:$PASSWORD1",
            "${env:DB_PASSWORD1}",
            "${AWS::StackName1}-",
            "-app}:${PASSWORD1}",
        ] {
            assert_eq!(String::from_utf8_lossy(&own(value.as_bytes())), "", "{value}");
        }
    }
}
