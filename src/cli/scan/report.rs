//! Findings as text, as lines of JSON or as SARIF.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::cli::scan::files::ReadError;
use crate::cli::scan::place::Place;
use crate::cli::scan::sarif::Sarif;
use crate::cli::scan::{Format, ScanError};
use crate::detect::{Catalog, KindInfo, Rank};

/// One finding. It has a value only if values are to be shown.
pub(super) struct Hit<'a> {
    pub(super) path: &'a Path,
    pub(super) info: &'a KindInfo,
    pub(super) rank: Rank,
    pub(super) start: Place,
    /// Behind its last character.
    pub(super) end: Place,
    pub(super) value: Option<&'a str>,
}

pub(super) struct Report<'a> {
    out: Box<dyn Write + 'a>,
    form: Form,
}

enum Form {
    Text,
    Json,
    Sarif(Sarif),
}

impl<'a> Report<'a> {
    pub(super) fn begin(
        format: Format,
        catalog: &Catalog,
        mut out: Box<dyn Write + 'a>,
    ) -> Result<Self, ScanError> {
        let form = match format {
            Format::Text => Form::Text,
            Format::Json => Form::Json,
            Format::Sarif => Form::Sarif(Sarif::begin(catalog, &mut out)?),
        };
        Ok(Self { out, form })
    }

    pub(super) fn hit(&mut self, hit: &Hit<'_>) -> io::Result<()> {
        match &mut self.form {
            Form::Text => {
                let Place { line, column } = hit.start;
                write!(self.out, "{}:{line}:{column} {}", shown(hit.path), hit.info.name)?;
                // Escaped: a key of several lines stays on one.
                hit.value.map_or(Ok(()), |value| write!(self.out, " {}", value.escape_debug()))?;
                writeln!(self.out)
            }
            Form::Json => writeln!(self.out, "{}", object(hit)),
            Form::Sarif(sarif) => sarif.hit(hit, &mut self.out),
        }
    }

    pub(super) fn failure(&mut self, path: &Path, error: &ReadError) {
        if let Form::Sarif(sarif) = &mut self.form {
            sarif.failure(path, error);
        }
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        if let Form::Sarif(sarif) = self.form {
            sarif.end(&mut self.out)?;
        }
        self.out.flush()
    }
}

fn object(hit: &Hit<'_>) -> serde_json::Value {
    let mut object = json!({
        "path": hit.path.to_string_lossy(),
        "line": hit.start.line,
        "column": hit.start.column,
        "end_line": hit.end.line,
        "end_column": hit.end.column,
        "kind": hit.info.name,
        "critical": hit.info.critical,
        "by": by(hit.rank),
    });
    if let (Some(value), Some(fields)) = (hit.value, object.as_object_mut()) {
        fields.insert("value".to_owned(), value.into());
    }
    object
}

/// What a finding was found by.
pub(super) fn by(rank: Rank) -> &'static str {
    match rank {
        Rank::Shape => "shape",
        Rank::Structure => "structure",
        Rank::Context => "context",
        Rank::Known => "known",
    }
}

/// A path as a line of a terminal: a name may hold anything but a slash.
pub(super) fn shown(path: &Path) -> String {
    let plain = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    path.to_string_lossy().chars().map(plain).collect()
}
