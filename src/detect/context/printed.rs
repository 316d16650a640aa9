//! What a command printed, where the command stands in another string: the input of a tool
//! tells what its result holds.
//!
//! `aws dynamodb list-tables --query TableNames` prints names that nothing else tells from words,
//! `printenv DB_PASSWORD` a password without its key.

mod cells;
mod programs;
mod query;
mod shell;
mod strings;
mod wrapped;

use std::collections::HashSet;
use std::fmt;

use crate::detect::context::bytes::part;
use crate::detect::context::command::About;
use crate::detect::context::names::Names;
use crate::detect::context::shape::Shape;
use crate::detect::context::{Context, Name, Rule, answers, finding, of_secret, shape, value};
use crate::detect::{Catalog, Finding, Kind};
use cells::Cell;
use query::{Picked, picked};
use shell::{Command, Into};

pub(crate) use wrapped::{INPUT, OUTPUT};

/// As many things that commands print are looked for in one answer.
const MOST: usize = 8;
/// Shells in shells.
const DEPTH: usize = 3;

/// What the commands in the input of a tool say of its answer.
#[derive(Default)]
pub struct Printed {
    what: Vec<What>,
    /// Each is printed on a line of its own.
    secrets: Vec<Secret>,
    /// Words that commands print themselves.
    said: HashSet<Vec<u8>>,
    /// Variables that are printed.
    shown: Vec<Vec<u8>>,
    /// Something else is printed, too.
    others: bool,
}

#[derive(PartialEq, Eq)]
enum What {
    /// Dates, times and names.
    Buckets(Kind),
    Columns(Columns),
}

/// The values in each line, and what is listed.
#[derive(PartialEq, Eq)]
struct Columns {
    all: Vec<Column>,
    operation: Vec<u8>,
    /// All of the answer is there: what the operation lists stands below a key.
    whole: bool,
}

#[derive(PartialEq, Eq)]
struct Column {
    /// Its key, if each line is an object.
    alias: Option<Vec<u8>>,
    member: Vec<u8>,
    holds: Holds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Account(Kind),
    Name(Kind),
    Secret,
    Other,
}

/// `sure`: whatever it looks like.
struct Secret {
    name: Vec<u8>,
    sure: bool,
}

/// Without the words of commands, which may hold anything.
impl fmt::Debug for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Printed({} and {} secrets)", self.what.len(), self.secrets.len())
    }
}

impl Printed {
    /// Is nothing known?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.what.is_empty() && self.secrets.is_empty()
    }
}

impl Catalog {
    /// Adds what commands of a shell say of their answer.
    pub fn read_commands(&self, text: &str, out: &mut Printed) {
        let text = text.strip_prefix(INPUT.0).unwrap_or(text);
        let text = text.strip_suffix(INPUT.1).unwrap_or(text);
        self.context.read(text.as_bytes(), DEPTH, out);
    }

    /// What stands in an answer, for [`Catalog::add_printed`].
    #[must_use]
    pub fn find_printed(&self, printed: &Printed, answer: &str) -> Vec<Finding> {
        let inner = wrapped::inner(answer);
        let mut found = self.context.find_printed(printed, part(answer.as_bytes(), &inner));
        for Finding { span, .. } in &mut found {
            *span = span.start + inner.start..span.end + inner.start;
        }
        found
    }

    /// Does a key of this name tell what it holds?
    #[must_use]
    pub fn is_telling(&self, name: &str) -> bool {
        let Context { rules, names, .. } = &self.context;
        let label = Name::new(name.as_bytes());
        rules.iter().any(|rule| rule.has_label(&label)) || names.key(name.as_bytes()).is_some()
    }
}

