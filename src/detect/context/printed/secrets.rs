//! Secrets that commands print, by the names that they ask for.

use std::collections::HashSet;

use crate::detect::context::announced::of_secret;
use crate::detect::context::printed::cells::{self, Cell};
use crate::detect::context::printed::spoken::{self, Line};
use crate::detect::context::printed::{Printed, fields, programs};
use crate::detect::context::secret::setting::Holds;
use crate::detect::context::shape::{self, Shape};
use crate::detect::context::{Context, Name, Rule, finding};
use crate::detect::{Finding, Kind};

/// What a service calls a secret that it holds.
pub(super) const HELD: &[u8] = b"SecretString";
/// Fields of a tool's input that name a secret, whatever its name is.
const HOLDERS: [&[u8]; 3] = [b"secretname", b"secretid", b"secret"];
/// Those that hold a name which may be a secret's.
const NAMES: [&[u8]; 12] = [
    b"name",
    b"names",
    b"key",
    b"variable",
    b"var",
    b"varname",
    b"env",
    b"envvar",
    b"parameter",
    b"parametername",
    b"field",
    b"property",
];
/// Those that hold the path of a file.
const FILES: [&[u8]; 5] = [b"path", b"file", b"filepath", b"filename", b"absolutepath"];

/// How files end that hold a secret alone; others are programs, or have keys.
const ENDINGS: [&[u8]; 6] = [b"", b".txt", b".key", b".secret", b".pw", b".password"];

/// What a command says.
#[derive(Default)]
pub(super) struct Said {
    pub alone: Vec<Secret>,
    pub lines: Vec<Line>,
}

/// `sure`: whatever it looks like.
pub(super) struct Secret {
    pub name: Vec<u8>,
    pub sure: bool,
    /// It is all that is answered, or nothing of it is one.
    pub whole: bool,
}

impl Secret {
    pub(super) fn new(name: &[u8], sure: bool) -> Self {
        Self { name: name.to_vec(), sure, whole: false }
    }
}

impl Context {
    /// The secret that a command prints, by the name that it is asked for.
    pub(super) fn secret_of(&self, words: &[&[u8]]) -> Option<Secret> {
        let is = |name: &&[u8]| self.is_telling(name);
        if let Some(own) = programs::printer(words) {
            // `vault kv get -field=port secret/password` prints a port.
            let field = words.iter().find(|word| word.starts_with(b"-field="));
            let words = field.map_or(words.get(own..)?, std::slice::from_ref);
            let name = words.iter().map(|word| programs::last_part(word)).find(is)?;
            Some(Secret::new(name, true))
        } else if programs::prints_file(words) {
            if words.iter().skip(1).any(|word| programs::is_secret_file(word)) {
                return Some(Secret::new(HELD, true));
            }
            let files = words.iter().skip(1).map(|word| programs::last_part(word));
            Some(Secret::new(files.map(programs::stem).find(is)?, false))
        } else if programs::reads(words) {
            let name = words.iter().skip(1).flat_map(|word| programs::names(word)).find(is)?;
            Some(Secret::new(name, false))
        } else {
            None
        }
    }

    /// What is cut out of the lines that a command selects: `grep DB_PASS .env | cut -d= -f2`.
    pub(super) fn cut_out(&self, words: &[&[u8]], readers: &[&[&[u8]]]) -> Option<Secret> {
        let all = || std::iter::once(&words).chain(readers);
        let selected = || all().flat_map(|words| programs::selecting(words));
        let mut names = selected().flat_map(programs::names);
        let name = names.find(|name| self.is_telling(name))?;
        let cut = all().any(|words| programs::cuts(words));
        cut.then(|| Secret { whole: true, ..Secret::new(name, true) })
    }

    /// What a field of a tool's input says of its answer.
    pub(super) fn asked(&self, field: &[u8], value: &[u8]) -> Option<Secret> {
        let field = super::super::names::plain(field);
        let name = programs::last_part(value);
        let name = if HOLDERS.contains(&field.as_slice()) {
            HELD
        } else if NAMES.contains(&field.as_slice()) {
            Some(name).filter(|name| self.is_telling(name))?
        } else if FILES.contains(&field.as_slice()) {
            let stem = Some(programs::stem(name)).filter(|stem| self.is_telling(stem))?;
            let ending = name.get(stem.len()..).unwrap_or_default();
            Some(stem).filter(|_| ENDINGS.contains(&ending))?
        } else {
            return None;
        };
        Some(Secret { whole: true, ..Secret::new(name, false) })
    }

