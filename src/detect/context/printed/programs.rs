//! What is known of programs.

use crate::detect::context::printed::fields;
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
    b"curl",
];
/// Programs that print lines of what they read.
const KEEPERS: &[&[u8]] =
    &[b"sort", b"uniq", b"head", b"tail", b"tee", b"grep", b"egrep", b"cat", b"less", b"more"];
/// Those that print words of it, or other lines.
const CHANGERS: &[&[u8]] = &[b"tr", b"column", b"sed", b"awk", b"cut", b"base64", b"rev", b"paste"];
/// Programs that print lines in which one of their words stands.
const SELECTORS: &[&[u8]] = &[b"grep", b"egrep", b"rg", b"awk", b"gawk", b"sed"];
/// How they are told to print what stands behind it.
const BEHIND: &[&[u8]] = &[b"$2", b"$3", b"$NF", b"\\K", b"(?<="];
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
    &[b"doppler", b"secrets", b"get"],
    &[b"op", b"read"],
    &[b"chamber", b"read"],
    &[b"az", b"keyvault", b"secret", b"show"],
    &[b"kubectl", b"get", b"secret"],
    &[b"kubectl", b"get", b"secrets"],
];
/// Programs that print names that somebody gave, and their values.
const OUTPUTS: &[&[&[u8]]] =
    &[&[b"terraform", b"output"], &[b"tofu", b"output"], &[b"pulumi", b"stack", b"output"]];
/// Programs that print a secret, whatever it is called.
pub(super) const HOLDERS: &[&[&[u8]]] = &[
    &[b"pass", b"show"],
    &[b"gopass", b"show"],
    &[b"bw", b"get", b"password"],
    &[b"lpass", b"show", b"-p"],
    &[b"lpass", b"show", b"--password"],
    &[b"chamber", b"read", b"-q"],
    &[b"security", b"find-generic-password"],
    &[b"security", b"find-internet-password"],
    &[b"gcloud", b"secrets", b"versions", b"access"],
    &[b"gcloud", b"auth", b"print-access-token"],
    &[b"gcloud", b"auth", b"print-identity-token"],
    &[b"gh", b"auth", b"token"],
    &[b"heroku", b"auth:token"],
    &[b"kubectl", b"create", b"token"],
    &[b"vault", b"print", b"token"],
    &[b"aws", b"ecr", b"get-login-password"],
    &[b"argocd", b"admin", b"initial-password"],
    &[b"wg", b"genkey"],
    &[b"wg", b"genpsk"],
    &[b"openssl", b"rand"],
    &[b"pwgen"],
];
/// What a curl asks for that prints a token: EC2's instance metadata service.
const TOKEN: &[u8] = b"/latest/api/token";
/// Programs that work with AWS alone.
pub(super) const OF_AWS: &[&[u8]] =
    &[b"aws", b"sam", b"cdk", b"eksctl", b"copilot", b"eb", b"chalice"];
/// Programs that speak with Kubernetes.
const KUBECTL: &[&[u8]] = &[b"kubectl", b"oc", b"k"];
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
    b"wp",
    b"rails",
    b"rake",
    b"artisan",
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

/// The outputs that are asked for, if the program prints some.
pub(super) fn outputs<'w>(words: &[&'w [u8]]) -> Option<Vec<&'w [u8]>> {
    let own = OUTPUTS.iter().find(|program| words.starts_with(program))?.len();
    let asked = words.get(own..)?.iter().filter(|word| !word.starts_with(b"-"));
    Some(asked.copied().collect())
}

fn is_of(words: &[&[u8]], programs: &[&[u8]]) -> bool {
    words.first().is_some_and(|program| programs.contains(program))
}

pub(super) fn is_of_aws(words: &[&[u8]]) -> bool {
    is_of(words, OF_AWS)
}

/// Does it print a secret, whatever that is called?
pub(super) fn holds_secret(words: &[&[u8]]) -> bool {
    let token = || words.iter().any(|word| word.ends_with(TOKEN));
    HOLDERS.iter().any(|holder| words.starts_with(holder))
        || (words.first() == Some(&b"curl".as_slice()) && token())
}

/// Does it print what a Secret of Kubernetes holds, itself or through a filter of jq?
pub(super) fn prints_data(words: &[&[u8]], filter: Option<&[u8]>) -> bool {
    let secret =
        |word: &&&[u8]| matches!(**word, b"secret" | b"secrets") || word.starts_with(b"secret/");
    is_of(words, KUBECTL)
        && (words.contains(&b"view-secret".as_slice())
            || (words.contains(&b"get".as_slice())
                && words.iter().any(|word| secret(&word))
                && words.iter().copied().chain(filter).any(picks_data)))
}

/// `{.data}`, `.data.FIELD`, `.data | map_values(@base64d)`: all of it, or a field that may be
/// secret.
fn picks_data(word: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(word, b".data") else { return false };
    let rest = word.get(at + 5..).unwrap_or_default();
    let rest = rest.strip_prefix(b".").or(rest.strip_prefix(b"[")).unwrap_or(rest);
    let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.-\\".contains(b);
    let len = rest.iter().take_while(of_name).count();
    !fields::is_open(rest.get(..len).unwrap_or_default())
}

/// `db_password` of `secret/app/db_password`, `-field=db_password`, `{.data.db_password}`.
pub(super) fn last_part(word: &[u8]) -> &[u8] {
    let end = word.strip_suffix(b"}").unwrap_or(word);
    let sign = |b: &u8| !b.is_ascii_alphanumeric() && !b"_-.".contains(b);
    end.rsplit(sign).next().unwrap_or_default()
}