impl Context {
    fn read(&self, text: &[u8], depth: usize, out: &mut Printed) {
        let commands = shell::commands(text);
        let all: Vec<_> =
            commands.iter().map(|command| (command, programs::run(command))).collect();
        for word in all.iter().filter(|(_, words)| programs::speaks(words)).flat_map(|(_, w)| w) {
            out.shown.extend(programs::variables(word).map(<[u8]>::to_vec));
            out.said.insert(word.to_vec());
        }
        for (at, (command, words)) in all.iter().enumerate() {
            if depth > 0 {
                let inner = programs::inner(&command.words);
                inner.for_each(|text| self.read(text, depth - 1, out));
            }
            let Some(readers) = readers(&all, at, &out.shown) else { continue };
            let source = command.from.and_then(|from| all.get(from));
            let of_aws = source.is_some_and(|(_, words)| words.first() == Some(&b"aws".as_slice()));
            let known = match words.as_slice() {
                // Read with the command before it.
                [b"jq", ..] if of_aws => continue,
                _ => self.known(words, &readers),
            };
            match known {
                Some(Known::What(what)) if out.what.len() < MOST && !out.what.contains(&what) => {
                    out.what.push(what);
                }
                Some(Known::Secret(secret)) if out.secrets.len() < MOST => out.secrets.push(secret),
                Some(_) => {}
                None => {
                    let quiet = programs::is_silent(words) || programs::speaks(words);
                    out.others |= !quiet && command.from.is_none();
                }
            }
        }
    }

    /// What a command prints through these that read it.
    fn known(&self, words: &[&[u8]], readers: &[&[&[u8]]]) -> Option<Known> {
        let filter = readers.iter().find(|words| words.first() == Some(&b"jq".as_slice()));
        let filter = filter.and_then(|words| programs::jq_filter(words));
        let aws = match words {
            [b"aws", rest @ ..] => {
                let about = self.names.about(&mut rest.iter().copied());
                let query = filter.or_else(|| programs::option(rest, b"--query"));
                about.and_then(|about| self.answer(&about, query, rest.contains(&DECRYPTS)))
            }
            [b"jq", ..] => {
                programs::jq_filter(words).and_then(|filter| self.queried(&NOTHING, filter, false))
            }
            _ => filter.and_then(|filter| self.queried(&NOTHING, filter, false)),
        };
        aws.or_else(|| self.secret_of(words).map(Known::Secret))
    }

    /// The secret that a command prints, by the name that it is asked for.
    fn secret_of(&self, words: &[&[u8]]) -> Option<Secret> {
        let is = |name: &&[u8]| self.telling_rule(&of_secret(name)).is_some();
        let (name, sure) = if let Some(own) = programs::printer(words) {
            // `vault kv get -field=port secret/password` prints a port.
            let field = words.iter().find(|word| word.starts_with(b"-field="));
            let words = field.map_or(words.get(own..)?, std::slice::from_ref);
            (words.iter().map(|word| programs::last_part(word)).find(is)?, true)
        } else if programs::prints_file(words) {
            let files = words.iter().skip(1).map(|word| programs::last_part(word));
            (files.map(programs::stem).find(is)?, false)
        } else if programs::speaks(words) {
            (words.iter().flat_map(|word| programs::variables(word)).find(is)?, true)
        } else if programs::reads(words) {
            (words.iter().skip(1).flat_map(|word| programs::names(word)).find(is)?, false)
        } else {
            return None;
        };
        Some(Secret { name: name.to_vec(), sure })
    }

    /// The rule of what chance or a person made that nobody else may know, or of an account.
    fn telling_rule(&self, name: &Name) -> Option<&Rule> {
        self.rules.iter().find(|rule| is_told(rule.value) && rule.has_label(name))
    }

    /// What AWS's command line prints.
    fn answer(&self, about: &About<'_>, query: Option<&[u8]>, decrypts: bool) -> Option<Known> {
        let answers = self.names.answers.as_ref()?;
        match (about.service, about.operation, query) {
            (.., Some(query)) => self.queried(about, query, decrypts),
            (b"s3", b"ls", None) => Some(Known::What(What::Buckets(answers.bucket))),
            (_, b"caller-identity", None) => self.queried(about, b"Account", false),
            (_, operation, None) => self.listed(about, operation),
        }
    }

    /// What an operation lists by name: `aws eks list-clusters`.
    fn listed(&self, about: &About<'_>, operation: &[u8]) -> Option<Known> {
        let member = super::names::plain(operation);
        let holds = self.names.holds(about, &member, b"");
        let names = operation.ends_with(b"s") && matches!(holds, Holds::Name(_));
        let all = vec![Column { alias: None, member, holds }];
        let columns = Columns { all, operation: operation.to_vec(), whole: true };
        names.then_some(Known::What(What::Columns(columns)))
    }

