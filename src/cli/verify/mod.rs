//! `masker verify`: sends values that were made for it through a running gateway
//! to a stand-in for the provider, and proves that none arrives.

mod gateway;
mod planted;
mod report;
mod standin;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use memchr::memmem;
use thiserror::Error;

use crate::cli::output;
use crate::telemetry::utc;

use gateway::{Gateway, ROUTE, Way, WayError};
use planted::Case;
use planted::Planted;
use report::Check;
use report::Format;
use report::Report;
use standin::StandIn;

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    way: Way,

    /// Where the stand-in listens: what Envoy's cluster `verify` names
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8087")]
    listen: SocketAddr,

    /// How the report is written
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// Write the report to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub(super) enum VerifyError {
    #[error(transparent)]
    Way(#[from] WayError),
    #[error("the stand-in cannot listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("the gateway {0} does not answer: {1}")]
    Gateway(String, String),
    #[error("cannot write the report to {0:?}")]
    Out(PathBuf, #[source] std::io::Error),
    #[error("cannot write the report")]
    Write(#[source] std::io::Error),
}

/// 0: nothing has left; 1: something has, or nothing was proved.
pub(super) fn run(verify: &Verify) -> Result<ExitCode, VerifyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime.map_err(VerifyError::Runtime)?.block_on(prove(verify))?;
    let text = report.write(verify.format);
    match &verify.out {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| VerifyError::Out(path.clone(), error))?
        }
        None => output::result(text.as_bytes()).map_err(VerifyError::Write)?,
    }
    Ok(if report.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn prove(verify: &Verify) -> Result<Report, VerifyError> {
    let gateway = Gateway::new(&verify.way)?;
    let planted = Planted::new().map_err(VerifyError::Random)?;
    let listen = |source| VerifyError::Listen { address: verify.listen, source };
    let standin = StandIn::start(verify.listen).await.map_err(listen)?;
    let mut checks = Vec::new();
    for Case { name, path, body } in planted.cases() {
        let body = body.to_string();
        let sent = gateway.send(path, body.clone().into_bytes()).await;
        let (status, answer) =
            sent.map_err(|error| VerifyError::Gateway(gateway.url.clone(), error))?;
        checks.push(judge(name, status, &body, &answer, &standin.take(), &planted));
    }
    checks.push(refused(&gateway, &standin, &planted).await);
    Ok(Report {
        gateway: gateway.url,
        version: env!("CARGO_PKG_VERSION"),
        time: utc::rfc3339(SystemTime::now()),
        passed: checks.iter().all(|check| check.passed),
        planted: planted.all().iter().map(|(kind, _)| *kind).collect(),
        checks,
    })
}

/// What is planted and arrived, by kind.
fn leaked(arrived: &[Vec<u8>], planted: &Planted) -> Vec<&'static str> {
    let has = |value: &str| arrived.iter().any(|all| memmem::find(all, value.as_bytes()).is_some());
    planted.all().iter().filter(|(_, value)| has(value)).map(|(kind, _)| *kind).collect()
}

fn judge(
    name: &'static str,
    status: u16,
    sent: &str,
    answer: &[u8],
    arrived: &[Vec<u8>],
    planted: &Planted,
) -> Check {
    let failed = |found: String| Check { name, passed: false, found };
    let leaked = leaked(arrived, planted);
    if !leaked.is_empty() {
        return failed(format!("ARRIVED UNMASKED: {}", leaked.join(", ")));
    }
    let [arrived] = arrived else {
        let remedy = match status {
            401 | 403 => {
                "it asks its clients for a key, a token or a certificate: give it one with \
                          --header-file, or --cert and --key"
                    .to_owned()
            }
            _ => format!("does Envoy's configuration have the route {ROUTE}/ and its cluster?"),
        };
        return failed(format!(
            "the stand-in got {} requests instead of one (the gateway said {status}): {remedy}",
            arrived.len()
        ));
    };
    let placeholders = memmem::find_iter(arrived, b"AWS_").count();
    if placeholders == 0 {
        return failed("no placeholder arrived".to_owned());
    }
    // Sent back, the masked body becomes the one that was sent.
    let back = serde_json::from_slice::<serde_json::Value>(answer).ok();
    if back.is_none() || back != serde_json::from_str(sent).ok() {
        return failed(format!("{placeholders} placeholders arrived, but what came back differs"));
    }
    Check {
        name,
        passed: true,
        found: format!("{placeholders} placeholders arrived, all came back"),
    }
}

/// What cannot be masked must not arrive at all.
async fn refused(gateway: &Gateway, standin: &StandIn, planted: &Planted) -> Check {
    let name = "a body that cannot be masked";
    let values: Vec<_> = planted.all().iter().map(|(_, value)| value.as_str()).collect();
    let mut body = values.join(" ").into_bytes();
    body.push(0xff);
    let sent = gateway.send("/v1/messages", body).await;
    let arrived = standin.take().len();
    match sent {
        // Who says this has not shown the body to masker.
        Ok((status @ (401 | 403 | 404 | 429), _)) => {
            Check { name, passed: false, found: format!("{status}: masker did not see it") }
        }
        Ok((status, _)) if (400..600).contains(&status) && arrived == 0 => {
            Check { name, passed: true, found: format!("refused with {status}, nothing arrived") }
        }
        Ok((status, _)) => {
            Check { name, passed: false, found: format!("{status}, {arrived} requests arrived") }
        }
        Err(error) => Check { name, passed: false, found: error },
    }
}
