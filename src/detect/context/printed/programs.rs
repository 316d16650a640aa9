//! What is known of programs.

use crate::detect::context::printed::shell::{Command, Words};

/// Programs that run the program that one of their words names.
const RUNNERS: &[&[u8]] = &[
    b"sudo",
    b"time",
    b"command",
    b"exec",
    b"env",
    b"nohup",
    b"watch",
    b"timeout",
    b"xargs",
    b"nice",
    b"aws-vault",
    b"chamber",
    b"doppler",
    b"direnv",
    b"docker",
    b"podman",
    b"kubectl",
    b"ssh",
    b"bash",
    b"sh",
    b"zsh",
    b"eval",
    b"poetry",
    b"npx",
    b"uv",
    b"docker-compose",
    b"saml2aws",
    b"sops",
    b"fly",
];
/// Words of the shell that stand before a command.
const BEFORE: &[&[u8]] =
    &[b"then", b"do", b"if", b"else", b"elif", b"while", b"until", b"!", b"{", b"export"];
/// Programs that are looked for behind a runner.
const LOOKED_FOR: &[&[u8]] = &[
    b"aws",
    b"awslocal",
    b"aws-cli",
    b"jq",
    b"printenv",
    b"terraform",
    b"tofu",
    b"pulumi",
    b"vault",
    b"heroku",
    b"cat",
    b"echo",
];
/// Programs that print lines, or words, of what they read.
const FILTERS: &[&[u8]] = &[
    b"sort", b"uniq", b"head", b"tail", b"tee", b"tr", b"grep", b"egrep", b"cat", b"column",
    b"less", b"sed", b"awk", b"cut", b"base64", b"more", b"rev", b"paste",
];
/// Programs that print nothing.
const SILENT: &[&[u8]] = &[
    b"cd", b"export", b"set", b"unset", b"source", b".", b"true", b":", b"mkdir", b"rm", b"mv",
    b"cp", b"touch", b"sleep", b"chmod", b"alias", b"trap", b"wait", b"test", b"[", b"[[", b"for",
    b"done", b"fi", b"esac", b"local", b"declare", b"exit",
];
/// Programs that print the value of what one of their words names.
const PRINTERS: &[&[&[u8]]] = &[
    &[b"printenv"],
    &[b"aws", b"configure", b"get"],
    &[b"terraform", b"output"],
    &[b"tofu", b"output"],
    &[b"pulumi", b"config", b"get"],
    &[b"pulumi", b"stack", b"output"],
    &[b"vault", b"kv", b"get"],
    &[b"vault", b"read"],
    &[b"heroku", b"config:get"],
    &[b"op", b"read"],
    &[b"pass", b"show"],
    &[b"kubectl", b"get", b"secret"],
    &[b"kubectl", b"get", b"secrets"],
];
/// Programs that print a file.
const FILES: &[&[u8]] = &[b"cat", b"head", b"tail", b"less"];
/// Programs that print, of what they read, what one of their words names.
const READERS: &[&[u8]] = &[
    b"yq",
    b"redis-cli",
    b"psql",
    b"mysql",
    b"sqlite3",
    b"python",
    b"python3",
    b"node",
    b"ruby",
    b"php",
    b"pwsh",
    b"chamber",
    b"sops",
    b"doppler",
    b"infisical",
    b"op",
    b"pass",
    b"gopass",
    b"bw",
    b"security",
    b"gcloud",
    b"az",
    b"kubectl",
    b"gh",
];
/// Programs that print their words.
const SPEAKERS: &[&[u8]] = &[b"echo", b"printf"];
/// Options of jq with so many words behind them.
const JQ_OPTIONS: &[(&[u8], usize)] = &[
    (b"--arg", 2),
    (b"--argjson", 2),
    (b"--slurpfile", 2),
    (b"--rawfile", 2),
    (b"--indent", 1),
    (b"-L", 1),
];

