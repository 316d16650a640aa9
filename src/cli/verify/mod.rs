//! `masker verify`: sends values that were made for it through a running gateway
//! to a stand-in for the provider, and proves that none arrives.

mod planted;
mod report;
mod standin;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use clap::Args;
use http::Request;
use http::Uri;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use memchr::memmem;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::output;
use crate::telemetry::utc;

use planted::Case;
use planted::Planted;
use report::Check;
use report::Format;
use report::Report;
use standin::StandIn;

/// Envoy's route to the stand-in.
const ROUTE: &str = "/masker-verify";
/// No request takes longer.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The gateway, such as http://localhost:8085
    #[arg(value_name = "URL")]
    url: String,

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
    #[error("the gateway is http://HOST:PORT; {0:?} is not")]
    Url(String),
    #[error("the stand-in cannot listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("the gateway {0} does not answer: {1}")]
    Gateway(String, String),
    #[error("cannot write the report")]
    Write(#[source] std::io::Error),
}

/// 0: nothing has left; 1: something has, or nothing was proved.
pub(super) fn run(verify: &Verify) -> Result<ExitCode, VerifyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime.map_err(VerifyError::Runtime)?.block_on(prove(verify))?;
    let text = report.write(verify.format);
    match &verify.out {
        Some(path) => std::fs::write(path, text).map_err(VerifyError::Write)?,
        None => output::result(text.as_bytes()).map_err(VerifyError::Write)?,
    }
    Ok(if report.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn prove(verify: &Verify) -> Result<Report, VerifyError> {
    let gateway = verify.url.trim_end_matches('/');
    let authority = gateway.strip_prefix("http://").filter(|own| own.parse::<Uri>().is_ok());
    let authority = authority.ok_or_else(|| VerifyError::Url(verify.url.clone()))?;
    let planted = Planted::new().map_err(VerifyError::Random)?;
    let listen = |source| VerifyError::Listen { address: verify.listen, source };
    let standin = StandIn::start(verify.listen).await.map_err(listen)?;
    let mut checks = Vec::new();
    for Case { name, path, body } in planted.cases() {
        let body = body.to_string();
        let sent = send(authority, path, "application/json", body.clone().into_bytes()).await;
        let (status, answer) =
            sent.map_err(|error| VerifyError::Gateway(gateway.to_owned(), error))?;
        checks.push(judge(name, status, &body, &answer, &standin.take(), &planted));
    }
    checks.push(refused(authority, &standin, &planted).await);
    Ok(Report {
        gateway: gateway.to_owned(),
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
        return failed(format!(
            "the stand-in got {} requests instead of one (the gateway said {status}): does Envoy's \
             configuration have the route {ROUTE}/ and its cluster?",
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
async fn refused(authority: &str, standin: &StandIn, planted: &Planted) -> Check {
    let name = "a body that cannot be masked";
    let values: Vec<_> = planted.all().iter().map(|(_, value)| value.as_str()).collect();
    let mut body = values.join(" ").into_bytes();
    body.push(0xff);
    let sent = send(authority, "/v1/messages", "application/json", body).await;
    let arrived = standin.take().len();
    match sent {
        Ok((status, _)) if (400..600).contains(&status) && arrived == 0 => {
            Check { name, passed: true, found: format!("refused with {status}, nothing arrived") }
        }
        Ok((status, _)) => {
            Check { name, passed: false, found: format!("{status}, {arrived} requests arrived") }
        }
        Err(error) => Check { name, passed: false, found: error },
    }
}

/// Status and body of the answer.
async fn send(
    authority: &str,
    path: &str,
    media: &str,
    body: Vec<u8>,
) -> Result<(u16, Vec<u8>), String> {
    let exchange = async {
        let text = |error: hyper::Error| error.to_string();
        let address =
            if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(text)?;
        let driven = tokio::spawn(connection);
        let request = Request::post(format!("{ROUTE}{path}"))
            .header("host", authority)
            .header("content-type", media)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let (head, body) = sender.send_request(request).await.map_err(text)?.into_parts();
        let body = body.collect().await.map_err(text)?.to_bytes();
        driven.abort();
        Ok((head.status.as_u16(), body.to_vec()))
    };
    timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}
