//! What masker costs behind Envoy, against a processor that changes nothing, and the bars
//! that it must meet.
//!
//! `cargo bench --bench through_envoy [-- --only WORDS] [--rounds N]`; `ENVOY`,
//! `REDIS_SERVER` and `MASKER` name programs. In every round all take turns, so that a busy machine
//! slows all of them; ratios are taken within a round. CPU is that of the processes.
//! `--only` runs what has the words in its name, to profile it.

#[path = "../throughput/bars.rs"]
#[expect(dead_code, reason = "bars over ways are for work in one process")]
mod bars;
#[path = "../bodies/mod.rs"]
#[expect(dead_code, reason = "streams are measured elsewhere")]
mod bodies;
mod load;
mod memory;
mod old;
#[path = "../../examples/noop_processor/processor.rs"]
mod processor;
mod rig;
mod shape;
mod stream;
mod upstream;
mod watch;
#[path = "../throughput/way.rs"]
#[expect(dead_code, reason = "ways are for work in one process")]
mod way;

use std::error::Error;
use std::io::Write;
use std::path::Path;

use tokio::net::TcpListener;

use bars::Bar;
use bars::Bound::{AtLeast, AtMost};
use load::Sample;
use rig::{Kind, Rig};
use shape::Shape;
use way::spread;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 15;

/// What is asked for on the command line.
struct Asked {
    rounds: usize,
    /// So many times fewer requests in each than a measurement has.
    fewer: usize,
    only: String,
}

impl Asked {
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| Some(args.get(args.iter().position(|arg| arg == name)? + 1)?.clone());
    // The processes that are measured, or must not be, are this program again.
    match args.as_slice() {
        [role, address] if role == "noop" => {
            return Ok(processor::serve(TcpListener::bind(address).await?).await?);
        }
        [role, address] if role == "provider" => {
            upstream::serve(TcpListener::bind(address).await?, upstream::Sent::default()).await;
            return Ok(());
        }
        _ => {}
    }
    // `cargo bench` says so; anything else, as `cargo test`, wants a short run.
    let bench = args.iter().any(|arg| arg == "--bench");
    let (rounds, fewer) = if bench { (ROUNDS, 1) } else { (1, 50) };
    let rounds = value("--rounds").map_or(Ok(rounds), |rounds| rounds.parse())?;
    let asked = Asked { rounds, fewer, only: value("--only").unwrap_or_default() };
    let dir = tempfile::Builder::new().prefix("masker-bench-").tempdir()?;
    let mut bars = Vec::new();
    if asked.wants("memory") {
        bars.extend(memory::measure(dir.path(), bench).await?);
    }
    bars.extend(requests(&asked, dir.path()).await?);
    bars.extend(streams(&asked, dir.path()).await?);
    if asked.wants(watch::NAME) {
        bars.extend(watch::measure(asked.rounds, asked.fewer, dir.path()).await?);
    }
    bars::print(&bars, &mut std::io::stdout().lock())?;
    Ok(())
}

/// The samples of all rounds: the no-op's, masker's, and masker's with Redis.
type Rounds<S> = [Vec<S>; 3];

async fn requests(asked: &Asked, dir: &Path) -> Outcome<Vec<Bar>> {
    let shapes: Vec<_> = Shape::all()?.into_iter().filter(|own| asked.wants(own.name)).collect();
    let mut bars = Vec::new();
    if shapes.is_empty() && !asked.wants("10 KB, nginx") {
        return Ok(bars);
    }
    let provider = rig::provider()?;
    let redis = rig::redis(dir)?;
    let kinds = [Kind::Noop, Kind::Masker { redis: None }, Kind::Masker { redis: Some(&redis) }];
    let mut rigs = Vec::new();
    for kind in kinds {
        rigs.push(Rig::start(kind, &provider.address, dir).await?);
    }
    for shape in &shapes {
        let requests = shape.requests(asked.fewer);
        for rig in &rigs {
            load::round(rig, shape, requests.div_ceil(2)).await?;
        }
        let mut rounds = Rounds::default();
        for round in 0..asked.rounds {
            // Nobody is always the first.
            for turn in 0..rigs.len() {
                let number = (round + turn) % rigs.len();
                let (Some(rig), Some(samples)) = (rigs.get(number), rounds.get_mut(number)) else {
                    continue;
                };
                samples.push(load::round(rig, shape, requests).await?);
            }
        }
        report(shape, requests, &rounds)?;
        bars.extend(judge(shape, &rounds));
    }
    if let (true, Some(rig)) = (asked.wants("10 KB, nginx"), rigs.last()) {
        bars.extend(old::measure(rig, (&provider, &redis), dir, asked.fewer).await?);
    }
    Ok(bars)
}

