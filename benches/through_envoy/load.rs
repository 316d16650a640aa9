//! Requests as a client sends them, and the clocks around them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Outcome;
use crate::rig::Rig;
use crate::shape::Shape;

/// Requests at once.
const CLIENTS: usize = 16;

/// One round: requests per second, microseconds of CPU per request, and how long they took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) envoy: f64,
    pub(crate) processor: f64,
    pub(crate) median: f64,
    pub(crate) slow: f64,
}

pub(crate) async fn round(rig: &Rig, shape: &Shape, requests: usize) -> Outcome<Sample> {
    let client = client();
    let bodies: Vec<_> = (0..requests).map(|_| Bytes::from(shape.body())).collect();
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let ([envoy, processor], began) = (rig.cpu()?, Instant::now());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
        clients.spawn(work(client.clone(), rig.url.clone(), bodies, next));
    }
    let mut times = Vec::with_capacity(requests);
    while let Some(ended) = clients.join_next().await {
        times.extend(ended??);
    }
    let elapsed = began.elapsed().as_secs_f64();
    let requests = f64::from(u32::try_from(requests)?);
    let spent = rig.cpu()?;
    times.sort_by(f64::total_cmp);
    let at = |hundredths: usize| times.get(times.len() * hundredths / 100).copied();
    Ok(Sample {
        rate: requests / elapsed,
        envoy: (spent[0] - envoy) / requests,
        processor: (spent[1] - processor) / requests,
        median: at(50).unwrap_or(f64::NAN),
        slow: at(99).unwrap_or(f64::NAN),
    })
}

/// One request alone.
pub(crate) async fn one(rig: &Rig, shape: &Shape) -> Outcome<()> {
    let bodies = Arc::new(vec![Bytes::from(shape.body())]);
    work(client(), rig.url.clone(), bodies, Arc::default()).await?;
    Ok(())
}

type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) fn post(url: &str, body: &Bytes) -> http::request::Builder {
    Request::post(url)
        .header("content-type", "application/json")
        .header("x-api-key", "sk-ant-api03-bench")
        .header("content-length", body.len())
}

/// How long each of its requests took, in microseconds.
async fn work(
    client: Http,
    url: String,
    bodies: Arc<Vec<Bytes>>,
    next: Arc<AtomicUsize>,
) -> Result<Vec<f64>, String> {
    let mut times = Vec::new();
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        let request = post(&url, body).body(Full::new(body.clone()));
        let request = request.map_err(|error| error.to_string())?;
        let answer = client.request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {:?}", body.to_bytes()));
        }
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}

pub(crate) async fn status(url: &str) -> Option<u16> {
    let request = Request::get(url).body(Full::default()).ok()?;
    Some(client().request(request).await.ok()?.status().as_u16())
}
