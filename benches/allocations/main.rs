//! What masking allocates, beside the body that it masks, and the bars that it must meet.
//!
//! `cargo bench --bench allocations`. A program of its own: the allocator that counts would
//! make slower what `throughput` measures. Counts differ from run to run by nothing, and
//! machines play no role.

#[path = "../bodies/mod.rs"]
#[expect(dead_code, reason = "of the bodies, only requests are masked here")]
mod bodies;

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use masker::body::select::Format;
use masker::detect::{Catalog, Settings};
use masker::mask::document::{self, Form};
use masker::mask::masker::{Around, Limits, Masker};
use masker::mask::{MasterKey, Scope, Tenant};

const SIZES: [(&str, usize); 3] = [("100 KB", 100_000), ("1 MB", 1_000_000), ("10 MB", 10_000_000)];
const MESSAGES: Form = Form::Json(Format::Messages);

/// What is held at once beside the body: its masked copy, and little else.
const PEAK: f64 = 2.0;
/// How much more a byte of the largest body may cost than one of the smallest.
const GROWTH: f64 = 1.1;

struct Row {
    name: &'static str,
    body: f64,
    info: AllocationInfo,
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --benches` comes without `--bench`: it wants to know that this runs.
    let all = std::env::args().any(|arg| arg == "--bench");
    let sizes = if all { SIZES.as_slice() } else { SIZES.get(..1).unwrap_or_default() };
    let catalog = Arc::new(Catalog::builtin(&Settings::default())?);
    let limits = Limits { findings: 200_000, depth: 128 };
    let masker = Masker { catalog, limits, around: Around::default(), resent: None };
    let scope = MasterKey::parse(b"a key for the benchmark, no more")?.scope(&Tenant::default());
    let mut rows = Vec::new();
    for &(name, size) in sizes {
        let (source, _) = bodies::request(size);
        // What is built once is built before.
        mask(&masker, &scope, &source);
        let info = measure(|| mask(&masker, &scope, &source));
        rows.push(Row { name, body: number(source.len()), info });
    }
    print(&rows, &mut std::io::stdout().lock())?;
    Ok(())
}

fn mask(masker: &Masker, scope: &Scope, source: &str) {
    black_box(document::mask(masker, scope, MESSAGES, black_box(source))).map_or_else(drop, drop);
}

fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

impl Row {
    /// Allocations in a kilobyte, and bytes for each byte: in all, and at once.
    fn per_byte(&self) -> [f64; 3] {
        let AllocationInfo { count_total, bytes_total, bytes_max, .. } = self.info;
        [number(count_total) * 1000.0, number(bytes_total), number(bytes_max)]
            .map(|count| count / self.body)
    }
}

fn print(rows: &[Row], out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{:<8}{:>22}{:>22}{:>22}",
        "body", "allocations per KB", "bytes in all", "bytes at once"
    )?;
    for row in rows {
        let [count, total, peak] = row.per_byte();
        writeln!(out, "{:<8}{count:>22.2}{total:>20.2} ×{peak:>20.2} ×", row.name)?;
    }
    let [Some(first), Some(last)] = [rows.first(), rows.last()] else { return Ok(()) };
    let [_, _, peak] = last.per_byte();
    let mut bar = |name: &str, value: f64, most: f64| {
        let missed = if value <= most { "" } else { "  MISSED" };
        writeln!(out, "{name:<52}{value:>10.2}  ≤ {most}{missed}")
    };
    bar("bytes held at once, over the body", peak, PEAK)?;
    let names = ["allocations", "bytes allocated", "bytes held at once"];
    let growth =
        last.per_byte().into_iter().zip(first.per_byte()).map(|(last, first)| last / first);
    for (name, growth) in names.into_iter().zip(growth) {
        bar(&format!("{name} per byte, {} over {}", last.name, first.name), growth, GROWTH)?;
    }
    Ok(())
}
