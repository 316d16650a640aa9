//! Masking of requests and restoring of streams, and the bars that they must meet.
//!
//! `cargo bench --bench throughput [-- --quick] [--file BODY] [--only WAY]`. What is
//! compared takes turns in every round, so that a busy machine slows all of it; ratios are
//! taken within a round. The clock is the CPU time of this thread. A body of one's own is
//! measured in place of the made ones, and with one way alone there is something to profile.

mod bars;
#[path = "../bodies/mod.rs"]
mod bodies;
mod hurt;
mod way;

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use masker::body::select::Format;
use masker::detect::custom::{Find, Own, Pattern};
use masker::detect::{Catalog, Settings};
use masker::mask::document::{self, Form};
use masker::mask::masker::{Around, Limits, Masker};
use masker::mask::resent::Resent;
use masker::mask::restore::Counts;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use masker::mask::{MasterKey, Scope, Tenant};
use regex::Regex;

use crate::bars::{Bar, Bound};
use crate::way::{Group, Way, measure};

const REQUESTS: [(&str, usize); 4] =
    [("10 KB", 10_000), ("100 KB", 100_000), ("1 MB", 1_000_000), ("10 MB", 10_000_000)];
const STREAM: usize = 1_000_000;
/// Bytes of a stream that arrive at once.
const PIECE: usize = 700;
/// Bytes of a request that arrive at once.
const CHUNK: usize = 4 << 10;
const ROUNDS: usize = 9;
const DEPTH: usize = 128;
/// As `limits.resent` is by default.
const RESENT: usize = 64 << 20;
const MESSAGES: Form = Form::Json(Format::Messages);

struct Bed {
    masker: Masker,
    scope: Scope,
}

