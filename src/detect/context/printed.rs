//! What a command printed, where the command stands in another string: the input of a tool
//! tells what its result holds.
//!
//! `aws dynamodb list-tables --query TableNames` prints names that nothing else tells from words,
//! `printenv DB_PASSWORD` a password without its key.

pub(in crate::detect::context) mod cells;
mod fields;
mod holds;
mod known;
mod objects;
mod paired;
mod programs;
mod query;
mod readers;
mod secrets;
mod shell;
mod spoken;
mod strings;
mod table;
mod telling;
mod transcript;
mod wrapped;

use std::collections::HashSet;
use std::fmt;

use crate::detect::context::bytes::part;
use crate::detect::context::called::Beside;
use crate::detect::context::command::About;
use crate::detect::context::rows::Rows;
use crate::detect::context::{Context, Name, answers, finding, outputs, shape, value};
use crate::detect::{Catalog, Finding, Kind, Tool, boundary};
use cells::Cell;
use known::Known;
use objects::Item;
use query::{Picked, picked};
use readers::readers;
use secrets::{HELD, Secret};

pub(crate) use transcript::is_typed;
pub(crate) use wrapped::{INPUT, OUTPUT};

/// As many things that commands print are looked for in one answer, and of objects half as many.
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
    /// Names in the answer are AWS's.
    aws: bool,
    /// What is said around variables.
    lines: Vec<spoken::Line>,
    /// Somebody copied it, and may have cut it.
    copied: bool,
}

#[derive(PartialEq, Eq)]
enum What {
    /// Dates, times and names.
    Buckets(Kind),
    Columns(Columns),
    /// Names that somebody gave, and their values.
    Outputs,
    /// All that an operation of a service answers, and the names that it lists.
    Whole {
        service: Vec<u8>,
        operation: Vec<u8>,
        names: Option<Columns>,
    },
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
    /// A secret, whatever it looks like.
    Held,
    /// What the value beside it is called.
    Called,
    Value,
    Other,
}

/// Without the words of commands, which may hold anything.
impl fmt::Debug for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Printed({} and {} secrets)", self.what.len(), self.secrets.len())
    }
}

impl Printed {
    fn add(&mut self, what: What) {
        let objects = |what: &What| matches!(what, What::Whole { names: None, .. });
        // Where nothing else is told of an answer, lines of it may be anything.
        self.others |= objects(&what);
        // Most commands answer with objects: the others have room beside them.
        let room = if objects(&what) { MOST / 2 } else { MOST };
        let like = self.what.iter().filter(|other| objects(other) == objects(&what)).count();
        if like < room && !self.what.contains(&what) {
            self.what.push(what);
        }
    }

    /// Is nothing known of what is printed?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.what.is_empty() && self.secrets.is_empty() && self.lines.is_empty()
    }

    /// Does a program of AWS's answer?
    #[must_use]
    pub fn is_of_aws(&self) -> bool {
        self.aws
    }
}

impl Catalog {
    /// Adds what commands of a shell say of their answer.
    pub fn read_commands(&self, text: &str, out: &mut Printed) {
        let text = text.strip_prefix(INPUT.0).unwrap_or(text);
        let text = text.strip_suffix(INPUT.1).unwrap_or(text);
        self.context.commands(text.as_bytes(), out);
    }

    /// Adds what a field of a tool's input says of its answer.
    pub fn read_asked(&self, field: &str, value: &str, out: &mut Printed) {
        let asked = self.context.asked(field.as_bytes(), value.as_bytes());
        out.secrets.extend(asked.filter(|_| out.secrets.len() < MOST));
    }

    /// Adds what a tool says of its answer that works with AWS.
    pub fn read_tool(&self, tool: Tool, out: &mut Printed) {
        out.aws = true;
        if let Some(service) = tool.service() {
            let (service, operation) = (service.as_bytes().to_vec(), Vec::new());
            out.add(What::Whole { service, operation, names: None });
        }
    }

