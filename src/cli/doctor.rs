//! `masker doctor`: looks at what masker depends on, and says what to do.

use std::process::ExitCode;

use clap::Args;
use thiserror::Error;

use crate::cli::flags::Local;
use crate::cli::output;
use crate::config::Config;
use crate::config::key::KeySourceError;
use crate::config::load::Flags;
use crate::store::FileError;
use crate::store::doctor::{self, Level};

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The store to look into, in place of the configured one, without a password
    /// [env: MASKER_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(flatten)]
    flags: Local,
}

#[derive(Debug, Error)]
pub(super) enum DoctorError {
    #[error(transparent)]
    Key(#[from] KeySourceError),
    #[error("the store cannot be looked into")]
    Store(#[from] FileError),
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("cannot write the result")]
    Output(#[source] std::io::Error),
}

impl Doctor {
    pub(super) fn flags(&self) -> Flags {
        Flags { store: self.store.clone(), ..self.flags.clone().into() }
    }
}

/// Exit code 1 if something is to be repaired.
pub(super) fn run(config: &Config) -> Result<ExitCode, DoctorError> {
    let master = config.key.load()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let examined = doctor::examine(&config.store, &master);
    let found = runtime.map_err(DoctorError::Runtime)?.block_on(examined)?;
    let mut text = String::new();
    for finding in &found {
        let mark = match finding.level {
            Level::Good => "ok  ",
            Level::Note => "note",
            Level::Bad => "BAD ",
        };
        text.push_str(&format!("{mark}  {}\n", finding.what));
        if let Some(remedy) = finding.remedy {
            text.push_str(&format!("      {remedy}\n"));
        }
    }
    output::result(text.as_bytes()).map_err(DoctorError::Output)?;
    let bad = found.iter().any(|finding| finding.level == Level::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
