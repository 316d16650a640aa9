//! Passwords that programs are given without a name: `mysql -uroot -pVALUE`, `sshpass -p VALUE`,
//! `echo VALUE | gh secret set NAME`.

use std::ops::Range;

use crate::detect::classes::is_typed_secret;
use crate::detect::context::password;

/// No command is read further.
const COMMAND: usize = 1024;
/// What is said into a pipe is not longer.
const PIPE: usize = 256;
/// Shorter ones are words of examples.
const SHORTEST: usize = 4;

/// A program that is given a password, or another secret.
pub(in crate::detect) struct Program {
    pub name: &'static str,
    /// What holds it: in the same word, or in the next.
    options: &'static [(&'static str, bool)],
    /// Which of the words without an option it is, and the option that says so.
    word: Option<(usize, &'static str)>,
    /// That word begins with a user and a colon.
    user: bool,
    /// It may come through a pipe.
    piped: bool,
}

const fn given(name: &'static str, options: &'static [(&'static str, bool)]) -> Program {
    Program { name, options, word: None, user: false, piped: false }
}

const fn word(name: &'static str, word: usize, option: &'static str) -> Program {
    Program { name, options: &[], word: Some((word, option)), user: false, piped: false }
}

const fn piped(name: &'static str, options: &'static [(&'static str, bool)]) -> Program {
    Program { name, options, word: None, user: false, piped: true }
}

pub(in crate::detect) const PROGRAMS: [Program; 48] = [
    piped("chpasswd", &[]),
    // Settings of servers: a word, and what it is set to.
    word("requirepass ", 0, ""),
    word("masterauth ", 0, ""),
    word("bindpw ", 0, ""),
    word("rootpw ", 0, ""),
    word("auth_pass ", 0, ""),
    word("auth_password ", 0, ""),
    word("http_passwd ", 0, ""),
    word("insecure-password ", 0, ""),
    Program { user: true, ..word("stats auth ", 0, "") },
    given("mysql ", &[("-p", true)]),
    given("mysqldump ", &[("-p", true)]),
    given("mysqladmin ", &[("-p", true)]),
    given("mariadb ", &[("-p", true)]),
    given("sshpass ", &[("-p", true), ("-p", false)]),
    given("redis-cli ", &[("-a", false), ("--pass", false)]),
    piped("docker login", &[("-p", false)]),
    piped("podman login", &[("-p", false)]),
    piped("helm registry login", &[("-p", false)]),
    given("mongosh ", &[("-p", false)]),
    given("sqlcmd ", &[("-P", true), ("-P", false)]),
    given("ldapsearch ", &[("-w", false)]),
    piped("gh secret set", &[("--body", false), ("-b", false), ("-b", true)]),
    piped("wrangler secret put", &[]),
    piped("vercel env add", &[]),
    piped("gcloud secrets ", &[]),
    word("chamber write ", 2, ""),
    word("doppler secrets set ", 1, ""),
    word("pulumi config set ", 1, "--secret"),
    word("htpasswd ", 2, "-b"),
    word("htpasswd -nb", 1, ""),
    word("rabbitmqctl add_user ", 1, ""),
    word("rabbitmqctl change_password ", 1, ""),
    word("mc alias set ", 3, ""),
    given("openssl ", &[("-k", false), ("-K", false), ("pass:", true)]),
    given("zip ", &[("-P", true), ("-P", false)]),
    given("unzip ", &[("-P", true), ("-P", false)]),
    given("7z ", &[("-p", true)]),
    given("keytool ", &[("-storepass", false), ("-keypass", false), ("-srcstorepass", false)]),
    given("jarsigner ", &[("-storepass", false), ("-keypass", false)]),
    given("az login", &[("-p", false), ("--password", false)]),
    given("mongo ", &[("-p", false)]),
    given("mongodump ", &[("-p", false)]),
    given("mongorestore ", &[("-p", false)]),
    given("cqlsh ", &[("-p", false)]),
    piped("sudo -S", &[]),
    piped("passwd --", &[]),
    piped("cryptsetup ", &[]),
];

/// The passwords of a command of this program, which stands at `at`, and where it ends.
pub(in crate::detect) fn passwords(
    program: usize,
    text: &[u8],
    at: Range<usize>,
    out: &mut Vec<Range<usize>>,
) -> usize {
    let Some(Program { options, word, user, piped, .. }) = PROGRAMS.get(program) else {
        return at.end;
    };
    if *piped {
        out.extend(echoed(text, at.start));
    }
    let until = text.len().min(at.end + COMMAND);
    let mut at = at.end;
    let (mut wanted, mut words, mut said) = (false, Vec::new(), false);
    while let Some(next) = next(text.get(..until).unwrap_or(text), &mut at) {
        let value = text.get(next.clone()).unwrap_or_default();
        let held = options.iter().find_map(|(option, same)| {
            let rest = value.strip_prefix(option.as_bytes())?;
            (rest.is_empty() != *same).then_some(next.start + option.len()..next.end)
        });
        said |= word.is_some_and(|(_, option)| option.as_bytes() == value);
        match held {
            _ if std::mem::take(&mut wanted) => out.extend(typed(text, next)),
            Some(next) if next.is_empty() => wanted = true,
            // A placeholder stands apart from letters: that of the option goes with the value.
            Some(value) => out.extend(typed(text, value.clone()).map(|span| {
                let letter = text.get(value.start - 1).is_some_and(u8::is_ascii_alphanumeric);
                let whole = letter && span.start == value.start;
                let from = if whole { next.start + 1 } else { span.start };
                from..span.end
            })),
            None if value.starts_with(b"-") => {}
            None => words.push(next),
        }
    }
    if let Some((place, option)) = word
        && (said || option.is_empty())
    {
        let word = words.get(*place).cloned();
        let word = if *user { word.and_then(|word| behind_user(text, word)) } else { word };
        let value = word.and_then(|word| typed(text, word));
        out.extend(value.filter(|span| *user || is_password(text, span)));
    }
    at
}

/// `VALUE` of `admin:VALUE`.
fn behind_user(text: &[u8], word: Range<usize>) -> Option<Range<usize>> {
    let colon = text.get(word.clone())?.iter().position(|b| *b == b':')?;
    Some(word.start + colon + 1..word.end)
}

/// `echo VALUE | ` before a command.
fn echoed(text: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at.saturating_sub(PIPE);
    let head = text.get(from..at)?.trim_ascii_end().strip_suffix(b"|")?.trim_ascii_end();
    let line = head.iter().rposition(|b| b"\n;&|".contains(b)).map_or(0, |at| at + 1);
    let mut at = from + line;
    let head = text.get(..from + head.len())?;
    let said = |word: &[u8]| word.ends_with(b"echo") || word.ends_with(b"printf");
    let mut first = next(head, &mut at)?;
    // A line of a history is numbered, a step of a workflow an item.
    let leads = |word: &[u8]| {
        word.iter().all(u8::is_ascii_digit) || [b"-".as_slice(), b"run:", b"RUN"].contains(&word)
    };
    while text.get(first.clone()).is_some_and(leads) {
        first = next(head, &mut at)?;
    }
    said(text.get(first)?).then_some(())?;
    let mut word = next(head, &mut at)?;
    while matches!(text.get(word.clone())?, [b'-', b'n' | b'e', ..] | [_, b'%', b's', ..] | b"%s") {
        word = next(head, &mut at)?;
    }
    let one = next(head, &mut at).is_none();
    // A setting is no password.
    let said =
        |span: &Range<usize>| text.get(span.clone()).is_some_and(|word| !word.contains(&b'='));
    typed(text, word).filter(|span| one && said(span) && is_password(text, span))
}

fn is_password(text: &[u8], span: &Range<usize>) -> bool {
    text.get(span.clone()).is_some_and(|value| password::is_password(value, true))
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
