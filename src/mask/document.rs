//! A whole document masked and restored at once: the command line, the API.

use crate::body::select::Format;
use crate::mask::Scope;
use crate::mask::masker::{Masker, Refusal, Report, Session};
use crate::mask::placeholder::{self, Placeholder};
use crate::mask::restore::{self, Counts};
use crate::mask::table::Table;

/// How a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Json(Format),
}

/// Masks a document. Gives it with its mappings and what was found.
pub fn mask(
    masker: &Masker,
    scope: &Scope,
    form: Form,
    source: &str,
) -> Result<(String, Table, Report), Refusal> {
    let mut session = Session::new(masker, scope);
    let masked = match form {
        Form::Text => session.text(source)?,
        Form::Json(format) => session.json(source, format)?,
    };
    Ok((masked, session.table, session.report))
}

/// The placeholders in a document, each once.
#[must_use]
pub fn placeholders(source: &str) -> Vec<Placeholder> {
    let spans = placeholder::spans(source);
    let mut found: Vec<_> =
        spans.into_iter().filter_map(|span| Placeholder::parse(source.get(span)?)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Restores what the table knows.
#[must_use]
pub fn unmask(form: Form, source: &str, depth: usize, table: &Table) -> (String, Counts) {
    let mut counts = Counts::default();
    let restored = match form {
        Form::Text => restore::text(source, table, &mut counts),
        Form::Json(format) => restore::json(source, format, depth, table, &mut counts),
    };
    (restored.unwrap_or_else(|| source.to_owned()), counts)
}
