//! Who a command of curl says that it is: `curl -u 'admin:VALUE' https://…`.

use std::ops::Range;

use crate::detect::classes::is_typed_secret;
use crate::detect::context::password;

/// No command is read further.
const COMMAND: usize = 1024;
/// Shorter ones are words of examples.
const SHORTEST: usize = 4;

/// The passwords of the command whose options begin at `from`, and where it ends.
pub(in crate::detect) fn passwords(text: &[u8], from: usize, out: &mut Vec<Range<usize>>) -> usize {
    let until = text.len().min(from + COMMAND);
    let mut at = from;
    while at < until {
        let rest = text.get(at..until).unwrap_or_default();
        let begins = at == from || text.get(at - 1).is_some_and(|b| b" \t".contains(b));
        match rest {
            [b'\n', ..] if at == from || text.get(at - 1) != Some(&b'\\') => return at,
            [b'|' | b'&' | b';', ..] if begins => return at,
            [b'-', ..] if begins => {
                let Some(value) = user(rest) else {
                    at += 1;
                    continue;
                };
                at += value;
                out.extend(password_of(text, at));
            }
            _ => at += 1,
        }
    }
    at
}

/// Where the value of an option begins that names a user.
fn user(option: &[u8]) -> Option<usize> {
    let long = ["--user", "--proxy-user"].into_iter().find(|long| {
        option.strip_prefix(long.as_bytes()).is_some_and(|rest| matches!(rest, [b' ' | b'=', ..]))
    });
    let name = match long {
        Some(long) => long.len() + 1,
        None => {
            // `-u`, `-sku`
            let letters = option.iter().skip(1).take(8).take_while(|b| b.is_ascii_alphabetic());
            let len = 1 + letters.count();
            let (name, value) = option.split_at_checked(len)?;
            let user = matches!(name, [.., b'u' | b'U']) && name.len() > 1;
            user.then_some(())?;
            len + usize::from(value.first() == Some(&b' '))
        }
    };
    let rest = option.get(name..)?;
    Some(name + rest.iter().take_while(|b| **b == b' ').count())
}

/// What stands behind the colon of `name:VALUE`, with or without quotes.
fn password_of(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let escapes = rest.iter().take(4).take_while(|b| **b == b'\\').count();
    let quote = rest.get(escapes).copied().filter(|b| b"\"'".contains(b));
    let from = at + if quote.is_some() { escapes + 1 } else { 0 };
    let rest = text.get(from..)?;
    let near = rest.get(..2 * password::LONGEST).unwrap_or(rest);
    let ends = |b: &u8| match quote {
        Some(quote) => *b == quote || *b == b'\n',
        None => b.is_ascii_whitespace() || b"\"'`|;&<>".contains(b),
    };
    let end = near.iter().position(ends).or((rest.len() == near.len()).then_some(near.len()))?;
    let user = near.get(..end)?;
    let colon = user.iter().position(|b| *b == b':')? + 1;
    let value = user.get(colon..)?;
    let escapes = value.iter().rev().take_while(|b| **b == b'\\').count();
    let value = value.get(..value.len() - escapes)?;
    let typed = (SHORTEST..=password::LONGEST).contains(&value.len()) && is_typed_secret(value);
    typed.then_some(from + colon..from + colon + value.len())
}
