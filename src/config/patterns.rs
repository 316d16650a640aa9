//! The operator's own patterns and allow-list.

use std::fs::{self, File as Open};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::file::File;
use crate::config::problem::Origin;
use crate::config::rows;
use crate::config::value::{Row, Value};
use crate::detect::custom::check::{LONGEST, SHORTEST, parse};
use crate::detect::custom::{Allow, Find, Own, Pattern};

/// No list of names is larger.
const FILE: u64 = 16 << 20;

/// What is wrong with a list of names. It quotes none of them.
#[derive(Debug, Error)]
enum NamesError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is not a file")]
    NotFile,
    #[error("is larger than {} MiB", FILE >> 20)]
    TooLarge,
    #[error("is not UTF-8")]
    NotText,
    #[error("holds on line {line} a name of {bytes} bytes; write {SHORTEST} to {LONGEST}")]
    Length { line: usize, bytes: usize },
}

/// What is configured.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    /// For all tenants.
    pub(crate) own: Own,
    /// For those whose names stand beside it.
    pub(crate) apart: Vec<(Vec<String>, Origin, Pattern)>,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
}

impl Patterns {
    /// Those for all, and those for some.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Pattern> {
        self.own.patterns.iter().chain(self.apart.iter().map(|(.., pattern)| pattern))
    }

    pub(crate) fn together(&self) -> Own {
        Own { patterns: self.all().cloned().collect(), allow: self.own.allow.clone() }
    }
}

pub(crate) fn own(file: &mut File) -> Patterns {
    let mut patterns = Patterns::default();
    for row in rows::rows(file, "patterns") {
        if let Some(pattern) = pattern(file, &row, &mut patterns.files) {
            if patterns.all().any(|other| other.name == pattern.name) {
                let text =
                    format!("patterns.name {:?} stands here twice; write another", pattern.name);
                file.problem(row.origin("name"), text);
            }
            match row.list("tenants") {
                Some([]) => {
                    let text = "patterns.tenants names nobody; leave it out for all".to_owned();
                    file.problem(row.origin("tenants"), text);
                }
                Some(of) => {
                    patterns.apart.push((of.to_vec(), row.origin("tenants"), pattern));
                }
                None => patterns.own.patterns.push(pattern),
            }
        }
    }
    let own = &mut patterns.own;
    if let Some(allow) = allow(file) {
        own.allow = allow;
        if let Err((key, error)) = own.check() {
            let origin = file.set_by(key).unwrap_or(Origin::Default);
            file.problem(origin, format!("{key} {error}"));
        }
    }
    patterns
}

fn pattern(file: &mut File, row: &Row, files: &mut Vec<PathBuf>) -> Option<Pattern> {
    let given: Vec<_> =
        ["expression", "literals", "file"].into_iter().filter(|key| row.has(key)).collect();
    let [by] = given.as_slice() else {
        let text = "patterns needs exactly one of expression, literals and file";
        file.problem(row.origin(given.get(1).unwrap_or(&"")), text.to_owned());
        return None;
    };
    let find = match *by {
        "expression" => Find::Expression(row.text("expression")?.to_owned()),
        "literals" => Find::Names(row.list("literals")?.to_vec()),
        _ => {
            let path = Path::new(row.text("file")?);
            files.push(path.to_owned());
            match names(path) {
                Ok(names) => Find::Names(names),
                Err(error) => {
                    // The path is not shown: it may be a name that was put in the wrong place.
                    file.problem(row.origin("file"), format!("patterns.file {error}"));
                    return None;
                }
            }
        }
    };
    let list = |key| row.list(key).map(<[String]>::to_vec).unwrap_or_default();
    let pattern = Pattern {
        name: row.text("name")?.to_owned(),
        kind: row.text("kind")?.to_owned(),
        critical: row.flag("critical"),
        find,
        examples: list("examples"),
        counter_examples: list("counter_examples"),
    };
    if matches!(pattern.find, Find::Expression(_)) && pattern.examples.is_empty() {
        let text =
            "patterns.examples is missing; write a text in which the expression finds something";
        file.problem(row.origin("expression"), text.to_owned());
    }
    if let Err((field, error)) = pattern.check() {
        let field = if field == "literals" { by } else { field };
        file.problem(row.origin(field), format!("patterns.{field} {error}"));
        return None;
    }
    Some(pattern)
}

/// One name on each line; empty lines and those that begin with `#` are skipped.
fn names(path: &Path) -> Result<Vec<String>, NamesError> {
    // Asked before it is opened: opening a pipe would wait for its writer.
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(NamesError::NotFile);
    }
    let mut bytes = Vec::new();
    Open::open(path)?.take(FILE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE {
        return Err(NamesError::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_| NamesError::NotText)?;
    let mut names = Vec::new();
    for (line, name) in (1..).zip(text.lines().map(str::trim)) {
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        if !(SHORTEST..=LONGEST).contains(&name.len()) {
            return Err(NamesError::Length { line, bytes: name.len() });
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// None if an expression is wrong.
fn allow(file: &mut File) -> Option<Allow> {
    let list = |file: &File, key: &str| match file.values.get(key) {
        Some((Value::List(list), origin)) => (list.clone(), *origin),
        _ => (Vec::new(), Origin::Default),
    };
    let (values, _) = list(file, "allow.values");
    let (expressions, origin) = list(file, "allow.expressions");
    let before = file.problems.len();
    for (at, expression) in (1..).zip(&expressions) {
        if let Err(error) = parse(expression) {
            file.problem(
                origin,
                format!("allow.expressions holds as number {at} one that {error}"),
            );
        }
    }
    (file.problems.len() == before).then_some(Allow { values, expressions })
}
