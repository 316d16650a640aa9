//! What a command printed, where the command stands in another string: the input of a tool
//! tells what its result is.
//!
//! `aws dynamodb list-tables --query TableNames` prints names that nothing else tells from words,
//! `printenv DB_PASSWORD` a password without its key.

mod lines;
mod query;
mod shell;

use crate::detect::context::bytes::part;
use crate::detect::context::command::About;
use crate::detect::context::names::Names;
use crate::detect::context::shape::Shape;
use crate::detect::context::{Context, Name, Rule, answers, finding, of_secret, shape, value};
use crate::detect::{Catalog, Finding, Kind, Rank};
use lines::Cell;
use query::{Picked, picked};

/// What a command prints.
#[derive(Debug)]
pub struct Printed(What);

#[derive(Debug)]
enum What {
    /// Dates, times and names.
    Buckets(Kind),
    /// One value in each line, or several.
    Columns(Vec<Column>),
    /// Nothing but a secret. `sure`: whatever it looks like.
    Secret { name: Vec<u8>, sure: bool },
}

/// A value in each line.
#[derive(Debug)]
struct Column {
    /// Its key, if each line is an object.
    alias: Option<Vec<u8>>,
    member: Vec<u8>,
    holds: Holds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Account(Kind),
    Name(Kind),
    Secret,
    Other,
}

/// Programs that print the value of what their last word names.
const PRINTERS: [&[&[u8]]; 14] = [
    &[b"printenv"],
    &[b"echo"],
    &[b"printf"],
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
    &[b"git", b"config"],
];
/// What a service calls a secret that it holds.
const HELD: &[u8] = b"SecretString";
/// Programs that print a file. What it holds is judged by its looks.
const FILES: [&[u8]; 4] = [b"cat", b"head", b"tail", b"less"];

impl Catalog {
    /// What is known of the answer to these commands of a shell.
    #[must_use]
    pub fn commands(&self, text: &str) -> Vec<Printed> {
        let text = text.strip_prefix("<bash-input>").unwrap_or(text);
        let text = text.strip_suffix("</bash-input>").unwrap_or(text);
        self.context.commands(text.as_bytes()).into_iter().map(Printed).collect()
    }

    /// What stands in the answer of a command, for [`Catalog::add_unsure`].
    #[must_use]
    pub fn printed(&self, printed: &Printed, answer: &str) -> Vec<Finding> {
        let inner = lines::inner(answer);
        let mut found = self.context.printed(&printed.0, part(answer.as_bytes(), &inner));
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
    fn commands(&self, text: &[u8]) -> Vec<What> {
        let mut all = Vec::new();
        let mut last: Option<(Vec<u8>, Vec<u8>)> = None;
        for words in shell::commands(text) {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            all.extend(self.secret_of(&words));
            match words.as_slice() {
                [b"aws", rest @ ..] => {
                    let Some(about) = self.names.about(&mut rest.iter().copied()) else { continue };
                    last = Some((about.service.to_vec(), about.operation.to_vec()));
                    all.extend(self.names.answer(&about, option(rest, b"--query")));
                }
                [b"jq", rest @ ..] => {
                    let Some((service, operation)) = &last else { continue };
                    let filter = rest.iter().find(|word| !word.starts_with(b"-"));
                    let about = About { service, operation };
                    all.extend(filter.and_then(|filter| self.names.queried(&about, filter)));
                }
                _ => {}
            }
        }
        all
    }

    /// The secret that a command prints, by the name that it is asked for.
    fn secret_of(&self, words: &[&[u8]]) -> Option<What> {
        let printer = PRINTERS.iter().any(|printer| words.starts_with(printer));
        let file = words.first().is_some_and(|program| FILES.contains(program));
        if !printer && !file {
            return None;
        }
        // `secret/app/db_password`, `${DB_PASSWORD}`, `-field=password`, `"op://a/b/password"`.
        let last = |word: &&[u8]| {
            let end = word.trim_ascii_end().strip_suffix(b"}").unwrap_or(word);
            let sign = |b: &u8| !b.is_ascii_alphanumeric() && !b"_-.".contains(b);
            end.rsplit(sign).next().unwrap_or_default().to_vec()
        };
        let name = words.iter().skip(1).map(last).find(|name| self.is_secret_name(name))?;
        Some(What::Secret { name, sure: printer })
    }

    fn is_secret_name(&self, name: &[u8]) -> bool {
        self.secret_rule(&of_secret(name)).is_some()
    }

    fn secret_rule(&self, name: &Name) -> Option<&Rule> {
        let secret = |value| matches!(value, Shape::Password | Shape::Random | Shape::SecretKey);
        self.rules.iter().find(|rule| secret(rule.value) && rule.has_label(name))
    }

    fn printed(&self, what: &What, text: &[u8]) -> Vec<Finding> {
        let mut out = Vec::new();
        match what {
            What::Buckets(kind) => answers::buckets(text, &mut |span| {
                let teach = value::is_distinct(part(text, &span));
                out.push(Finding { teach, ..finding(span, *kind) });
            }),
            What::Columns(columns) => {
                lines::cells(text, columns, &mut |cell, column| {
                    out.extend(self.cell(text, &cell, column));
                });
            }
            What::Secret { name, sure } => {
                let cell = lines::word(text);
                out.extend(cell.and_then(|cell| self.secret_cell(text, &cell, name, *sure)));
            }
        }
        out
    }

    fn cell(&self, text: &[u8], cell: &Cell, column: &Column) -> Option<Finding> {
        let whole = text.get(cell.clone())?;
        match column.holds {
            Holds::Other => None,
            Holds::Secret => self.secret_cell(text, cell, HELD, false),
            Holds::Account(kind) => shape::is_account(whole).then(|| finding(cell.clone(), kind)),
            Holds::Name(kind) => {
                let run = value::run(text, cell.start);
                let span = value::name(text, cell.clone(), &column.member)?;
                let teach = value::is_distinct(text.get(span.clone())?);
                (run == *cell).then(|| Finding { teach, ..finding(span, kind) })
            }
        }
    }

    fn secret_cell(&self, text: &[u8], cell: &Cell, name: &[u8], sure: bool) -> Option<Finding> {
        let whole = text.get(cell.clone())?;
        let name = of_secret(name);
        let kind = self.secret(&name, whole, true);
        let sure = || {
            let rule = self.secret_rule(&name).filter(|_| sure && lines::may_be_secret(whole));
            rule.map(|rule| rule.kind)
        };
        let kind = kind.or_else(sure)?;
        Some(Finding { rank: Rank::Context, ..finding(cell.clone(), kind) })
    }
}

impl Names {
    /// What AWS's command line prints.
    fn answer(&self, about: &About<'_>, query: Option<&[u8]>) -> Option<What> {
        let answers = self.answers.as_ref()?;
        match (about.service, about.operation, query) {
            (.., Some(query)) => self.queried(about, query),
            (b"s3", b"ls", None) => Some(What::Buckets(answers.bucket)),
            (_, b"caller-identity", None) => {
                let (alias, member) = (None, b"Account".to_vec());
                let holds = Holds::Account(answers.account);
                Some(What::Columns(vec![Column { alias, member, holds }]))
            }
            _ => None,
        }
    }