/// The bodies that are measured.
struct Bodies {
    requests: Vec<(&'static str, String)>,
    named: String,
    turns: Vec<String>,
    events: String,
    /// For each repeated text, one body and another twice as long.
    hurtful: Vec<(&'static str, [String; 2])>,
    typical: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let given = |name: &str| args.iter().any(|arg| arg == name);
    // `cargo test --benches` comes without `--bench`: it wants to know that this runs.
    let (sizes, size, rounds) = match given("--bench") {
        true => (REQUESTS.as_slice(), STREAM, ROUNDS),
        false => (REQUESTS.get(..1).unwrap_or_default(), 10_000, 1),
    };
    let sample = Duration::from_millis(if given("--quick") { 10 } else { 40 });
    let value = |name: &str| Some(args.get(args.iter().position(|arg| arg == name)? + 1)?.as_str());

    let bed = Bed::new(Own::default())?;
    let requests = match value("--file") {
        Some(file) => vec![("the file", std::fs::read_to_string(file)?)],
        None => bed.requests(sizes)?,
    };
    let first = requests.first().map(|(_, source)| source.as_str()).unwrap_or_default();
    let (_, table, _) = document::mask(&bed.masker, &bed.scope, MESSAGES, first)?;
    let many = bed.many(100_000)?;
    let bodies = Bodies::new(requests, size, &table)?;
    let beds = [bed.with_own(10)?, bed.with_own(500)?];
    let loop_ = Loop::new(&bed.masker.catalog)?;

    let mut groups: Vec<_> =
        bodies.requests.iter().map(|(name, source)| bed.masking(name, source)).collect();
    groups.push(bed.variants(&bodies, &beds, &loop_));
    groups.push(bed.session(&bodies.turns));
    groups.push(bed.restoring(&bodies, [&table, &many]));
    groups.push(bed.hurting(&bodies));
    if let Some(only) = value("--only") {
        groups.iter_mut().for_each(|group| group.ways.retain(|way| way.name == only));
    }
    measure(&mut groups, sample, rounds);
    let out = &mut std::io::stdout().lock();
    way::print(&groups, out)?;
    bars::print(&bars(&groups, &bodies), out)?;
    Ok(())
}

impl Bodies {
    fn request(&self, name: &str) -> &str {
        let named = self.requests.iter().find(|(own, _)| *own == name);
        named.map(|(_, source)| source.as_str()).unwrap_or_default()
    }

    fn new(
        requests: Vec<(&'static str, String)>,
        size: usize,
        table: &Table,
    ) -> Result<Self, Box<dyn Error>> {
        let (typical, _) = bodies::request(size / 5);
        let placeholders: Vec<_> = table.made().map(|made| made.placeholder.as_str()).collect();
        let (events, planted) = bodies::stream(size, &placeholders);
        let restored = restore(&events, events.len(), table);
        if (restored.restored, restored.unknown) != (planted, 0) {
            return Err(format!("{planted} placeholders were planted, {restored:?}").into());
        }
        let [once, twice] = [typical.len(), 2 * typical.len()];
        let hurtful = |&(name, text)| (name, [hurt::body(text, once), hurt::body(text, twice)]);
        Ok(Self {
            requests,
            named: bodies::named(size, 50),
            turns: bodies::turns(&bodies::request(size).0)?,
            events,
            hurtful: hurt::HURTFUL.iter().map(hurtful).collect(),
            typical,
        })
    }
}

/// What a program does that knows no better: one expression after the other.
struct Loop(Vec<Regex>);

impl Loop {
    fn new(catalog: &Catalog) -> Result<Self, Box<dyn Error>> {
        let patterns = catalog.patterns()?;
        let mut all = Vec::new();
        for pattern in patterns.iter().filter(|pattern| !pattern.expression.is_empty()) {
            // Names for parts that many have, and a few that only masker's engine takes.
            let expression = pattern.expression.replace("<region>", "[a-z]{2}-[a-z]{4,9}-[0-9]");
            let expression =
                expression.replace("<domain>", r"amazonaws\.com").replace("<slash>", "/");
            all.extend(Regex::new(&expression));
        }
        if all.len() * 10 < patterns.len() * 8 {
            return Err(format!("only {} of {} compile", all.len(), patterns.len()).into());
        }
        Ok(Self(all))
    }

    fn run(&self, text: &str) -> usize {
        self.0.iter().map(|expression| expression.find_iter(text).count()).sum()
    }
}

impl Bed {
    fn new(own: Own) -> Result<Self, Box<dyn Error>> {
        let settings = Settings { own: Arc::new(own), ..Settings::default() };
        let catalog = Arc::new(Catalog::builtin(&settings)?);
        let limits = Limits { findings: 200_000, depth: DEPTH };
        let master = MasterKey::parse(b"a key for the benchmark, no more")?;
        let masker = Masker { catalog, limits, around: Around::default(), resent: None };
        Ok(Self { masker, scope: master.scope(&Tenant::default()) })
    }

    /// With so many patterns of the operator's own.
    fn with_own(&self, count: usize) -> Result<Self, Box<dyn Error>> {
        let pattern = |number| Pattern {
            name: format!("own {number}"),
            kind: format!("OWN_{}", number % 10),
            critical: false,
            find: Find::Expression(format!("proj{number}-[a-z]{{3,9}}-[0-9]{{4,8}}")),
            examples: Vec::new(),
            counter_examples: Vec::new(),
        };
        let patterns = (0..count).map(pattern).collect();
        let own = Self::new(Own { patterns, ..Own::default() })?;
        Ok(Self { scope: self.scope.clone(), ..own })
    }

    fn requests(
        &self,
        sizes: &[(&'static str, usize)],
    ) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
        let mut requests = Vec::new();
        for &(name, size) in sizes {
            let (source, planted) = bodies::request(size);
            self.check(&source, &planted)?;
            requests.push((name, source));
        }
        Ok(requests)
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

    /// A table with many mappings.
    fn many(&self, count: usize) -> Result<Table, Box<dyn Error>> {
        let text: String = (0..count).map(|number| format!("i-0{number:016x}\n")).collect();
        let (_, table, _) = document::mask(&self.masker, &self.scope, Form::Text, &text)?;
        Ok(table)
    }

    fn mask(&self, form: Form, source: &str) {
        black_box(document::mask(&self.masker, &self.scope, form, black_box(source)))
            .map_or_else(drop, drop);
    }

    fn masking<'a>(&'a self, name: &'static str, source: &'a str) -> Group<'a> {
        let parse = || {
            black_box(serde_json::from_slice::<serde_json::Value>(black_box(source.as_bytes())))
                .map_or_else(drop, drop);
        };
        let mask = || self.mask(MESSAGES, source);
        let ways = vec![Way::new("serde_json", parse), Way::copy(source), Way::new("mask", mask)];
        Group { name, bytes: source.len(), ways }
    }

    /// The same body masked otherwise.
    fn variants<'a>(
        &'a self,
        bodies: &'a Bodies,
        [few, many]: &'a [Self; 2],
        loop_: &'a Loop,
    ) -> Group<'a> {
        let source = bodies.typical.as_str();
        let pieces = || {
            let mut whole = String::new();
            for piece in source.as_bytes().chunks(CHUNK) {
                whole.push_str(std::str::from_utf8(piece).unwrap_or_default());
            }
            self.mask(MESSAGES, &whole);
        };
        let each = || {
            black_box(loop_.run(black_box(source)));
        };
        let ways = vec![
            Way::new("whole", || self.mask(MESSAGES, source)),
            Way::new("in pieces", pieces),
            Way::new("10 own", || few.mask(MESSAGES, source)),
            Way::new("500 own", || many.mask(MESSAGES, source)),
            Way::new("a loop", each),
        ];
        Group { name: "200 KB", bytes: source.len(), ways }
    }

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

    /// Beside masking of as many bytes, of which an answer has few.
    fn restoring<'a>(&'a self, bodies: &'a Bodies, [few, many]: [&'a Table; 2]) -> Group<'a> {
        let events = bodies.events.as_str();
        let restored = |table: &'a Table| {
            move || {
                black_box(restore(black_box(events), PIECE, table));
            }
        };
        let named = bodies.named.as_str();
        let ways = vec![
            Way::new("restore", restored(few)),
            Way::new("of many", restored(many)),
            Way::new("mask, 50 names", || self.mask(MESSAGES, named)),
        ];
        Group { name: "events", bytes: events.len(), ways }
    }

    fn hurting<'a>(&'a self, bodies: &'a Bodies) -> Group<'a> {
        let typical = bodies.typical.as_str();
        let mut ways = vec![Way::new("typical", || self.mask(MESSAGES, typical))];
        for (name, [once, twice]) in &bodies.hurtful {
            ways.push(Way::new(name, || self.mask(MESSAGES, once)));
            ways.push(Way::new("  twice", || self.mask(MESSAGES, twice)));
        }
        Group { name: "hurtful", bytes: typical.len(), ways }
    }
}

