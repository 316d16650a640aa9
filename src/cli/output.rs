//! The one place that writes to the terminal.

use std::error::Error;
use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;
use std::process::ExitCode;

use crate::cli::CliError;
use crate::cli::patterns::PatternsError;
use crate::cli::scan;
use crate::cli::scan::ScanError;
use crate::cli::serve::ServeError;

/// Writes a result to standard output, whole.
pub(super) fn result(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Standard output for a result that comes in many pieces: line by line to a terminal.
pub(super) fn stream() -> Box<dyn Write> {
    let out = io::stdout().lock();
    if out.is_terminal() { Box::new(out) } else { Box::new(BufWriter::new(out)) }
}

/// Says something beside the result.
pub(super) fn note(text: &str) {
    // With standard error closed there is nobody left to tell.
    drop(io::stderr().lock().write_all(format!("masker: {text}\n").as_bytes()));
}

/// Says why the command was not done: one line with all causes, or one line for
/// each problem of the configuration.
pub(super) fn failure(error: &CliError) -> ExitCode {
    let text = match error {
        CliError::Config(problems)
        | CliError::Serve(ServeError::Config(problems))
        | CliError::Scan(ScanError::Config(problems))
        | CliError::Patterns(PatternsError::Config(problems)) => {
            format!("{problems}\n")
        }
        error => format!("masker: {}\n", chain(error)),
    };
    // With standard error closed there is nobody left to tell; the exit code remains.
    drop(io::stderr().lock().write_all(text.as_bytes()));
    match error {
        CliError::Scan(_) => ExitCode::from(scan::FAILED),
        _ => ExitCode::FAILURE,
    }
}

/// Help and version, or what was not understood.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    match error.print() {
        Ok(()) => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
        Err(_) => ExitCode::FAILURE,
    }
}

/// An error with its causes, on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // A transparent error repeats its cause.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
