//! `masker log-level`: how much a running masker tells, over its API.

use clap::{Args, ValueEnum};
use thiserror::Error;

use crate::admin::proto;
use crate::cli::client::{self, Client, ClientError};
use crate::cli::output;
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct LogLevel {
    /// The least that is told from now on, until masker ends
    #[arg(value_enum)]
    level: Level,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    pub(super) client: client::Args,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Error)]
pub(super) enum LogLevelError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("cannot write the result")]
    Output(#[from] std::io::Error),
}

pub(super) fn run(config: &Config, args: &LogLevel) -> Result<(), LogLevelError> {
    let level = match args.level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let asked = proto::SetLogLevelRequest { level: level.to_owned(), reason: args.reason.clone() };
    let before = client::run(config, &args.client, async |mut client: Client| {
        Ok(client.set_log_level(asked).await?.into_inner().before)
    })?;
    Ok(output::result(format!("{level}, after {before}\n").as_bytes())?)
}
