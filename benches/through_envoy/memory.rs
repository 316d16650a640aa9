//! How much memory masker takes, and how long it takes to start.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::bars::Bar;
use crate::bars::Bound::AtMost;
use crate::rig::{self, Kind, Process, Rig};
use crate::shape::Shape;
use crate::stream::Upstream;
use crate::upstream::{EVENTS, HOLD, NUMBER};
use crate::{Outcome, load};

const MB: f64 = 1e6;

pub(crate) async fn measure(dir: &Path, whole: bool) -> Outcome<Vec<Bar>> {
    let (starts, requests, streams, body) =
        if whole { (9, 1_000, 200, 24_000_000) } else { (1, 20, 5, 1_000_000) };
    let mut ready = Vec::new();
    for _ in 0..starts {
        ready.push(start(dir).await?);
    }
    let upstream = Upstream::start().await?;
    let masker = Kind::Masker { redis: None };
    let rig = Rig::start(masker, &upstream.address, dir).await?;
    let resident = || processor(&rig)?.size("VmRSS");
    let idle = resident()?;
    let [ten, ..] = Shape::all()?;
    load::round(&rig, &ten, requests).await?;
    let used = resident()?;

    // One first, for what is made once.
    let (mut open, before) = (vec![opened(&rig, 0).await?], resident()?);
    for number in 1..=streams {
        open.push(opened(&rig, number).await?);
    }
    let each = (resident()? - before) / f64::from(streams);
    drop(open);

    // A masker of its own: nothing that is kept from before is used again.
    drop(rig);
    let rig = Rig::start(masker, &upstream.address, dir).await?;
    let large = Shape::large(body)?;
    let (masker, len) = (processor(&rig)?, large.body().len());
    let before = masker.size("VmRSS")?;
    masker.forget_peak()?;
    load::one(&rig, &large).await?;
    let peak = masker.size("VmHWM")? - before;

    let out = &mut std::io::stdout().lock();
    writeln!(out, "memory and start of masker, the body of {len} bytes")?;
    Ok(vec![
        Bar::new("start to ready, ms", ready, AtMost(300.0)),
        Bar::new("memory when idle, MB", vec![idle / MB], AtMost(32.0)),
        Bar::new("memory after 1,000 requests more, MB", vec![(used - idle) / MB], AtMost(10.0)),
        Bar::new("memory of an open stream, KB", vec![each / 1e3], AtMost(30.0)),
        Bar::new(
            "memory while masking / body",
            vec![peak / f64::from(u32::try_from(len)?)],
            AtMost(2.2),
        ),
    ])
}

fn processor(rig: &Rig) -> Outcome<&Process> {
    Ok(rig.processor.as_ref().ok_or("masker runs")?)
}

/// Milliseconds until it says that it is ready.
async fn start(dir: &Path) -> Outcome<f64> {
    let (listen, admin) = (rig::port()?, format!("127.0.0.1:{}", rig::port()?));
    let listen = format!("127.0.0.1:{listen}");
    let began = Instant::now();
    let _process = rig::processor(Kind::Masker { redis: None }, &listen, &admin, dir)?;
    rig::until_ok(&format!("http://{admin}/readyz")).await?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

/// A stream whose first event is there.
async fn opened(rig: &Rig, number: u32) -> Outcome<Response<Incoming>> {
    let body = Bytes::from(format!(
        "{{\"model\":\"claude-sonnet-5-5\",\"stream\":true,\"messages\":\
         [{{\"role\":\"user\",\"content\":\"Why does i-0abc1234def5{number:05x} fail?\"}}]}}"
    ));
    let request = load::post(&rig.url, &body)
        .header(NUMBER, format!("open-{number}"))
        .header(EVENTS, 1)
        .header(HOLD, "yes")
        .body(Full::new(body))?;
    let mut answer = load::client().request(request).await?;
    answer.frame().await.ok_or("a stream without events")??;
    Ok(answer)
}