/// The words of a command from its program on, which is without its directory.
pub(super) fn run(command: &Command) -> Vec<&[u8]> {
    let lead = |word: &&Vec<u8>| BEFORE.contains(&word.as_slice()) || is_assignment(word);
    let words = command.words.iter().skip_while(lead).map(Vec::as_slice);
    let mut words: Vec<&[u8]> = words.collect();
    let first = words.first().map(|program| base(program)).unwrap_or_default();
    if RUNNERS.contains(&first)
        && printer(&words).is_none()
        && let Some(at) = words.iter().skip(1).position(|word| LOOKED_FOR.contains(&base(word)))
    {
        words.drain(..=at);
    }
    if let Some(program) = words.first_mut() {
        *program = match base(program) {
            b"awslocal" | b"aws-cli" => b"aws",
            b"terragrunt" => b"terraform",
            other => other,
        };
    }
    // `terraform -chdir=infra output`
    if words.first() == Some(&b"terraform".as_slice()) {
        let own = words.iter().skip(1).take_while(|word| word.starts_with(b"-")).count();
        words.drain(1..=own);
    }
    words
}

/// Commands that stand in words of this one: `bash -c 'aws …'`.
pub(super) fn inner(words: &Words) -> impl Iterator<Item = &[u8]> {
    let first = words.first().map(|program| base(program)).unwrap_or_default();
    let runs = RUNNERS.contains(&first);
    words.iter().map(Vec::as_slice).filter(move |word| runs && word.contains(&b' '))
}

fn base(program: &[u8]) -> &[u8] {
    program.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

fn is_assignment(word: &[u8]) -> bool {
    let name = word.split(|b| *b == b'=').next().unwrap_or_default();
    name.len() < word.len()
        && name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// How many words name the program, if it is one that prints what the others name.
pub(super) fn printer(words: &[&[u8]]) -> Option<usize> {
    PRINTERS.iter().find(|printer| words.starts_with(printer)).map(|printer| printer.len())
}

/// `db_password` of `secret/app/db_password`, `-field=db_password`, `{.data.db_password}`.
pub(super) fn last_part(word: &[u8]) -> &[u8] {
    let end = word.strip_suffix(b"}").unwrap_or(word);
    let sign = |b: &u8| !b.is_ascii_alphanumeric() && !b"_-.".contains(b);
    end.rsplit(sign).next().unwrap_or_default()
}

/// The name of a file without its endings.
pub(super) fn stem(file: &[u8]) -> &[u8] {
    let hidden = usize::from(file.starts_with(b"."));
    let end =
        file.iter().skip(hidden).position(|b| *b == b'.').map_or(file.len(), |at| at + hidden);
    file.get(hidden..end).unwrap_or_default()
}

pub(super) fn reads(words: &[&[u8]]) -> bool {
    words.first().is_some_and(|program| READERS.contains(program))
}

/// The names in a word: of an expression, a path or a query.
pub(super) fn names(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    word.split(|b| !b.is_ascii_alphanumeric() && !b"_-".contains(b))
}

pub(super) fn prints_file(words: &[&[u8]]) -> bool {
    words.first().is_some_and(|program| FILES.contains(program))
}

pub(super) fn is_silent(words: &[&[u8]]) -> bool {
    words.first().is_none_or(|program| SILENT.contains(program))
}

pub(super) fn passes_on(words: &[&[u8]]) -> bool {
    words.first().is_some_and(|program| FILTERS.contains(program))
}

pub(super) fn speaks(words: &[&[u8]]) -> bool {
    words.first().is_some_and(|program| SPEAKERS.contains(program))
}

/// `NAME` of each `$NAME` and `${NAME:-…}` in a word.
pub(super) fn variables(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    word.split(|b| *b == b'$').skip(1).map(|rest| {
        let rest = rest.strip_prefix(b"{").unwrap_or(rest);
        let of_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
        rest.get(..rest.iter().take_while(of_name).count()).unwrap_or_default()
    })
}

/// The filter of a command of jq.
pub(super) fn jq_filter<'w>(words: &[&'w [u8]]) -> Option<&'w [u8]> {
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if !word.starts_with(b"-") {
            return Some(word);
        }
        let skipped = JQ_OPTIONS.iter().find(|(option, _)| option == word);
        for _ in 0..skipped.map_or(0, |(_, skipped)| *skipped) {
            words.next();
        }
    }
    None
}

/// What an option of a command is given.
pub(super) fn option<'w>(words: &[&'w [u8]], name: &[u8]) -> Option<&'w [u8]> {
    words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix(name)? {
        [] => words.get(at + 1).copied(),
        [b'=', value @ ..] => Some(value),
        _ => None,
    })
}
