//! The configuration as written: each option's value and who set it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::options;
use crate::config::options::Form;
use crate::config::options::Given;
use crate::config::options::OPTIONS;
use crate::config::options::OVERRIDES;
use crate::config::options::Opt;
use crate::config::problem::Origin;
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::value;
use crate::config::value::Row;
use crate::config::value::Value;

/// Values by dotted key, and what is wrong so far. A value that is wrong is left
/// out, so that the rest is still checked.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) values: BTreeMap<&'static str, (Value, Origin)>,
    pub(crate) problems: Vec<Problem>,
}

impl File {
    /// The defaults.
    pub(crate) fn defaults() -> Self {
        let mut file = Self::default();
        for opt in OPTIONS {
            if let Given::Default(text) = opt.given {
                let read = DeValue::parse(text)
                    .map_err(|error| error.to_string())
                    .and_then(|parsed| value::read(opt.form, parsed.get_ref()));
                file.set(opt.key, read, Origin::Default);
            }
        }
        file
    }

    /// Reads the text of a TOML file over what is set already.
    pub(crate) fn read(&mut self, text: &str) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let broken: Vec<usize> = errors
            .iter()
            .map(|error| error.span().map_or(0, |span| value::line_at(text, span.start)))
            .collect();
        self.table(text, "", table.get_ref());
        // What follows from a broken line is not a second error.
        self.problems.retain(|problem| match problem.origin {
            Origin::File(line) => !broken.contains(&line),
            _ => true,
        });
        for (error, line) in errors.iter().zip(broken) {
            self.problem(Origin::File(line), format!("this is not TOML: {}", error.message()));
        }
    }

    /// Lays the environment and then flags over the file.
    pub(crate) fn overlay(
        &mut self,
        env: &dyn Fn(&str) -> Option<String>,
        flag: &dyn Fn(&str) -> Option<String>,
    ) {
        for over in &OVERRIDES {
            let Some(opt) = options::find(over.key) else { continue };
            // Compose and systemd set a variable that has no value to nothing.
            if let Some(text) = env(over.env).filter(|text| !text.is_empty()) {
                self.set(
                    over.key,
                    value::read_text(opt.form, &text),
                    Origin::Environment(over.env),
                );
            }
            if let Some(text) = flag(over.flag) {
                self.set(over.key, value::read_text(opt.form, &text), Origin::Flag(over.flag));
            }
        }
    }

    /// Who set this option, if somebody did.
    pub(crate) fn set_by(&self, key: &str) -> Option<Origin> {
        self.values.get(key).map(|(_, origin)| *origin).filter(|origin| *origin != Origin::Default)
    }

    pub(crate) fn problem(&mut self, origin: Origin, text: String) {
        self.problems.push(Problem { origin, text });
    }

    fn set(&mut self, key: &'static str, value: Result<Value, String>, origin: Origin) {
        match value {
            Ok(value) => drop(self.values.insert(key, (value, origin))),
            Err(wrong) => self.problem(origin, describe(key, origin, &wrong)),
        }
    }

    fn table(&mut self, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let line = value::line_of(text, key);
            let origin = Origin::File(line);
            let dotted = format!("{prefix}{}", key.get_ref());
            let inside = format!("{dotted}.");
            if let Some(opt) = options::find(&dotted) {
                let read = match opt.form {
                    Form::Rows(fields) => self.rows(text, opt, fields, value),
                    form => value::read(form, value.get_ref()),
                };
                self.set(opt.key, read, origin);
            } else if OPTIONS.iter().any(|opt| opt.key.starts_with(&inside)) {
                match value.get_ref().as_table() {
                    Some(table) => self.table(text, &inside, table),
                    None => {
                        self.problem(origin, format!("{dotted} is a section; write [{dotted}]"))
                    }
                }
            } else {
                self.problem(origin, unknown(&dotted, names()));
            }
        }
    }

    fn rows(
        &mut self,
        text: &str,
        opt: &Opt,
        fields: &'static [Opt],
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Value, String> {
        let wrong = || format!("is wrong; write {} ([[{}]])", value::expected(opt.form), opt.key);
        let tables = value.get_ref().as_array().ok_or_else(wrong)?;
        let mut rows = Vec::new();
        for table in tables {
            let line = value::line_of(text, table);
            let fields_of = table.get_ref().as_table().ok_or_else(wrong)?;
            rows.push(self.row(text, line, opt.key, fields, fields_of));
        }
        Ok(Value::Rows(rows))
    }

    fn row(
        &mut self,
        text: &str,
        line: usize,
        name: &str,
        fields: &'static [Opt],
        table: &DeTable<'_>,
    ) -> Row {
        let mut row = Row { line, fields: Vec::new(), lines: Vec::new() };
        for (key, value) in table {
            let origin = Origin::File(value::line_of(text, key));
            let dotted = format!("{name}.{}", key.get_ref());
            let Some(field) = fields.iter().find(|field| field.key == key.get_ref()) else {
                let known: Vec<_> =
                    fields.iter().map(|field| format!("{name}.{}", field.key)).collect();
                self.problem(origin, unknown(&dotted, known.iter().map(String::as_str)));
                continue;
            };
            row.lines.push((field.key, value::line_of(text, key)));
            match value::read(field.form, value.get_ref()) {
                Ok(value) => row.fields.push((field.key, value)),
                Err(wrong) => self.problem(origin, format!("{dotted} {wrong}")),
            }
        }
        let required = |field: &&Opt| !matches!(field.given, Given::Maybe(_));
        for field in fields.iter().filter(required) {
            if !table.keys().any(|key| key.get_ref() == field.key) {
                let text =
                    format!("{name} lacks {}; write {}", field.key, value::expected(field.form));
                self.problem(Origin::File(line), text);
            }
        }
        row
    }
}

/// In the file the key is named; elsewhere the flag or variable is, by the origin.
fn describe(key: &str, origin: Origin, wrong: &str) -> String {
    match origin {
        Origin::Flag(_) | Origin::Environment(_) => wrong.to_owned(),
        Origin::File(_) | Origin::Default => format!("{key} {wrong}"),
    }
}

/// All keys and all sections.
fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().flat_map(|opt| {
        let ends = opt.key.match_indices('.').map(|(at, _)| at);
        ends.chain([opt.key.len()]).filter_map(|end| opt.key.get(..end))
    })
}

fn unknown<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> String {
    match nearest(key, names) {
        Some(name) => format!("unknown key {key:?}; did you mean {name:?}?"),
        None => format!("unknown key {key:?}; `masker check --print-default` shows all keys"),
    }
}