/// A name and what it shows of a sample.
type Row<S> = (&'static str, fn(&S) -> f64);

const ROWS: [Row<Sample>; 6] = [
    ("CPU per request, us", |sample| sample.envoy + sample.processor),
    ("  Envoy", |sample| sample.envoy),
    ("  processor", |sample| sample.processor),
    ("requests/s", |sample| sample.rate),
    ("p50, us", |sample| sample.median),
    ("p99, us", |sample| sample.slow),
];

fn report(shape: &Shape, requests: usize, rounds: &Rounds<Sample>) -> Outcome<()> {
    let [noop, _, _] = rounds;
    let out = &mut std::io::stdout().lock();
    writeln!(out, "\n{} rounds of {requests} requests: {}", noop.len(), shape.name)?;
    head(out)?;
    ROWS.into_iter().try_for_each(|row| write_row(out, row, rounds))
}

fn judge(shape: &Shape, rounds: &Rounds<Sample>) -> Vec<Bar> {
    let [noop, masker, redis] = rounds;
    let rate: fn(&Sample) -> f64 = |sample| sample.rate;
    let bar = |what: &str, pick, bound| {
        Bar::new(&format!("{}: {what}", shape.name), ratios(masker, noop, pick), bound)
    };
    let mut bars: Vec<_> =
        shape.rate.map(|least| bar("requests/s", rate, AtLeast(least))).into_iter().collect();
    if shape.exact {
        bars.extend([
            bar("p50", |sample| sample.median, AtMost(1.1)),
            bar("p99", |sample| sample.slow, AtMost(1.3)),
            bar("CPU of the processor", |sample| sample.processor, AtMost(1.5)),
            bar("CPU with Envoy", |sample| sample.envoy + sample.processor, AtMost(1.1)),
            Bar::new(
                &format!("{}: requests/s, Redis / memory", shape.name),
                ratios(redis, masker, rate),
                AtLeast(0.95),
            ),
        ]);
    }
    bars
}

/// Streamed answers through Envoys of their own: the provider is a task of this program.
async fn streams(asked: &Asked, dir: &Path) -> Outcome<Vec<Bar>> {
    let mut bars = Vec::new();
    let plans = stream::PLANS.into_iter().filter(|plan| asked.wants(plan.name));
    let plans: Vec<_> = plans.collect();
    if plans.is_empty() {
        return Ok(bars);
    }
    let upstream = stream::Upstream::start().await?;
    let noop = Rig::start(Kind::Noop, &upstream.address, dir).await?;
    let masker = Rig::start(Kind::Masker { redis: None }, &upstream.address, dir).await?;
    for plan in plans {
        let mut rounds = Rounds::default();
        // The first round is for warmth.
        for round in 0..=asked.rounds {
            let [noops, maskers, _] = &mut rounds;
            let turns = [(&noop, noops), (&masker, maskers)];
            for (rig, samples) in turns {
                let sample = stream::round(rig, &upstream, plan, round).await?;
                if round > 0 {
                    samples.push(sample);
                }
            }
        }
        let out = &mut std::io::stdout().lock();
        writeln!(out, "\n{} rounds: {}", asked.rounds, plan.name)?;
        head(out)?;
        for row in stream::ROWS {
            write_row(out, row, &rounds)?;
        }
        let [noop, masker, _] = &rounds;
        for (row, bound) in plan.bars() {
            let (name, pick) = row;
            let name = format!("{}: {}", plan.name, name.trim());
            bars.push(Bar::new(&name, ratios(masker, noop, pick), AtMost(bound)));
        }
    }
    Ok(bars)
}

/// One way over another, within each round.
fn ratios<S>(over: &[S], under: &[S], pick: fn(&S) -> f64) -> Vec<f64> {
    over.iter().zip(under).map(|(over, under)| pick(over) / pick(under).max(0.001)).collect()
}

fn head(out: &mut impl Write) -> Outcome<()> {
    let names = ["no-op", "masker", "masker / no-op", "Redis / memory"];
    let [noop, masker, ratio, redis] = names;
    Ok(writeln!(out, "{:<24}{noop:>22}{masker:>24}{ratio:>22}{redis:>22}", "")?)
}

fn write_row<S>(out: &mut impl Write, (name, pick): Row<S>, rounds: &Rounds<S>) -> Outcome<()> {
    let [noop, masker, redis] = rounds;
    let own = |samples: &[S]| spread(samples.iter().map(pick), 0);
    let ratio = spread(ratios(masker, noop, pick).into_iter(), 2);
    let stored = match redis.as_slice() {
        [] => String::new(),
        _ => spread(ratios(redis, masker, pick).into_iter(), 2),
    };
    let (noop, masker) = (own(noop), own(masker));
    Ok(writeln!(out, "{name:<24}{noop:>22}{masker:>24}{ratio:>22}{stored:>22}")?)
}
