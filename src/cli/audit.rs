//! `masker audit`: checks the audit log.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use thiserror::Error;

use crate::cli::output;
use crate::telemetry::journal;
use crate::telemetry::journal::JournalError;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Check that nothing was changed in an audit log, and print its last hash
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The file that `audit.file` names
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Error)]
pub(super) enum AuditError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot write to standard output")]
    Print(#[source] std::io::Error),
}

pub(super) fn run(audit: &Audit) -> Result<(), AuditError> {
    let Audit::Verify(Verify { file }) = audit;
    let whole = journal::check(file)?;
    let text = match whole.entries {
        0 => "0 entries\n".to_owned(),
        entries => {
            let journal::Checked { first, last, head, .. } = whole;
            format!("{entries} entries, from {first} to {last}\nlast hash {head}\n")
        }
    };
    output::result(text.as_bytes()).map_err(AuditError::Print)
}