    /// What stands in an answer, for [`Catalog::add_printed`].
    #[must_use]
    pub fn find_printed(&self, printed: &Printed, answer: &str) -> Vec<Finding> {
        let inner = wrapped::inner(answer);
        let mut found = self.context.find_printed(printed, part(answer.as_bytes(), &inner));
        for Finding { span, .. } in &mut found {
            *span = span.start + inner.start..span.end + inner.start;
        }
        found.retain(|finding| boundary::fits(answer.as_bytes(), &finding.span));
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
    /// What the commands of a text say, if any tells something.
    fn commands(&self, text: &[u8], out: &mut Printed) {
        if telling::may_tell(text) {
            self.read(text, DEPTH, out);
        } else {
            out.others = true;
        }
    }

    fn read(&self, text: &[u8], depth: usize, out: &mut Printed) {
        let commands = shell::commands(text);
        let all: Vec<_> =
            commands.iter().map(|command| (command, programs::run(command))).collect();
        for word in all.iter().filter(|(_, words)| programs::speaks(words)).flat_map(|(_, w)| w) {
            out.shown.extend(programs::variables(word).map(<[u8]>::to_vec));
            out.said.insert(word.to_vec());
        }
        let loops: Vec<&[u8]> = commands.iter().filter_map(programs::loops).collect();
        for (at, (command, words)) in all.iter().enumerate() {
            if depth > 0 {
                let inner = programs::inner(&command.words);
                inner.for_each(|text| self.read(text, depth - 1, out));
            }
            out.aws |= programs::is_of_aws(words);
            let Some(readers) = readers(&all, at, &out.shown) else { continue };
            if programs::speaks(words) {
                let keeps = readers.iter().all(|words| programs::keeps_lines(words));
                let said = self.said(words, keeps, &loops);
                let room = MOST.saturating_sub(out.secrets.len());
                out.secrets.extend(said.alone.into_iter().take(room));
                let room = (2 * MOST).saturating_sub(out.lines.len());
                out.lines.extend(said.lines.into_iter().take(room));
                continue;
            }
            let source = command.from.and_then(|from| all.get(from));
            let of_aws = source.is_some_and(|(_, words)| words.first() == Some(&b"aws".as_slice()));
            let known = match words.as_slice() {
                // Read with the command before it.
                [b"jq", ..] if of_aws => continue,
                _ => self.known(words, &readers),
            };
            // What it prints is read with the command before it.
            let cut = || if command.from.is_none() { self.cut_out(words, &readers) } else { None };
            let known = known.or_else(|| cut().map(Known::Secret));
            match known {
                Some(Known::What(what)) => out.add(what),
                Some(Known::Secret(secret)) if out.secrets.len() < MOST => out.secrets.push(secret),
                Some(_) => {}
                None => {
                    out.others |= !programs::is_silent(words) && command.from.is_none();
                }
            }
        }
    }

    /// What a command prints through these that read it.
    fn known(&self, words: &[&[u8]], readers: &[&[&[u8]]]) -> Option<Known> {
        if programs::holds_secret(words) {
            return Some(Known::Secret(Secret::new(HELD, true)));
        }
        let filter = readers.iter().find(|words| words.first() == Some(&b"jq".as_slice()));
        let filter = filter.and_then(|words| programs::jq_filter(words));
        if programs::prints_data(words, filter) {
            return Some(Known::Secret(Secret::new(HELD, true)));
        }
        let aws = match words {
            // Of a file of this machine.
            [b"aws", b"configure", ..] => None,
            [b"aws", rest @ ..] => {
                let about = self.names.about(&mut rest.iter().copied());
                let query = filter.or_else(|| programs::option(rest, b"--query"));
                let known =
                    about.and_then(|about| self.answer(&about, query, rest.contains(&DECRYPTS)));
                known.map(|known| if programs::change(readers) { known.in_lines() } else { known })
            }
            [b"jq", ..] => {
                programs::jq_filter(words).and_then(|filter| self.queried(&NOTHING, filter, false))
            }
            _ => filter.and_then(|filter| self.queried(&NOTHING, filter, false)),
        };
        aws.or_else(|| self.secret_of(words).map(Known::Secret)).or_else(|| self.output(words))
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
        let columns = || Columns { all, operation: operation.to_vec(), whole: true };
        let names = names.then(columns);
        let (service, operation) = (about.service.to_vec(), operation.to_vec());
        Some(Known::What(What::Whole { service, operation, names }))
    }

    /// What a query picks from the answer of an operation.
    fn queried(&self, about: &About<'_>, query: &[u8], decrypts: bool) -> Option<Known> {
        let column = |Picked { alias, member, of, beside }| {
            let holds = match self.names.picked(about, &member, &of, beside) {
                Holds::Secret if !decrypts => Holds::Other,
                // Of the secret itself: `jq -r '.SecretString | fromjson | .stripe'`.
                Holds::Other if about.is_secret() && !member.is_empty() => {
                    if fields::is_open(&member) { Holds::Other } else { Holds::Secret }
                }
                Holds::Other if self.is_telling(&member) => Holds::Secret,
                holds => holds,
            };
            // A parameter's value has no name of its own.
            let held = holds == Holds::Held || (holds == Holds::Secret && decrypts);
            let member = if held { HELD.to_vec() } else { member };
            Column { alias, member, holds }
        };
        let mut all: Vec<_> = picked(query).into_iter().map(column).collect();
        paired::pair(&mut all);
        match (all.as_slice(), about.service) {
            ([Column { holds: Holds::Secret, member, .. }], b"secretsmanager") => {
                let telling = member == HELD || self.is_telling(member);
                Some(Known::Secret(Secret::new(HELD, telling)))
            }
            ([Column { holds: Holds::Held, alias: None, .. }], _) => {
                Some(Known::Secret(Secret::new(HELD, true)))
            }
            // The query says which it is: `Variables.DB_PASSWORD`.
            ([Column { holds: Holds::Secret, member, alias: None }], service)
                if service != b"ssm" =>
            {
                Some(Known::Secret(Secret::new(member, true)))
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
            out.extend((!said).then_some(found));
        };
        let alone = |found: Finding| Finding { teach: found.teach && !printed.others, ..found };
        for what in &printed.what {
            match what {
                What::Buckets(kind) => {
                    answers::buckets(text, &mut |span| add(alone(name(text, span, *kind))))
                }
                What::Whole { service, operation, names } => {
                    if let Some(columns) = names {
                        cells::each(text, columns, &mut |cell, column| {
                            let found = self.cell(text, &cell, column.holds, &column.member);
                            found.map(alone).into_iter().for_each(&mut add);
                        });
                    }
                    let about = About { service, operation };
                    let mut found = |Item { cell, member, holds }: Item<'_>| {
                        if holds == Holds::Held {
                            return self.held(text, &cell, &mut add);
                        }
                        self.cell(text, &cell, holds, member).into_iter().for_each(&mut add);
                    };
                    objects::each(&self.names, text, &about, &mut found);
                    table::each(&self.names, text, &about, &mut found);
                }
                What::Outputs => {
                    let mut found = |span, kind| add(alone(name(text, span, kind)));
                    if text.trim_ascii_start().starts_with(b"{") {
                        let strings = strings::strings(text, &(0..text.len()));
                        outputs::in_json(&self.names, text, &strings, found);
                    } else {
                        self.names.each_output(text, 0, &mut found);
                    }
                }
                What::Columns(columns) => {
                    let mut called = (0..0, Beside::Other);
                    cells::each(text, columns, &mut |cell, column| {
                        let found = match column.holds {
                            Holds::Value => self.called_cell(text, &cell, &called),
                            holds => self.cell(text, &cell, holds, &column.member),
                        };
                        found.map(alone).into_iter().for_each(&mut add);
                        if column.calls() {
                            called = (cell, Beside::answered(&columns.operation, &column.member));
                        }
                    });
                }
            }
        }
        self.find_secrets(printed, text, &mut |found| add(alone(found)));
        out
    }

    /// What stands in a cell, of something of this name.
    fn cell(&self, text: &[u8], cell: &Cell, holds: Holds, of: &[u8]) -> Option<Finding> {
        let whole = text.get(cell.clone())?;
        match holds {
            Holds::Other | Holds::Called | Holds::Value => None,
            Holds::Secret => self.secret_cell(text, cell, of, false),
            Holds::Held => self.secret_cell(text, cell, HELD, true),
            Holds::Account(kind) => shape::is_account(whole).then(|| finding(cell.clone(), kind)),
            Holds::Name(kind) => {
                let span = value::name(text, cell.clone(), of)?;
                // What accounts are called may be words.
                let spaced = Some(kind) == self.names.rows.as_ref().map(Rows::organization);
                let whole = match spaced {
                    true => value::run_spaced(text, cell.start).end >= cell.end,
                    false => value::run(text, cell.start) == *cell,
                };
                whole.then(|| name(text, span, kind))
            }
        }
    }
}

/// The option of Systems Manager with which it gives secrets.
const DECRYPTS: &[u8] = b"--with-decryption";
/// No command of AWS's.
const NOTHING: About<'_> = About { service: b"", operation: b"" };

fn name(text: &[u8], span: Cell, kind: Kind) -> Finding {
    let teach = value::is_distinct(part(text, &span));
    Finding { teach, ..finding(span, kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Settings;

    #[test]
    fn no_command_that_tells_something_is_passed_over() {
        let catalog = Catalog::builtin(&Settings::default()).unwrap();
        let told = catalog.context.rules.iter().filter(|rule| secrets::is_told(rule.value));
        for label in told.flat_map(|rule| &rule.labels) {
            assert!(telling::may_tell(label.to_ascii_uppercase().as_bytes()), "{label}");
        }
        let holders = programs::HOLDERS.iter().map(|words| words.join(&b' '));
        for program in holders.chain(programs::OF_AWS.iter().map(|own| own.to_vec())) {
            let command = [program.as_slice(), b" x"].concat();
            assert!(telling::may_tell(&command), "{}", String::from_utf8_lossy(&command));
        }
        assert!(!telling::may_tell(b"cat -n src/client.rs | head -40"));
    }

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
