//! What masker costs behind Envoy, against a processor that changes nothing:
//! requests per second, and CPU time per request of Envoy and processor.
//!
//! `cargo bench --bench through_envoy`; `ENVOY` names an Envoy. Rounds of both
//! alternate, so that a busy machine slows both; the ratios are what counts.

#[path = "../bodies/mod.rs"]
#[expect(dead_code, reason = "streams are measured elsewhere")]
mod bodies;
mod load;
#[path = "../../examples/noop_processor/processor.rs"]
mod processor;
#[path = "../../examples/mock_provider/provider/mod.rs"]
mod provider;
mod rig;
mod stream;
mod watch;

use std::error::Error;
use std::io::Write;
use std::path::Path;

use tokio::net::TcpListener;

use load::{Sample, Shape};
use rig::{Kind, Rig};
use stream::Upstream;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 11;
const REQUESTS: usize = 1_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The processes that are measured, or must not be, are this program again.
    match arguments.as_slice() {
        [role, address] if role == "noop" => {
            Ok(processor::serve(TcpListener::bind(address).await?).await?)
        }
        [role, address] if role == "provider" => {
            provider::Provider::new(None).serve(TcpListener::bind(address).await?).await;
            Ok(())
        }
        // `cargo bench` says so; anything else, as `cargo test`, wants a short run.
        [flag] if flag == "--bench" => measure(ROUNDS, REQUESTS).await,
        _ => measure(1, 20).await,
    }
}

async fn measure(rounds: usize, requests: usize) -> Outcome<()> {
    let dir = tempfile::Builder::new().prefix("masker-bench-").tempdir()?;
    let provider = rig::provider()?;
    let noop = Rig::start(Kind::Noop, &provider.address, dir.path()).await?;
    let masker = Rig::start(Kind::Masker, &provider.address, dir.path()).await?;
    for shape in [Shape::Agent, Shape::Dense] {
        for rig in [&noop, &masker] {
            load::round(rig, shape, requests.div_ceil(2)).await?;
        }
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            let noop = load::round(&noop, shape, requests).await?;
            pairs.push((noop, load::round(&masker, shape, requests).await?));
            load::forget(&provider).await?;
        }
        report(shape, &pairs, requests)?;
    }
    drop((noop, masker));
    streams(rounds, dir.path()).await?;
    watch::measure(rounds, requests, dir.path()).await
}

/// Streamed answers through Envoys of their own.
async fn streams(rounds: usize, dir: &Path) -> Outcome<()> {
    let upstream = Upstream::start().await?;
    let noop = Rig::start(Kind::Noop, &upstream.address, dir).await?;
    let masker = Rig::start(Kind::Masker, &upstream.address, dir).await?;
    for rig in [&noop, &masker] {
        stream::round(rig, &upstream, 0).await?;
    }
    let mut pairs = Vec::new();
    for round in 1..=rounds {
        let noop = stream::round(&noop, &upstream, round).await?;
        pairs.push((noop, stream::round(&masker, &upstream, round).await?));
    }
    let rows: [Row<stream::Sample>; 2] = [
        ("first text, us", |sample| sample.first),
        ("delay of an event, us", |sample| sample.event),
    ];
    let title = format!("{rounds} rounds of streamed answers");
    table(&title, ("no-op", "masker"), &rows, &pairs)
}

/// A name and what it shows of a sample.
type Row<S> = (&'static str, fn(&S) -> f64);

/// Prints what two chains did, side by side.
fn table<S>(
    title: &str,
    (one, other): (&str, &str),
    rows: &[Row<S>],
    pairs: &[(S, S)],
) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{title}\n{:<32}{one:>10}{other:>10}   ratio: median (min to max)", "")?;
    rows.iter().try_for_each(|row| write_row(&mut out, *row, pairs))
}

fn write_row<S>(out: &mut impl Write, (name, pick): Row<S>, pairs: &[(S, S)]) -> Outcome<()> {
    let (_, noop, _) = spread(pairs.iter().map(|(noop, _)| pick(noop)));
    let (_, masker, _) = spread(pairs.iter().map(|(_, masker)| pick(masker)));
    let ratio = |(noop, masker): &(S, S)| pick(masker) / pick(noop).max(f64::EPSILON);
    let (low, middle, high) = spread(pairs.iter().map(ratio));
    writeln!(out, "{name:<32}{noop:>10.0}{masker:>10.0}   {middle:.2} ({low:.2} to {high:.2})")?;
    Ok(())
}

fn report(shape: Shape, pairs: &[(Sample, Sample)], requests: usize) -> Outcome<()> {
    let rows: [Row<Sample>; 4] = [
        ("requests/s", |sample| sample.rate),
        ("CPU per request, us", |sample| sample.envoy + sample.processor),
        ("  Envoy", |sample| sample.envoy),
        ("  processor", |sample| sample.processor),
    ];
    let (rounds, name) = (pairs.len(), shape.name());
    let title = format!("{rounds} rounds of {requests} requests of 10 KB: {name}");
    table(&title, ("no-op", "masker"), &rows, pairs)
}

/// Least, median and most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(values.len() / 2), at(values.len().saturating_sub(1)))
}
