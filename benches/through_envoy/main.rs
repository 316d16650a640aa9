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

use std::error::Error;
use std::io::Write;

use tokio::net::TcpListener;

use load::{Sample, Shape};
use rig::{Kind, Rig};

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
    let noop = Rig::start(Kind::Noop, &provider, dir.path()).await?;
    let masker = Rig::start(Kind::Masker, &provider, dir.path()).await?;
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
    Ok(())
}

/// A name and what it shows of a sample.
type Row = (&'static str, fn(&Sample) -> f64);

fn report(shape: Shape, pairs: &[(Sample, Sample)], requests: usize) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{} rounds of {requests} requests of 10 KB: {}", pairs.len(), shape.name())?;
    writeln!(out, "{:<32}{:>10}{:>10}   ratio: median (min to max)", "", "no-op", "masker")?;
    let rows: [Row; 4] = [
        ("requests/s", |sample| sample.rate),
        ("CPU per request, us", |sample| sample.envoy + sample.processor),
        ("  Envoy", |sample| sample.envoy),
        ("  processor", |sample| sample.processor),
    ];
    for (name, pick) in rows {
        let (_, noop, _) = spread(pairs.iter().map(|(noop, _)| pick(noop)));
        let (_, masker, _) = spread(pairs.iter().map(|(_, masker)| pick(masker)));
        let (low, middle, high) =
            spread(pairs.iter().map(|(noop, masker)| pick(masker) / pick(noop).max(f64::EPSILON)));
        writeln!(
            out,
            "{name:<32}{noop:>10.0}{masker:>10.0}   {middle:.2} ({low:.2} to {high:.2})"
        )?;
    }
    Ok(())
}

/// Least, median and most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(values.len() / 2), at(values.len().saturating_sub(1)))
}
