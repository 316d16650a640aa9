//! How variables are written: in shells, in templates, in formats.

/// Does a text begin with the bracket of a variable?
pub(crate) fn opens(text: &[u8]) -> bool {
    match text {
        [b'{', b'{', ..] => true,
        [b'$' | b'#' | b'%', b'{', rest @ ..] => {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            digits == 0 || rest.get(digits) == Some(&b'}')
        }
        _ => false,
    }
}

/// How long the variable is whose bracket a text begins with.
pub(crate) fn bracketed(text: &[u8]) -> Option<usize> {
    let sign = usize::from(text.first()? != &b'{');
    Some(sign + bracket(text.get(sign..)?)?)
}

/// Up to the bracket that closes the first, on the same line.
fn bracket(text: &[u8]) -> Option<usize> {
    let (&open, mut depth) = (text.first()?, 0_usize);
    let close = match open {
        b'{' => b'}',
        b'(' => b')',
        b'[' => b']',
        b'<' => b'>',
        _ => return None,
    };
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'\n' | b'"' | b'`' | b'\\' => return None,
            _ if byte == open => depth += 1,
            _ if byte == close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// The value that stands in when the variable is not set: `${NAME:-value}`.
pub(super) fn fallback(variable: &[u8]) -> &[u8] {
    let Some(inner) = variable.strip_prefix(b"${").and_then(|v| v.strip_suffix(b"}")) else {
        return b"";
    };
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.".contains(b);
    let len = inner.iter().take_while(of_name).count();
    match inner.split_at_checked(len) {
        Some((_, [b':', b'-' | b'=', value @ ..])) => value,
        // `${env:NAME}` is a name.
        Some((name, [b':', value @ ..])) if name.iter().any(|b| b"_.".contains(b)) => value,
        _ => b"",
    }
}

/// How long a variable without `${` is, where values begin with variables.
pub(super) fn bare(text: &[u8]) -> Option<usize> {
    match text {
        // What is not closed was cut off.
        [b'{', ..] => Some(bracket(text).unwrap_or(text.len())),
        [b'<', ..] => bracket(text),
        [b'$', ..] => Some(shell(text)),
        // `%(name)s`, `%NAME%`, `%s`, `%02d`
        [b'%', b'(', ..] => Some(word(text, 1 + bracket(text.get(1..)?)?)),
        [b'%', ..] if word(text, 1) > 1 && text.get(word(text, 1)) == Some(&b'%') => {
            Some(word(text, 1) + 1)
        }
        [b'%', rest @ ..] => {
            let width = rest.iter().take_while(|b| b"-+#.0123456789".contains(b)).count();
            rest.get(width).filter(|b| b"sdvqxf".contains(b)).map(|_| width + 2)
        }
        _ => None,
    }
}

/// `$NAME`, `$env:NAME`, `$row['name']`, `$this->name`, `$(command)`
fn shell(text: &[u8]) -> usize {
    let signs = text.iter().take_while(|b| **b == b'$').count();
    let mut at = word(text, signs);
    if text.get(..at).is_some_and(|name| name.eq_ignore_ascii_case(b"$env")) {
        at = word(text, at + usize::from(text.get(at) == Some(&b':')));
    }
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at = match rest {
            [b'-', b'>', b, ..] | [b':', b':', b, ..] if is_begin(*b) => word(text, at + 2),
            [b'.', b, ..] if is_begin(*b) => word(text, at + 1),
            [b'[' | b'(', ..] => at + bracket(rest).unwrap_or(rest.len()),
            _ => return at,
        };
    }
}

fn is_begin(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Where the letters, digits and `_` end that begin at `from`.
fn word(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default().iter();
    from + rest.take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
}