    /// What a query picks from the answer of an operation.
    fn queried(&self, about: &About<'_>, query: &[u8]) -> Option<What> {
        let columns: Vec<_> = picked(query)
            .into_iter()
            .map(|Picked { alias, member, of }| {
                let holds = self.holds(about, &member, &of);
                Column { alias, member, holds }
            })
            .collect();
        if let ([Column { holds: Holds::Secret, .. }], b"secretsmanager") =
            (columns.as_slice(), about.service)
        {
            return Some(What::Secret { name: HELD.to_vec(), sure: true });
        }
        columns.iter().any(|column| column.holds != Holds::Other).then_some(What::Columns(columns))
    }

    /// What a member of the answer is.
    fn holds(&self, about: &About<'_>, member: &[u8], of: &[u8]) -> Holds {
        let Some(answers) = &self.answers else { return Holds::Other };
        let lower = member.to_ascii_lowercase();
        let one = lower.strip_suffix(b"s").unwrap_or(&lower);
        match (about.service, one) {
            (_, b"account" | b"accountid" | b"ownerid") => return Holds::Account(answers.account),
            (_, b"secretstring" | b"secretbinary" | b"password") => return Holds::Secret,
            (b"ssm", b"value") => return Holds::Secret,
            (b"s3api" | b"s3", b"name") => return Holds::Name(answers.bucket),
            (b"eks", b"cluster") => return Holds::Name(answers.cluster),
            _ => {}
        }
        let operation: Vec<u8> = about.operation.iter().filter(|b| **b != b'-').copied().collect();
        let single = operation.strip_suffix(b"s").unwrap_or(&operation);
        let named = [one, b"name"].concat();
        let key = self.key(member).or_else(|| self.key(&named)).map(|key| key.kind);
        // `Stacks[].Name`, but not `Instances[].State.Name`.
        let of = of.to_ascii_lowercase();
        let of_one = of.strip_suffix(b"s").unwrap_or(&of);
        let of_operation = of.starts_with(single) || operation.starts_with(of_one);
        let name = matches!(one, b"name" | b"id" | b"identifier") && of_operation;
        let meant = || self.meant(about.service, single, one).filter(|_| name);
        meant().or(key).map_or(Holds::Other, Holds::Name)
    }
}

/// What an option of a command is given.
fn option<'w>(words: &[&'w [u8]], name: &[u8]) -> Option<&'w [u8]> {
    let at = words.iter().position(|word| word.starts_with(name))?;
    let word = words.get(at)?;
    match word.get(name.len()..)? {
        [] => words.get(at + 1).copied(),
        [b'=', value @ ..] => Some(value),
        _ => None,
    }
}
