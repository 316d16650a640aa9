//! Requests as a client sends them, and the clocks around them.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::rig::{Provider, Rig};
use crate::{Outcome, bodies};

/// Requests at once.
const CLIENTS: usize = 16;
const BODY: usize = 10 << 10;

/// What the requests are like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// As a coding agent's, with an identifier of its own in each.
    Agent,
    /// Three identifiers in each line.
    Dense,
}

impl Shape {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Agent => "a coding agent's, one answer with each",
            Self::Dense => "log lines with three identifiers each",
        }
    }

    pub(crate) fn body(self, number: usize) -> String {
        match self {
            Self::Agent => {
                let question = format!("Why does i-{:017x} fail?", FIRST + number);
                let body = AGENT.replacen("Why do the deployments fail?", &question, 1);
                body.replacen("\"stream\":true", "\"stream\":false", 1)
            }
            Self::Dense => dense(number),
        }
    }
}

static AGENT: LazyLock<String> = LazyLock::new(|| bodies::request(BODY).0);
/// The number of the first instance.
const FIRST: usize = 0x0abc_0000_0000_0000;

/// One round: requests per second, and microseconds of CPU per request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) envoy: f64,
    pub(crate) processor: f64,
}

pub(crate) async fn round(rig: &Rig, shape: Shape, requests: usize) -> Outcome<Sample> {
    let client = client();
    let left = Arc::new(AtomicUsize::new(requests));
    let (envoy, processor, began) = (rig.envoy.cpu()?, rig.processor.cpu()?, Instant::now());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(work(client.clone(), rig.url.clone(), shape, Arc::clone(&left)));
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    let requests = f64::from(u32::try_from(requests)?);
    Ok(Sample {
        rate: requests / began.elapsed().as_secs_f64(),
        envoy: (rig.envoy.cpu()? - envoy) / requests,
        processor: (rig.processor.cpu()? - processor) / requests,
    })
}

pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn work(
    client: Http,
    url: String,
    shape: Shape,
    left: Arc<AtomicUsize>,
) -> Result<(), String> {
    let take = |left: usize| left.checked_sub(1);
    while let Ok(number) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
        let request = Request::post(&url)
            .header("content-type", "application/json")
            .header("x-api-key", "sk-ant-api03-bench")
            .body(Full::new(Bytes::from(shape.body(number))))
            .map_err(|error| error.to_string())?;
        let answer = client.request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {:?}", body.to_bytes()));
        }
    }
    Ok(())
}

/// A conversation about some instances, one of them new in each request.
fn dense(number: usize) -> String {
    let mut text = format!("Why does i-{:017x} fail?\\n", FIRST + number);
    let mut line = 0;
    while text.len() < BODY {
        // Writing to a string cannot fail.
        let _written = write!(
            text,
            "2026-11-21T03:{:02}:11Z INFO worker {line} took 1.2 s on i-0abc123def45678{:02x} \
             (10.24.113.{line}), wrote s3://acme-payroll-exports/{line}.csv and then waited\\n",
            line % 60,
            line % 8
        );
        line += 1;
    }
    format!(
        "{{\"model\":\"claude-sonnet-5-5\",\"max_tokens\":100,\"messages\":\
         [{{\"role\":\"user\",\"content\":\"{text}\"}}]}}"
    )
}

/// Lets the provider forget what it recorded.
pub(crate) async fn forget(provider: &Provider) -> Outcome<()> {
    let url = format!("http://{}/__requests", provider.address);
    client().request(Request::delete(url).body(Full::default())?).await?;
    Ok(())
}

pub(crate) async fn status(url: &str) -> Option<u16> {
    let request = Request::get(url).body(Full::default()).ok()?;
    Some(client().request(request).await.ok()?.status().as_u16())
}
