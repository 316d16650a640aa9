//! The admin listener: health and metrics over HTTP, the API over gRPC, on one port.
//!
//! `Unmask` gives originals back. The API needs a bearer token even on
//! loopback; `http.rs` lists what is open without.

mod audit;
pub mod core;
mod grpc;
mod http;
mod monitor;
mod news;
pub mod proto;
mod rate;
mod token;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tonic::codegen::InterceptedService;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::listen::Bound;
use crate::mode;
use crate::telemetry::Journal;
use crate::telemetry::Recent;
use crate::telemetry::Watch;
use crate::telemetry::labels::Severity;
use crate::telemetry::log;
use crate::telemetry::log::Switch;
use crate::telemetry::log::SwitchError;
use crate::telemetry::watch::Why;

pub use token::{Token, TokenError};

/// Streams of one HTTP/2 connection, and bytes of one request's headers.
const STREAMS: u32 = 64;
const HEADERS: u32 = 16 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A change of the token file counts after at most this.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// All that the listener shows and does, passed in.
#[derive(Clone)]
pub struct Control {
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
    /// Carries out an operator's order.
    pub order: Arc<dyn Fn(mode::Order) -> Result<mode::View, mode::Refused> + Send + Sync>,
    /// Why this process should get no exchanges now; empty if it should. Shown to anybody.
    pub readiness: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// The metrics in the OpenMetrics text format.
    pub metrics: Arc<dyn Fn() -> Result<String, fmt::Error> + Send + Sync>,
    pub core: Arc<dyn core::Core>,
    /// What was counted when, and what happened.
    pub watch: Watch,
    pub recent: Recent,
    /// Where calls are kept that change something or give originals back.
    pub journal: Journal,
    /// Reads the configuration again, and says whether it could be used.
    pub reload: mpsc::Sender<oneshot::Sender<bool>>,
    /// Changes the level of the log.
    pub log: Switch,
    pub token: Token,
    pub limits: Limits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a document.
    pub body: usize,
    /// Calls of the API at a time.
    pub calls: usize,
    /// For a request, and for those under way when the listener shuts down.
    pub time: Duration,
    /// Calls of `Unmask`, and placeholders in them, per minute.
    pub unmask_calls: u32,
    pub unmask_placeholders: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 32 << 20,
            calls: 8,
            time: Duration::from_secs(30),
            unmask_calls: 60,
            unmask_placeholders: 10_000,
        }
    }
}

/// What `GetStatus` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub version: &'static str,
    pub mode: mode::View,
    /// `memory` or `redis`.
    pub backend: &'static str,
    /// `closed`, `open` or `half-open`.
    pub breaker: &'static str,
    pub queued: u64,
    pub exchanges: u64,
    pub buffered_bytes: u64,
    pub buffered_bytes_limit: u64,
    pub uptime: Duration,
    pub classes: u32,
}

#[derive(Debug, Error)]
pub enum AdminError {
    #[error("the admin listener failed")]
    Serve(#[from] tonic::transport::Error),
    #[error("the API cannot be described")]
    Reflection(#[from] tonic_reflection::server::Error),
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Status {
    /// The answer to who asks for it; `why` the mode is what it is.
    fn answer(self, why: Why, log_level: String) -> proto::GetStatusResponse {
        let status = self;
        proto::GetStatusResponse {
            version: status.version.to_owned(),
            mode: proto::Mode::from(status.mode.mode).into(),
            mode_status: Some(mode_status(status.mode, why)),
            store: Some(proto::StoreStatus {
                backend: status.backend.to_owned(),
                breaker: status.breaker.to_owned(),
                queued: status.queued,
            }),
            exchanges: status.exchanges,
            buffered_bytes: status.buffered_bytes,
            buffered_bytes_limit: status.buffered_bytes_limit,
            uptime_seconds: status.uptime.as_secs(),
            classes: status.classes,
            log_level,
        }
    }
}

impl From<mode::Mode> for proto::Mode {
    fn from(mode: mode::Mode) -> Self {
        match mode {
            mode::Mode::Normal => Self::Normal,
            mode::Mode::Degraded => Self::Degraded,
            mode::Mode::BlockAll => Self::BlockAll,
            mode::Mode::Bypass => Self::Bypass,
        }
    }
}

/// The mode, and who set it why.
fn mode_status(view: mode::View, why: Why) -> proto::ModeStatus {
    proto::ModeStatus {
        mode: proto::Mode::from(view.mode).into(),
        cause: view.cause.map_or("", mode::Cause::as_str).to_owned(),
        // Rounded up: 0 would say that it does not end.
        seconds_left: view
            .left
            .map_or(0, |left| u64::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)),
        reason: why.reason,
        activated_by: why.activated_by,
    }
}

/// Serves until `shutdown`, then ends what is under way within [`Limits::time`].
pub async fn serve(
    bound: Bound,
    control: Control,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), AdminError> {
    let mut tasks = JoinSet::new();
    tasks.spawn(reload_on_change(control.token.clone()));
    let limit = control.limits.time;
    let (reporter, health) = tonic_health::server::health_reporter();
    // Before anybody can ask.
    let told = news::tell(&reporter, &control, None).await;
    tasks.spawn(news::health(reporter, control.clone(), told));
    let guard = grpc::Guard::new(&control);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let routes = Routes::from(http::app(&control))
        .add_service(grpc::service(&control, guard.clone()))
        .add_service(InterceptedService::new(reflection, guard))
        .add_service(health);
    let stopping = CancellationToken::new();
    let shutdown = async {
        shutdown.await;
        stopping.cancel();
    };
    let server = Server::builder()
        .accept_http1(true)
        .timeout(limit)
        .max_concurrent_streams(STREAMS)
        .http2_max_header_list_size(HEADERS)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .add_routes(routes)
        .serve_with_incoming_shutdown(bound.incoming(), shutdown);
    let overtime = async {
        stopping.cancelled().await;
        time::sleep(limit).await;
    };
    tokio::select! {
        served = server => Ok(served?),
        () = overtime => {
            tracing::warn!("connections to the admin listener were cut off");
            Ok(())
        }
    }
}

/// Changes the level of the log, and tells. The one before is given back.
fn log_level(
    control: &Control,
    audit: &mut audit::Audit,
    level: &str,
    reason: &str,
) -> Result<&'static str, SwitchError> {
    let level = log::known(level).ok_or(SwitchError::Level)?;
    audit.level(level, reason);
    let before = control.log.set(level)?;
    let colon = if reason.is_empty() { "" } else { ": " };
    let message =
        format!("the log's level is {level} after {before}, by {}{colon}{reason}", audit.peer);
    control.watch.event("log", Severity::Info, message);
    Ok(before)
}

async fn reload_on_change(token: Token) {
    let mut ticks = time::interval(RELOAD_EVERY);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let file = token.clone();
        match tokio::task::spawn_blocking(move || file.refresh()).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => tracing::info!("the token file was read again"),
            Ok(Err(error)) => tracing::warn!(
                %error,
                cause = error.source().map(tracing::field::display),
                "the API is closed until the token file is right",
            ),
            Err(error) => tracing::error!(%error, "cannot look for a changed token file"),
        }
    }
}

#[cfg(test)]
mod tests;
