//! `masker mode`: the mode of operation of a running masker, over its API.

use clap::{Args, ValueEnum};
use thiserror::Error;

use crate::admin::proto;
use crate::cli::client::{self, Client, ClientError};
use crate::cli::output;
use crate::config::Config;
use crate::config::units::{self, UnitError};

#[derive(Debug, Args)]
pub(super) struct Mode {
    /// What to do
    #[arg(value_enum, default_value_t = Action::Show)]
    action: Action,
    /// How long it lasts, such as 10m; a bypass needs it
    #[arg(long = "for", value_name = "TIME")]
    time: Option<String>,
    /// Why, for the audit log; a bypass needs it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) client: client::Args,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Show the mode, who decided on it, and when it ends
    Show,
    /// End what was ordered and what is blocked
    Normal,
    /// Refuse every request
    BlockAll,
    /// Let requests pass unmasked, where masker and Envoy are both configured to allow it
    Bypass,
}

#[derive(Debug, Error)]
pub(super) enum ModeError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("--for {0:?}")]
    Time(String, #[source] UnitError),
    #[error("--for must be whole seconds, at least one")]
    Seconds,
    #[error("--for and --reason are for block-all and bypass")]
    Nothing,
    #[error("masker answered without a mode")]
    Empty,
    #[error("cannot write the result")]
    Output(#[from] std::io::Error),
}

pub(super) fn run(config: &Config, args: &Mode) -> Result<(), ModeError> {
    let idle = matches!(args.action, Action::Show | Action::Normal);
    if idle && args.time.is_some() || args.action == Action::Show && args.reason.is_some() {
        return Err(ModeError::Nothing);
    }
    let seconds = args.time.as_deref().map_or(Ok(0), seconds)?;
    let mode = match args.action {
        Action::Show => None,
        Action::Normal => Some(proto::Mode::Normal),
        Action::BlockAll => Some(proto::Mode::BlockAll),
        Action::Bypass => Some(proto::Mode::Bypass),
    };
    let status = client::run(config, &args.client, async |mut client: Client| match mode {
        None => Ok(client.get_status(proto::GetStatusRequest {}).await?.into_inner().mode_status),
        Some(mode) => {
            let reason = args.reason.clone().unwrap_or_default();
            let ordered = proto::SetModeRequest { mode: mode.into(), seconds, reason };
            Ok(client.set_mode(ordered).await?.into_inner().mode)
        }
    })?;
    Ok(output::result(describe(&status.ok_or(ModeError::Empty)?).as_bytes())?)
}

fn seconds(text: &str) -> Result<u64, ModeError> {
    let time = units::parse_duration(text);
    let time = time.map_err(|error| ModeError::Time(text.to_owned(), error))?;
    match time.as_secs() {
        0 => Err(ModeError::Seconds),
        _ if time.subsec_nanos() > 0 => Err(ModeError::Seconds),
        seconds => Ok(seconds),
    }
}

fn describe(status: &proto::ModeStatus) -> String {
    let mut text = match status.mode() {
        proto::Mode::Unspecified => "unknown",
        proto::Mode::Normal => "normal",
        proto::Mode::Degraded => "degraded",
        proto::Mode::BlockAll => "block-all",
        proto::Mode::Bypass => "bypass",
    }
    .to_owned();
    text.push_str(match status.cause.as_str() {
        "store" => ", because the store is out of reach",
        "operator" => ", set by an operator",
        "failures" => ", because masking failed",
        _ => "",
    });
    if status.seconds_left > 0 {
        text.push_str(&format!(", for {} s more", status.seconds_left));
    }
    if status.cause == "operator" && !status.activated_by.is_empty() {
        text.push_str(&format!("\nset from {}", status.activated_by));
        let reason = if status.reason.is_empty() { "without a reason" } else { &status.reason };
        text.push_str(&format!(": {reason}"));
    }
    text.push('\n');
    text
}