    /// The lines that a command says in which such variables stand, and what is said alone.
    pub(super) fn said(&self, words: &[&[u8]], keeps: bool, loops: &[&[u8]]) -> Said {
        let mut said = Said::default();
        let is = |name: &[u8]| self.is_telling(name) && !loops.contains(&name);
        for mut line in spoken::lines(&programs::said(words)) {
            line.keep_names(is);
            let telling = line.telling().map(|name| Secret::new(name, true));
            if line.is_bare() || !keeps {
                said.alone.extend(telling);
            } else if telling.count() > 0 {
                said.lines.push(line);
            }
        }
        said
    }

    pub(super) fn is_telling(&self, name: &[u8]) -> bool {
        let name = of_secret(name);
        self.told(name).is_some() || self.setting(name).is_some()
    }

    /// What a name tells of its value: something that chance or a person made and that nobody
    /// else may know, or an account.
    fn told(&self, name: &[u8]) -> Option<(Kind, Shape)> {
        let label = Name::new(name);
        let rule = self.rules.iter().find(|rule| is_told(rule.value) && rule.has_label(&label));
        let chosen = || self.setting(name).filter(|holds| *holds == Holds::Chosen);
        rule.map(|rule| (rule.kind, rule.value))
            .or_else(|| chosen().map(|_| (self.chosen, Shape::Password)))
    }

    /// The secrets in an answer.
    pub(super) fn find_secrets(
        &self,
        printed: &Printed,
        text: &[u8],
        found: &mut impl FnMut(Finding),
    ) {
        let said = self.find_said(printed, text, found);
        let alone = &printed.secrets;
        if alone.is_empty() {
            return;
        }
        if alone.iter().any(|secret| secret.name == HELD)
            && fields::each(text, &mut |cell, sure| {
                self.secret_cell(text, &cell, HELD, sure).into_iter().for_each(&mut *found);
            })
        {
            return;
        }
        let other = |(cell, _): &(Cell, bool)| !said.contains(&cell.start);
        let words: Vec<_> = cells::words(text).into_iter().filter(other).collect();
        if let ([Secret { name, sure: true, .. }], [(_, false)]) =
            (alone.as_slice(), words.as_slice())
            && !printed.others
            && !printed.copied
            && printed.what.is_empty()
            && let Some(cell) = cells::phrase(text)
        {
            return self.secret_cell(text, &cell, name, true).into_iter().for_each(found);
        }
        let all = words.len() == alone.len() && words.iter().all(|(_, alone)| *alone);
        for (at, secret) in alone.iter().enumerate() {
            // Beside other lines, what looks like one is.
            let (own, sure) = if all { (at..at + 1, secret.sure) } else { (0..words.len(), false) };
            if secret.whole && !all {
                continue;
            }
            for (cell, _) in words.get(own).unwrap_or_default() {
                let one = self.secret_cell(text, cell, &secret.name, sure);
                one.into_iter().for_each(&mut *found);
            }
        }
    }

    /// The values of variables in the lines that are said, and where what is said begins.
    fn find_said(
        &self,
        printed: &Printed,
        text: &[u8],
        found: &mut impl FnMut(Finding),
    ) -> HashSet<usize> {
        let mut said = HashSet::new();
        for line in cells::lines(text).filter(|_| !printed.lines.is_empty()) {
            for template in &printed.lines {
                let sure = !printed.others || template.is_telling();
                template.values(text, &line, &mut |cell, name| {
                    said.insert(line.start);
                    if !name.is_empty() {
                        self.secret_cell(text, &cell, name, sure).into_iter().for_each(&mut *found);
                    }
                });
            }
        }
        said
    }

    pub(super) fn secret_cell(
        &self,
        text: &[u8],
        cell: &Cell,
        name: &[u8],
        sure: bool,
    ) -> Option<Finding> {
        let whole = text.get(cell.clone())?;
        let name = of_secret(name);
        let label = Name::new(name);
        let account = |rule: &&Rule| {
            rule.value == Shape::Account && rule.has_label(&label) && shape::is_account(whole)
        };
        let account = self.rules.iter().find(account).map(|rule| rule.kind);
        if let Some(kind) = account.or_else(|| self.secret(name, whole, true, true)) {
            return Some(finding(cell.clone(), kind));
        }
        // What may be any word is masked here alone.
        let (kind, _) = self.told(name).filter(|(_, shape)| *shape != Shape::Account)?;
        if !sure || !cells::may_be_secret(whole) {
            return None;
        }
        Some(Finding { teach: false, ..finding(cell.clone(), kind) })
    }
}

pub(super) fn is_told(shape: Shape) -> bool {
    matches!(shape, Shape::Password | Shape::Random | Shape::SecretKey | Shape::Account)
}