    /// What a query picks from the answer of an operation.
    fn queried(&self, about: &About<'_>, query: &[u8], decrypts: bool) -> Option<Known> {
        let column = |Picked { alias, member, of }| {
            let holds = match self.names.holds(about, &member, &of) {
                Holds::Secret if !decrypts => Holds::Other,
                Holds::Other if self.telling_rule(&of_secret(&member)).is_some() => Holds::Secret,
                holds => holds,
            };
            // A parameter's value has no name of its own.
            let member = if holds == Holds::Secret && decrypts { HELD.to_vec() } else { member };
            Column { alias, member, holds }
        };
        let all: Vec<_> = picked(query).into_iter().map(column).collect();
        match (all.as_slice(), about.service) {
            ([Column { holds: Holds::Secret, .. }], b"secretsmanager") => {
                Some(Known::Secret(Secret { name: HELD.to_vec(), sure: true }))
            }
            _ if all.iter().all(|column| column.holds == Holds::Other) => None,
            _ => {
                let operation = about.operation.to_vec();
                Some(Known::What(What::Columns(Columns { all, operation, whole: false })))
            }
        }
    }

    fn find_printed(&self, printed: &Printed, text: &[u8]) -> Vec<Finding> {
        let mut out = Vec::new();
        let mut add = |found: Finding| {
            let word = part(text, &found.span);
            let said = printed.said.contains(word);
            let teach = found.teach && !printed.others;
            out.extend((!said).then_some(Finding { teach, ..found }));
        };
        for what in &printed.what {
            match what {
                What::Buckets(kind) => {
                    answers::buckets(text, &mut |span| add(name(text, span, *kind)))
                }
                What::Columns(columns) => cells::each(text, columns, &mut |cell, column| {
                    self.cell(text, &cell, column).into_iter().for_each(&mut add);
                }),
            }
        }
        let words = if printed.secrets.is_empty() { Vec::new() } else { cells::words(text) };
        let all = words.len() == printed.secrets.len() && words.iter().all(|(_, alone)| *alone);
        for (at, secret) in printed.secrets.iter().enumerate() {
            // Beside other lines, what looks like one is.
            let (own, sure) = if all { (at..at + 1, secret.sure) } else { (0..words.len(), false) };
            for (cell, _) in words.get(own).unwrap_or_default() {
                let found = self.secret_cell(text, cell, &secret.name, sure);
                found.into_iter().for_each(&mut add);
            }
        }
        out
    }

    fn cell(&self, text: &[u8], cell: &Cell, column: &Column) -> Option<Finding> {
        let whole = text.get(cell.clone())?;
        match column.holds {
            Holds::Other => None,
            Holds::Secret => self.secret_cell(text, cell, &column.member, false),
            Holds::Account(kind) => shape::is_account(whole).then(|| finding(cell.clone(), kind)),
            Holds::Name(kind) => {
                let run = value::run(text, cell.start);
                let span = value::name(text, cell.clone(), &column.member)?;
                (run == *cell).then(|| name(text, span, kind))
            }
        }
    }

    fn secret_cell(&self, text: &[u8], cell: &Cell, name: &[u8], sure: bool) -> Option<Finding> {
        let whole = text.get(cell.clone())?;
        let name = of_secret(name);
        let account = |rule: &&Rule| {
            rule.value == Shape::Account && rule.has_label(&name) && shape::is_account(whole)
        };
        let account = self.rules.iter().find(account).map(|rule| rule.kind);
        if let Some(kind) = account.or_else(|| self.secret(&name, whole, true)) {
            return Some(finding(cell.clone(), kind));
        }
        // What may be any word is masked here alone.
        let secret = |rule: &&Rule| rule.value != Shape::Account;
        let rule = self.telling_rule(&name).filter(secret)?;
        if !sure || !cells::may_be_secret(whole) {
            return None;
        }
        Some(Finding { teach: false, ..finding(cell.clone(), rule.kind) })
    }
}

