//! What it costs to be watched: logs and metrics that are read, against neither; and what
//! attempts at the admin surface cost.
//!
//! The counters themselves, a few atomic additions for each request, cannot be turned off.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use tokio::time::interval;

use crate::bars::Bar;
use crate::bars::Bound::AtMost;
use crate::load::{self, Sample};
use crate::rig::{self, Kind, Rig};
use crate::shape::Shape;
use crate::{Outcome, ratios};

/// As `--only` asks for it.
pub(crate) const NAME: &str = "10 KB: CPU with Envoy, logs and metrics on / off";

/// How often the metrics are read: more often than Prometheus does.
const SCRAPE: Duration = Duration::from_secs(1);
/// Attempts that are told of, and how often they are made, as the clock is coarse.
const ATTEMPTS: usize = 100;
const TIMES: usize = 20;

pub(crate) async fn measure(rounds: usize, fewer: usize, dir: &Path) -> Outcome<Vec<Bar>> {
    let shapes = Shape::all()?;
    let [shape, ..] = &shapes;
    let requests = shape.requests(fewer);
    let provider = rig::provider()?;
    let off = Rig::start(Kind::Quiet, &provider.address, dir).await?;
    let on = Rig::start(Kind::Masker { redis: None }, &provider.address, dir).await?;
    for rig in [&off, &on] {
        load::round(rig, shape, requests.div_ceil(2)).await?;
    }
    let (mut quiet, mut loud) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        quiet.push(load::round(&off, shape, requests).await?);
        loud.push(watched(&on, shape, requests).await?);
    }
    attempts(&on, if fewer == 1 { TIMES } else { 1 }).await?;
    let cpu = |sample: &Sample| sample.envoy + sample.processor;
    Ok(vec![Bar::new(NAME, ratios(&loud, &quiet, cpu), AtMost(1.03))])
}

/// A round while somebody reads the metrics.
async fn watched(rig: &Rig, shape: &Shape, requests: usize) -> Outcome<Sample> {
    let url = format!("{}/metrics", rig.admin);
    let read = async {
        let mut ticks = interval(SCRAPE);
        loop {
            ticks.tick().await;
            if load::status(&url).await != Some(200) {
                return;
            }
        }
    };
    tokio::select! {
        sample = load::round(rig, shape, requests) => sample,
        () = read => Err("the metrics cannot be read".into()),
    }
}

/// Attempts without a right to it: no token, a wrong one, another origin, too much.
async fn attempts(rig: &Rig, times: usize) -> Outcome<()> {
    let client = load::client();
    let [_, before] = rig.cpu()?;
    for number in 0..ATTEMPTS * times {
        let url = format!("{}/api/monitoring/emergency-mode", rig.admin);
        let request = Request::post(url).header("content-type", "application/json");
        let request = match number % 4 {
            0 => request,
            1 => request.header("authorization", "Bearer a-token-that-somebody-guessed-12345"),
            2 => request.header("authorization", format!("Bearer {}", "x".repeat(8000))),
            _ => request.header("origin", "https://elsewhere.example"),
        };
        let body = "{\"mode\":\"BYPASS\",\"reason\":\"x\",\"expires_in\":60}";
        let answer = client.request(request.body(Full::new(Bytes::from(body)))?).await?;
        let status = answer.status();
        if !status.is_client_error() {
            return Err(format!("an attempt was answered with {status}").into());
        }
        answer.into_body().collect().await?;
    }
    let [_, after] = rig.cpu()?;
    let spent = (after - before) / f64::from(u32::try_from(times)?);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "\n{ATTEMPTS} attempts at the admin surface, none answered: {spent:.0} us of CPU"
    )?;
    Ok(())
}