/// Is this a file that holds a secret alone: of Docker, of an agent of Vault, of Jenkins?
pub(super) fn is_secret_file(path: &[u8]) -> bool {
    let holders = [b"/run/secrets/".as_slice(), b"/vault/secrets/"];
    holders.iter().any(|folder| path.starts_with(folder))
        || path.ends_with(b"/initialAdminPassword")
}

/// Does one of them print words of what it reads, or other lines?
pub(super) fn change(readers: &[&[&[u8]]]) -> bool {
    readers.iter().any(|words| is_of(words, CHANGERS))
}

/// The name of a file without its endings.
pub(super) fn stem(file: &[u8]) -> &[u8] {
    let hidden = usize::from(file.starts_with(b"."));
    let end =
        file.iter().skip(hidden).position(|b| *b == b'.').map_or(file.len(), |at| at + hidden);
    file.get(hidden..end).unwrap_or_default()
}

pub(super) fn reads(words: &[&[u8]]) -> bool {
    is_of(words, READERS)
}

/// The names in a word: of an expression, a path or a query.
pub(super) fn names(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    word.split(|b| !b.is_ascii_alphanumeric() && !b"_-".contains(b))
}

pub(super) fn prints_file(words: &[&[u8]]) -> bool {
    is_of(words, FILES)
}

/// Does it print of lines what stands behind the names in them: `cut -d= -f2`, `awk '{print $2}'`?
pub(super) fn cuts(words: &[&[u8]]) -> bool {
    let behind = || {
        let word =
            |word: &&[u8]| BEHIND.iter().any(|own| memchr::memmem::find(word, own).is_some());
        words.iter().any(word)
    };
    match words {
        [b"cut", options @ ..] => {
            option(options, b"-f").is_some_and(|field| !field.starts_with(b"1"))
        }
        [b"sed", options @ ..] => options.iter().any(|word| word.starts_with(b"s")),
        _ => is_of(words, SELECTORS) && behind(),
    }
}

/// The words that say which lines a program prints; `/etc/passwd` holds no passwords.
pub(super) fn selecting<'w>(words: &'w [&'w [u8]]) -> impl Iterator<Item = &'w [u8]> {
    let own = if is_of(words, SELECTORS) { words.get(1..).unwrap_or_default() } else { &[] };
    own.iter().copied().filter(|word| !word.starts_with(b"/etc/"))
}

pub(super) fn is_silent(words: &[&[u8]]) -> bool {
    words.first().is_none_or(|program| SILENT.contains(program))
}

pub(super) fn passes_on(words: &[&[u8]]) -> bool {
    let formats = matches!(words, [b"python" | b"python3", b"-m", b"json.tool", ..]);
    keeps_lines(words) || is_of(words, CHANGERS) || formats
}

/// The variable that a loop sets.
pub(super) fn loops(command: &Command) -> Option<&[u8]> {
    let [first, name, ..] = command.words.as_slice() else { return None };
    (first == b"for").then_some(name)
}

/// Does it print lines as it read them?
pub(super) fn keeps_lines(words: &[&[u8]]) -> bool {
    is_of(words, KEEPERS)
}

pub(super) fn speaks(words: &[&[u8]]) -> bool {
    is_of(words, SPEAKERS)
}

/// `NAME` of each `$NAME` and `${NAME:-…}` in a word.
pub(super) fn variables(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    word.split(|b| *b == b'$').skip(1).map(|rest| variable(rest).0)
}

/// The name of the variable that begins behind a `$`, and what follows it.
pub(super) fn variable(rest: &[u8]) -> (&[u8], &[u8]) {
    let inner = rest.strip_prefix(b"{");
    let name = inner.unwrap_or(rest);
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let (name, behind) = name.split_at(name.iter().take_while(of_name).count());
    // `${NAME:+set}` says no value.
    let other = inner.is_some() && (behind.starts_with(b":+") || behind.starts_with(b"+"));
    let name = if other { b"" } else { name };
    let closed = inner.and_then(|_| behind.iter().position(|b| *b == b'}'));
    (name, closed.and_then(|at| behind.get(at + 1..)).unwrap_or(behind))
}

/// What a program that prints its words prints.
pub(super) fn said(words: &[&[u8]]) -> Vec<u8> {
    let option = |word: &&&[u8]| matches!(word, [b'-', b'e' | b'n' | b'E', ..] if word.len() < 4);
    let mut behind = words.get(1..).unwrap_or_default().iter().skip_while(option).copied();
    match words.first() {
        Some(&b"printf") => formatted(behind.next().unwrap_or_default(), behind),
        _ => behind.collect::<Vec<_>>().join(&b' '),
    }
}

/// `%s: %s` with words for each `%…`; without one, they are behind it.
fn formatted<'w>(format: &[u8], mut words: impl Iterator<Item = &'w [u8]>) -> Vec<u8> {
    let mut parts = format.split(|b| *b == b'%');
    let mut out = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let width = part.iter().take_while(|b| b.is_ascii_digit() || b"-+.#".contains(b)).count();
        match part.get(width) {
            Some(b's' | b'q' | b'b' | b'd') => {
                out.extend(words.next().unwrap_or_default());
                out.extend(part.get(width + 1..).unwrap_or_default());
            }
            _ => out.extend(part),
        }
    }
    words.for_each(|word| out.extend([b"\n", word].concat()));
    out
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
        // `cut -f2`
        value if name.len() == 2 => Some(value),
        _ => None,
    })
}