fn restore(events: &str, piece: usize, table: &Table) -> Counts {
    let mut counts = Counts::default();
    let mut stream = Stream::new(Format::Event, events.len(), DEPTH);
    for piece in events.as_bytes().chunks(piece) {
        // No event is longer than the whole stream.
        black_box(stream.push(piece, table, &mut counts)).map_or_else(drop, drop);
    }
    black_box(stream.finish(table, &mut counts));
    counts
}

fn bars(groups: &[Group<'_>], bodies: &Bodies) -> Vec<Bar> {
    use Bound::{AtLeast, AtMost};
    let ratio = |name: &str, ways, scale, bound| Bar::ratio(name, groups, ways, scale, bound);
    let size = |text: &str| f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let mut bars = Vec::new();
    for (name, _) in &bodies.requests {
        let ways = [(*name, "serde_json"), (*name, "mask")];
        bars.extend(ratio(&format!("{name}: speed of serde_json"), ways, 1.0, AtLeast(1.0)));
    }
    let (events, named) = (size(&bodies.events), size(&bodies.named));
    let per_byte = named / events;
    for (name, ways, scale, bound) in [
        (
            "50 names first: time per byte of 1 MB",
            [("events", "mask, 50 names"), ("1 MB", "mask")],
            size(bodies.request("1 MB")) / named,
            AtMost(1.1),
        ),
        ("1 MB over 10 KB", [("1 MB", "mask"), ("10 KB", "mask")], 1.0, AtMost(130.0)),
        (
            "a loop over the expressions",
            [("200 KB", "a loop"), ("200 KB", "whole")],
            1.0,
            AtLeast(20.0),
        ),
        (
            "500 patterns of one's own over 10",
            [("200 KB", "500 own"), ("200 KB", "10 own")],
            1.0,
            AtMost(1.1),
        ),
        (
            "whole over in pieces of 4 KB",
            [("200 KB", "whole"), ("200 KB", "in pieces")],
            1.0,
            AtLeast(0.9),
        ),
        (
            "a turn of 2 KB on 1 MB over scanning all",
            [("50 turns", "resent"), ("50 turns", "scanned")],
            1.0,
            AtMost(0.2),
        ),
        (
            "speed of restoring over masking",
            [("events", "mask, 50 names"), ("events", "restore")],
            1.0 / per_byte,
            AtLeast(3.0),
        ),
        (
            "restoring, 100,000 mappings over few",
            [("events", "of many"), ("events", "restore")],
            1.0,
            AtMost(1.1),
        ),
    ] {
        bars.extend(ratio(name, ways, scale, bound));
    }
    bars.extend(hurtful_bars(groups, bodies));
    bars
}

fn hurtful_bars(groups: &[Group<'_>], bodies: &Bodies) -> Vec<Bar> {
    use Bound::AtMost;
    let size = |text: &str| f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let typical = size(&bodies.typical);
    let mut bars = Vec::new();
    let hurting = groups.iter().find(|group| group.name == "hurtful");
    let pairs = hurting.map(|group| group.ways.get(1..).unwrap_or_default()).unwrap_or_default();
    for (pair, (name, [once, twice])) in pairs.chunks(2).zip(&bodies.hurtful) {
        let [one, two] = pair else { continue };
        let first = hurting.and_then(|group| group.ways.first());
        let over = |a: &Way<'_>, b: &Way<'_>, scale: f64| {
            a.samples.iter().zip(&b.samples).map(|(a, b)| a / b * scale).collect()
        };
        if let Some(first) = first {
            let values = over(one, first, typical / size(once));
            bars.push(Bar::new(
                &format!("{name}: time per byte over typical"),
                values,
                AtMost(8.0),
            ));
        }
        let values = over(two, one, 2.0 * size(once) / size(twice));
        bars.push(Bar::new(&format!("{name}: twice as long"), values, AtMost(2.2)));
    }
    bars
}
