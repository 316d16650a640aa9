//! Ways to work on the same bytes, which take turns.

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

/// The same bytes, worked on in different ways; the first is what others are compared with.
pub(crate) struct Group<'a> {
    pub name: &'static str,
    pub bytes: usize,
    pub ways: Vec<Way<'a>>,
}

pub(crate) struct Way<'a> {
    pub name: &'static str,
    work: Box<dyn FnMut() + 'a>,
    /// How often it is done for one sample.
    times: u32,
    /// Seconds, one a round.
    pub samples: Vec<f64>,
}

impl<'a> Way<'a> {
    pub(crate) fn new(name: &'static str, work: impl FnMut() + 'a) -> Self {
        Self { name, work: Box::new(work), times: 1, samples: Vec::new() }
    }

    pub(crate) fn copy(source: &'a str) -> Self {
        let mut target = Vec::with_capacity(source.len());
        Self::new("copy", move || {
            target.clear();
            target.extend_from_slice(black_box(source.as_bytes()));
            black_box(&mut target);
        })
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

pub(crate) fn measure(groups: &mut [Group<'_>], sample: Duration, rounds: usize) {
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

pub(crate) fn print(groups: &[Group<'_>], out: &mut impl Write) -> std::io::Result<()> {
    let rounds = groups.iter().flat_map(|g| &g.ways).map(|way| way.samples.len()).max();
    writeln!(out, "median (min – max) of {} rounds, CPU time", rounds.unwrap_or_default())?;
    writeln!(out, "{:<15} {:<15} {:>24} {:>25}", "body", "", "MB/s", "times the first")?;
    for group in groups {
        for way in &group.ways {
            let megabytes = f64::from(u32::try_from(group.bytes).unwrap_or(u32::MAX)) / 1e6;
            let speed = spread(way.samples.iter().map(|seconds| megabytes / seconds), 0);
            let first = group.ways.first().filter(|first| first.name != way.name);
            let times = first.map_or_else(String::new, |first| {
                let pairs = way.samples.iter().zip(&first.samples);
                spread(pairs.map(|(own, first)| own / first), 2)
            });
            writeln!(out, "{:<15} {:<15} {speed:>24} {times:>25}", group.name, way.name)?;
        }
    }
    Ok(())
}

/// Median, least and most.
pub(crate) fn spread(values: impl Iterator<Item = f64>, digits: usize) -> String {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let (least, median) = (at(0), at(values.len() / 2));
    let most = values.last().copied().unwrap_or(f64::NAN);
    format!("{median:.digits$} ({least:.digits$} – {most:.digits$})")
}
