//! Passwords that short options of programs hold: `mysql -uroot -pVALUE`, `sshpass -p VALUE`.

use std::ops::Range;

use crate::detect::classes::is_typed_secret;
use crate::detect::context::password;

/// No command is read further.
const COMMAND: usize = 1024;
/// Shorter ones are words of examples.
const SHORTEST: usize = 4;

/// Programs, and options that hold a password: in the same word, or in the next.
pub(in crate::detect) const PROGRAMS: [(&str, &[(&str, bool)]); 11] = [
    ("mysql ", &[("-p", true)]),
    ("mysqldump ", &[("-p", true)]),
    ("mysqladmin ", &[("-p", true)]),
    ("mariadb ", &[("-p", true)]),
    ("sshpass ", &[("-p", true), ("-p", false)]),
    ("redis-cli ", &[("-a", false), ("--pass", false)]),
    ("docker login", &[("-p", false)]),
    ("podman login", &[("-p", false)]),
    ("mongosh ", &[("-p", false)]),
    ("sqlcmd ", &[("-P", true), ("-P", false)]),
    ("ldapsearch ", &[("-w", false)]),
];

/// The passwords of a command of this program, whose options begin at `from`, and where it ends.
pub(in crate::detect) fn passwords(
    program: usize,
    text: &[u8],
    from: usize,
    out: &mut Vec<Range<usize>>,
) -> usize {
    let options = PROGRAMS.get(program).map_or([].as_slice(), |(_, options)| options);
    let until = text.len().min(from + COMMAND);
    let mut at = from;
    let mut wanted = false;
    while let Some(word) = next(text.get(..until).unwrap_or(text), &mut at) {
        let value = text.get(word.clone()).unwrap_or_default();
        let held = options.iter().find_map(|(option, same)| {
            let rest = value.strip_prefix(option.as_bytes())?;
            (rest.is_empty() != *same).then_some(word.start + option.len()..word.end)
        });
        match held {
            _ if std::mem::take(&mut wanted) => out.extend(typed(text, word)),
            Some(next) if next.is_empty() => wanted = true,
            // A placeholder stands apart from letters: that of the option goes with the value.
            Some(value) => out.extend(typed(text, value.clone()).map(|span| {
                let from = if span.start == value.start { word.start + 1 } else { span.start };
                from..span.end
            })),
            None => {}
        }
    }
    at
}

/// The next word of a command, which ends with its line.
fn next(text: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let rest = text.get(*at..)?;
    let gap = rest.iter().take_while(|b| b" \t".contains(b)).count();
    let (start, rest) = (*at + gap, rest.get(gap..)?);
    let ends = |b: &u8| b.is_ascii_whitespace() || b"|;&<>`".contains(b);
    let len = rest.iter().position(ends).unwrap_or(rest.len());
    *at = start + len;
    (len > 0).then_some(start..start + len)
}

/// Without the quotes around it, if somebody typed it.
fn typed(text: &[u8], word: Range<usize>) -> Option<Range<usize>> {
    let value = text.get(word.clone())?;
    let quote = |b: &&u8| b"\"'\\".contains(b);
    let lead = value.iter().take_while(quote).count();
    let tail = value.iter().skip(lead).position(|b| b"\"'\\".contains(b));
    let end = tail.map_or(word.end, |len| word.start + lead + len);
    let value = text.get(word.start + lead..end)?;
    let is = (SHORTEST..=password::LONGEST).contains(&value.len())
        && !value.starts_with(b"-")
        && is_typed_secret(value);
    is.then_some(word.start + lead..end)
}
