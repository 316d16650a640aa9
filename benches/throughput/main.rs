//! Masking of requests and restoring of streams, beside a copy of the same bytes.
//!
//! `cargo bench --bench throughput [-- --quick] [--file BODY] [--only WAY]`. What is
//! compared takes turns in every round, so that a busy machine slows all of it; ratios are
//! taken within a round. The clock is the CPU time of this thread. A body of one's own is
//! measured in place of the made ones, and with one way alone there is something to profile.

#[path = "../bodies/mod.rs"]
mod bodies;

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use masker::body::select::Format;
use masker::detect::{Catalog, Settings};
use masker::mask::document::{self, Form};
use masker::mask::masker::{Limits, Masker};
use masker::mask::resent::Resent;
use masker::mask::restore::Counts;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use masker::mask::{MasterKey, Scope, Tenant};

const REQUESTS: [(&str, usize); 4] =
    [("10 KB", 10_000), ("100 KB", 100_000), ("1 MB", 1_000_000), ("10 MB", 10_000_000)];
const STREAM: usize = 1_000_000;
/// Bytes of a stream that arrive at once.
const PIECE: usize = 700;
const ROUNDS: usize = 9;
const DEPTH: usize = 128;
/// As `limits.resent` is by default.
const RESENT: usize = 64 << 20;

/// The same bytes, worked on in different ways; the first is the copy.
struct Group<'a> {
    name: &'static str,
    bytes: usize,
    ways: Vec<Way<'a>>,
}

struct Way<'a> {
    name: &'static str,
    work: Box<dyn FnMut() + 'a>,
    /// How often it is done for one sample.
    times: u32,
    /// Seconds, one a round.
    samples: Vec<f64>,
}

struct Bed {
    masker: Masker,
    scope: Scope,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let given = |name: &str| args.iter().any(|arg| arg == name);
    // `cargo test --benches` comes without `--bench`: it wants to know that this runs.
    let (sizes, stream, rounds) = match given("--bench") {
        true => (REQUESTS.as_slice(), STREAM, ROUNDS),
        false => (REQUESTS.get(..1).unwrap_or_default(), 10_000, 1),
    };
    let sample = Duration::from_millis(if given("--quick") { 10 } else { 60 });

    let bed = Bed::new()?;
    let value = |name: &str| Some(args.get(args.iter().position(|arg| arg == name)? + 1)?.as_str());
    let requests: Vec<_> = match value("--file") {
        Some(file) => vec![("the file", (std::fs::read_to_string(file)?, Vec::new()))],
        None => sizes.iter().map(|&(name, size)| (name, bodies::request(size))).collect(),
    };
    for (_, (source, planted)) in &requests {
        bed.check(source, planted)?;
    }
    let Some((_, (source, _))) = requests.first() else { return Ok(()) };
    let (_, table, _) = document::mask(&bed.masker, &bed.scope, MESSAGES, source)?;
    let placeholders: Vec<_> = table.made().map(|made| made.placeholder.as_str()).collect();
    let (events, planted) = bodies::stream(stream, &placeholders);
    let restored = restore(&events, &table);
    if (restored.restored, restored.unknown) != (planted, 0) {
        return Err(format!("{planted} placeholders were planted, {restored:?}").into());
    }
    let turns = match (value("--file"), requests.last()) {
        (Some(_), Some((_, (source, _)))) => bodies::turns(source)?,
        _ => bodies::turns(&bodies::request(stream).0)?,
    };
    let mut groups: Vec<_> =
        requests.iter().map(|(name, (source, _))| bed.masking(name, source)).collect();
    groups.push(bed.session(&turns));
    groups.push(restoring(&events, &table));
    if let Some(only) = value("--only") {
        groups.iter_mut().for_each(|group| group.ways.retain(|way| way.name == only));
    }
    measure(&mut groups, sample, rounds);
    print(&groups, &mut std::io::stdout().lock())?;
    Ok(())
}

fn measure(groups: &mut [Group<'_>], sample: Duration, rounds: usize) {
    for way in groups.iter_mut().flat_map(|group| &mut group.ways) {
        way.calibrate(sample);
    }
    for _ in 0..rounds {
        for way in groups.iter_mut().flat_map(|group| &mut group.ways) {
            let seconds = way.sample().as_secs_f64() / f64::from(way.times);
            way.samples.push(seconds);
        }
    }
}

const MESSAGES: Form = Form::Json(Format::Messages);

impl Bed {
    fn new() -> Result<Self, Box<dyn Error>> {
        let catalog = Arc::new(Catalog::builtin(&Settings::default())?);
        let limits = Limits { findings: 50_000, depth: DEPTH };
        let masker = Masker { catalog, limits, resent: None };
        let master = MasterKey::parse(b"a key for the benchmark, no more")?;
        Ok(Self { masker, scope: master.scope(&Tenant::default()) })
    }

    /// What is measured must be right.
    fn check(&self, source: &str, planted: &[String]) -> Result<(), Box<dyn Error>> {
        let (masked, table, _) = document::mask(&self.masker, &self.scope, MESSAGES, source)?;
        // A few are looked for in the text, which takes long; all in the table.
        let left = planted.iter().rev().take(20).filter(|value| masked.contains(value.as_str()));
        let missed = planted.iter().filter(|value| table.text(value).is_none());
        match (left.count(), missed.count()) {
            (0, 0) => Ok(()),
            (left, missed) => Err(format!("{left} identifiers are left, {missed} missed").into()),
        }
    }

    fn masking<'a>(&'a self, name: &'static str, source: &'a str) -> Group<'a> {
        let parse = || {
            black_box(serde_json::from_slice::<serde_json::Value>(black_box(source.as_bytes())))
                .map_or_else(drop, drop);
        };
        let mask = || {
            black_box(document::mask(&self.masker, &self.scope, MESSAGES, black_box(source)))
                .map_or_else(drop, drop);
        };
        let ways = vec![copy(source), Way::new("serde_json", parse), Way::new("mask", mask)];
        Group { name, bytes: source.len(), ways }
    }
}