impl Names {
    /// What a member of the answer is.
    fn holds(&self, about: &About<'_>, member: &[u8], of: &[u8]) -> Holds {
        let Some(answers) = &self.answers else { return Holds::Other };
        let small = |name: &[u8]| super::names::plain(name);
        let (member_of, operation, lower) = (small(of), small(about.operation), small(member));
        let [of, single, one] =
            [&member_of, &operation, &lower].map(|name| name.strip_suffix(b"s").unwrap_or(name));
        let lists = |name: &[u8]| name.starts_with(single) || operation.starts_with(name);
        match (about.service, one) {
            (b"ssm", b"value") => return Holds::Secret,
            // The user of a database, and what else a secret holds.
            (b"", _) | (b"secretsmanager", b"username" | b"dbname") => return Holds::Other,
            (_, b"account" | b"accountid" | b"ownerid") => return Holds::Account(answers.account),
            (b"organizations", b"id") if lists(of) && single.starts_with(b"account") => {
                return Holds::Account(answers.account);
            }
            (b"s3api" | b"s3", b"name") => return Holds::Name(answers.bucket),
            // AWS's own.
            (b"eks", b"addon" | b"addonname") => return Holds::Other,
            (b"eks", b"cluster") if lists(one) => return Holds::Name(answers.cluster),
            _ => {}
        }
        // `TableNames`; of `Keys`, only what the operation lists.
        let named = lists(one).then(|| [one, b"name"].concat());
        let key = self.key(member).or_else(|| self.key(&named?)).map(|key| key.kind);
        // `Stacks[].Name`, but not `Instances[].State.Name`.
        let own = !matches!(one, b"name" | b"id" | b"identifier") || lists(of);
        let meant = || self.meant(about.service, single, one).filter(|_| own);
        meant().or(key).map_or(Holds::Other, Holds::Name)
    }
}

/// What a command prints.
enum Known {
    What(What),
    Secret(Secret),
}

/// What a service calls a secret that it holds.
const HELD: &[u8] = b"SecretString";
/// The option of Systems Manager with which it gives secrets.
const DECRYPTS: &[u8] = b"--with-decryption";
/// No command of AWS's.
const NOTHING: About<'_> = About { service: b"", operation: b"" };

/// A command and its words from the program on.
type Run<'c> = (&'c Command, Vec<&'c [u8]>);

/// The commands through which the output of this one reaches the answer, if it does.
fn readers<'r>(all: &'r [Run<'_>], at: usize, shown: &[Vec<u8>]) -> Option<Vec<&'r [&'r [u8]]>> {
    let (mut last, mut place) = (&all.get(at)?.0, at);
    let mut readers = Vec::new();
    while let Some(next) = all.iter().position(|(command, _)| command.from == Some(place)) {
        let (command, words) = all.get(next)?;
        let jq = words.first() == Some(&b"jq".as_slice());
        if !jq && !programs::passes_on(words) {
            return None;
        }
        readers.push(words.as_slice());
        (last, place) = (command, next);
    }
    let reaches = match &last.into {
        Into::Answer => true,
        Into::Variable(name) => shown.contains(name),
        Into::Word => false,
    };
    (reaches && !last.hidden).then_some(readers)
}

fn is_told(shape: Shape) -> bool {
    matches!(shape, Shape::Password | Shape::Random | Shape::SecretKey | Shape::Account)
}

fn name(text: &[u8], span: Cell, kind: Kind) -> Finding {
    let teach = value::is_distinct(part(text, &span));
    Finding { teach, ..finding(span, kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Settings;

    #[test]
    fn few_things_are_looked_for_however_many_commands_there_are() {
        let catalog = Catalog::builtin(&Settings::default()).unwrap();
        let mut printed = Printed::default();
        for number in 0..100 {
            let text = format!("aws s3 ls; aws x list-tables --query '[TableName,a{number}]'; ");
            catalog.read_commands(&text.repeat(8).replace(" x ", " dynamodb "), &mut printed);
            catalog.read_commands("printenv DB_PASSWORD", &mut printed);
        }
        assert_eq!((printed.what.len(), printed.secrets.len()), (MOST, MOST));
        assert_eq!(format!("{printed:?}"), "Printed(8 and 8 secrets)");
    }
}
