//! `masker doctor`: looks at what masker depends on, and says what to do.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use thiserror::Error;

use crate::cli::flags::Local;
use crate::cli::output;
use crate::config::Config;
use crate::config::load::Flags;
use crate::listen::Address;
use crate::store::FileError;
use crate::store::doctor::{self, Finding, Level, bad, good, note};

mod baseline;
mod envoy;
mod files;
mod machine;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The store to look into, in place of the configured one, without a password
    /// [env: MASKER_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Where Envoy's admin interface listens: IP:PORT or unix:PATH
    #[arg(long, value_name = "ADDRESS")]
    envoy: Option<Address>,
    /// Where there is none, records how the running masker does since its start; else compares
    /// with it
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// With --baseline: where that masker serves its metrics, IP:PORT or unix:PATH
    /// [env: MASKER_ADMIN] [default: 127.0.0.1:9400]
    #[arg(long, value_name = "ADDRESS", requires = "baseline")]
    admin: Option<String>,
    #[command(flatten)]
    flags: Local,
}

#[derive(Debug, Error)]
pub(super) enum DoctorError {
    #[error("the store cannot be looked into")]
    Store(#[from] FileError),
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("cannot write the result")]
    Output(#[source] std::io::Error),
}

impl Doctor {
    pub(super) fn flags(&self) -> Flags {
        let (store, admin) = (self.store.clone(), self.admin.clone());
        Flags { store, admin, ..self.flags.clone().into() }
    }
}

/// Exit code 1 if something is to be repaired.
pub(super) fn run(config: &Config, args: &Doctor) -> Result<ExitCode, DoctorError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let examined = examine(config, args);
    let found = runtime.map_err(DoctorError::Runtime)?.block_on(examined)?;
    output::result(write(&found).as_bytes()).map_err(DoctorError::Output)?;
    let bad = found.iter().any(|finding| finding.level == Level::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn examine(config: &Config, args: &Doctor) -> Result<Vec<Finding>, FileError> {
    let now = SystemTime::now();
    let mut found = files::examine(config, now);
    found.extend(machine::examine(&config.limits));
    match config.key.load() {
        Ok(master) => {
            found.push(good(format!("keys: {} read", files::source(&config.key))));
            found.extend(doctor::examine(&config.store, &master).await?);
        }
        Err(error) => {
            found.push(bad(
                format!("keys: {}", output::chain(&error)),
                "`masker keys new --out FILE` makes one; name it with --key-file or as `key_file`",
            ));
            found.push(note("store: not looked at", "put the keys right first"));
        }
    }
    if let Some(file) = &args.baseline {
        found.extend(baseline::examine(&config.admin.address, file).await);
    }
    match &args.envoy {
        Some(address) => found.extend(envoy::examine(address, now).await),
        None => found.push(note(
            "envoy: not looked at",
            "name its admin interface with --envoy, such as 127.0.0.1:9901",
        )),
    }
    Ok(found)
}

fn write(found: &[Finding]) -> String {
    let mut text = String::new();
    for finding in found {
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
    text
}