impl Bed {
    /// A conversation of which each turn resends all before it.
    fn session<'a>(&'a self, turns: &'a [String]) -> Group<'a> {
        let session = |memory| {
            move || {
                let masker = Masker { resent: Resent::new(memory), ..self.masker.clone() };
                for turn in turns {
                    black_box(document::mask(&masker, &self.scope, MESSAGES, black_box(turn)))
                        .map_or_else(drop, drop);
                }
            }
        };
        let ways = vec![Way::new("scanned", session(0)), Way::new("resent", session(RESENT))];
        let bytes = turns.iter().map(String::len).sum();
        Group { name: "50 turns", bytes, ways }
    }
}

fn restoring<'a>(events: &'a str, table: &'a Table) -> Group<'a> {
    let work = || {
        black_box(restore(black_box(events), table));
    };
    Group {
        name: "1 MB of events",
        bytes: events.len(),
        ways: vec![copy(events), Way::new("restore", work)],
    }
}

fn restore(events: &str, table: &Table) -> Counts {
    let mut counts = Counts::default();
    let mut stream = Stream::new(Format::Event, events.len(), DEPTH);
    for piece in events.as_bytes().chunks(PIECE) {
        // No event is longer than the whole stream.
        black_box(stream.push(piece, table, &mut counts)).map_or_else(drop, drop);
    }
    black_box(stream.finish(table, &mut counts));
    counts
}

fn copy(source: &str) -> Way<'_> {
    let mut target = Vec::with_capacity(source.len());
    Way::new("copy", move || {
        target.clear();
        target.extend_from_slice(black_box(source.as_bytes()));
        black_box(&mut target);
    })
}

impl<'a> Way<'a> {
    fn new(name: &'static str, work: impl FnMut() + 'a) -> Self {
        Self { name, work: Box::new(work), times: 1, samples: Vec::new() }
    }

    /// Finds how often the work is to be done, and warms it up.
    fn calibrate(&mut self, least: Duration) {
        while self.sample() < least {
            self.times *= 2;
        }
    }

    fn sample(&mut self) -> Duration {
        let start = now();
        for _ in 0..self.times {
            (self.work)();
        }
        now().saturating_sub(start)
    }
}

/// CPU time of this thread; where the system does not say, the time that went by.
fn now() -> Duration {
    // The kernel brings its count up to date when the thread gives way (sched(7)).
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat");
    let spent = stat.ok().and_then(|stat| stat.split(' ').next()?.parse().ok());
    spent.filter(|&spent| spent > 0).map_or_else(elapsed, Duration::from_nanos)
}

#[expect(clippy::disallowed_methods, reason = "measures, and no test pauses this clock")]
fn elapsed() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

fn print(groups: &[Group<'_>], out: &mut impl Write) -> std::io::Result<()> {
    let rounds = groups.iter().flat_map(|g| &g.ways).map(|way| way.samples.len()).max();
    writeln!(out, "median (min – max) of {} rounds, CPU time", rounds.unwrap_or_default())?;
    writeln!(
        out,
        "{:<15} {:<11} {:>27} {:>25} {:>22}",
        "body", "", "MB/s", "times the first", "times serde_json"
    )?;
    for group in groups {
        for way in &group.ways {
            let megabytes = megabytes(group.bytes);
            let speed = spread(way.samples.iter().map(|seconds| megabytes / seconds), 0);
            let beside = |name: &str, digits| {
                let other = group.ways.iter().find(|other| other.name == name);
                let other = other.filter(|other| other.name != way.name);
                other.map_or_else(String::new, |other| {
                    let pairs = way.samples.iter().zip(&other.samples);
                    spread(pairs.map(|(own, other)| own / other), digits)
                })
            };
            writeln!(
                out,
                "{:<15} {:<11} {speed:>27} {:>25} {:>22}",
                group.name,
                way.name,
                beside(group.ways.first().map_or("", |way| way.name), 2),
                beside("serde_json", 2)
            )?;
        }
    }
    Ok(())
}

fn megabytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1e6
}

/// Median, least and most.
fn spread(values: impl Iterator<Item = f64>, digits: usize) -> String {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let (least, median) = (at(0), at(values.len() / 2));
    let most = values.last().copied().unwrap_or(f64::NAN);
    format!("{median:.digits$} ({least:.digits$} – {most:.digits$})")
}
