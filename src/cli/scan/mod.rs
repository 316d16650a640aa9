//! `masker scan`: where identifiers and secrets stand in files and folders.
//!
//! Exit codes: 0 nothing was found, 1 something was, 2 something could not be
//! looked at, which wins.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use thiserror::Error;

use crate::cli::scan::files::{Content, ReadError};
use crate::cli::scan::place::Cursor;
use crate::cli::scan::progress::Progress;
use crate::cli::scan::report::{Hit, Report};
use crate::cli::{output, wiring};
use crate::config::load::{Env, Flags};
use crate::config::problem::Problems;
use crate::config::{Config, units};
use crate::detect::{Catalog, CatalogError, Finding, Known};
use crate::mask::placeholder;

mod files;
mod place;
mod progress;
mod report;
mod sarif;

/// Something was found.
const FOUND: u8 = 1;
/// Something could not be looked at.
pub(super) const FAILED: u8 = 2;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing was found, 1 something was, 2 something could not be read"
)]
pub(super) struct Scan {
    /// Files, and folders with all that is in them; `-` is standard input. Binary files, `.git`
    /// and symbolic links in folders are skipped
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print the values too: only where nobody else reads the output
    #[arg(long)]
    show_values: bool,
    /// The largest text that is looked at; a larger one is an error
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = units::parse_size)]
    max_size: u64,
    /// The configuration, for its detection and its patterns [env: MASKER_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// PATH:LINE:COLUMN KIND
    Text,
    /// One JSON object on each line
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

#[derive(Debug, Error)]
pub(super) enum ScanError {
    #[error(transparent)]
    Config(#[from] Problems),
    #[error(transparent)]
    Catalog(#[from] Box<CatalogError>),
    #[error("cannot write to standard output")]
    Output(#[from] std::io::Error),
}

/// What one run is made of.
struct Run<'a> {
    args: &'a Scan,
    catalog: &'a Catalog,
    report: Report<'a>,
    progress: Progress,
    count: Count,
}

#[derive(Default)]
struct Count {
    files: u64,
    binary: u64,
    findings: u64,
    failures: u64,
}

pub(super) fn run(args: &Scan, env: Env<'_>) -> Result<ExitCode, ScanError> {
    let flags = Flags { config: args.config.clone(), ..Flags::default() };
    let masker = wiring::masker(&Config::load(&flags, env)?)?;
    let catalog = &*masker.catalog;
    let report = Report::begin(args.format, catalog, output::stream())?;
    let progress = Progress::start(&args.paths);
    let mut run = Run { args, catalog, report, progress, count: Count::default() };
    for path in &args.paths {
        if path.as_os_str() == "-" {
            run.file(path)?;
        } else {
            run.tree(path)?;
        }
    }
    run.end()
}

impl Run<'_> {
    fn tree(&mut self, root: &Path) -> Result<(), ScanError> {
        for entry in files::walk(root) {
            match entry {
                Ok(path) => self.file(&path)?,
                Err(error) => self.failed(error.path().unwrap_or(root), &ReadError::from(&error)),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), ScanError> {
        match files::read(path, self.args.max_size) {
            Ok(Content::Text(text)) => {
                self.count.files += 1;
                self.text(path, &text)?;
                self.progress.add(text.len());
            }
            Ok(Content::Binary) => self.count.binary += 1,
            Err(error) => self.failed(path, &error),
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) -> Result<(), ScanError> {
        let mut cursor = Cursor::default();
        for finding in findings(self.catalog, text) {
            cursor.advance(text, finding.span.start);
            let start = cursor.place();
            cursor.advance(text, finding.span.end);
            let hit = Hit {
                path,
                info: self.catalog.info(finding.kind),
                rank: finding.rank,
                start,
                end: cursor.place(),
                value: text.get(finding.span).filter(|_| self.args.show_values),
            };
            self.count.findings += 1;
            let report = &mut self.report;
            self.progress.aside(|| report.hit(&hit))?;
        }
        Ok(())
    }

    /// What cannot be looked at is never passed over in silence.
    fn failed(&mut self, path: &Path, error: &ReadError) {
        self.count.failures += 1;
        let report = &mut self.report;
        self.progress.aside(|| {
            output::note(&format!("{}: {error}", report::shown(path)));
            report.failure(path, error);
        });
    }

    fn end(self) -> Result<ExitCode, ScanError> {
        self.progress.end();
        let Count { files, binary, findings, failures } = self.count;
        self.report.end()?;
        output::note(&format!(
            "{findings} findings in {files} files; {binary} binary files skipped, {failures} not read"
        ));
        Ok(ExitCode::from(match (failures, findings) {
            (0, 0) => 0,
            (0, _) => FOUND,
            _ => FAILED,
        }))
    }
}

/// What would be masked if the text were one body: names that it teaches are found in all of it.
fn findings(catalog: &Catalog, text: &str) -> Vec<Finding> {
    let mut known = Known::default();
    let mut taken = placeholder::spans(text);
    let mut found = Vec::new();
    catalog.scan(text, "", &taken, &mut found);
    for finding in found.iter().filter(|finding| finding.teach) {
        if let Some(name) = text.get(finding.span.clone()) {
            known.learn(catalog, name, finding.kind);
        }
    }
    taken.extend(found.iter().map(|finding| finding.span.clone()));
    taken.sort_by_key(|span| span.start);
    // All names are news, so that the text is read again for them: no words are handed over.
    known.find(text, Vec::new(), &taken, &mut found);
    found.sort_by_key(|finding| finding.span.start);
    found
}
