//! What must hold, and what was measured, one line each.

use std::io::Write;

use crate::way::{Group, spread};

/// A bound on a ratio.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

pub(crate) struct Bar {
    name: String,
    values: Vec<f64>,
    bound: Bound,
}

impl Bar {
    /// The time of one way over that of another, within each round.
    pub(crate) fn ratio(
        name: &str,
        groups: &[Group<'_>],
        [over, under]: [(&str, &str); 2],
        scale: f64,
        bound: Bound,
    ) -> Option<Self> {
        let find = |(group, way): (&str, &str)| {
            let group = groups.iter().find(|own| own.name == group)?;
            group.ways.iter().find(|own| own.name == way)
        };
        let (over, under) = (find(over)?, find(under)?);
        let pairs = over.samples.iter().zip(&under.samples);
        let values = pairs.map(|(over, under)| over / under * scale).collect();
        Some(Self::new(name, values, bound))
    }

    pub(crate) fn new(name: &str, values: Vec<f64>, bound: Bound) -> Self {
        Self { name: name.to_owned(), values, bound }
    }

    fn holds(&self) -> bool {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let median = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
        match self.bound {
            Bound::AtMost(most) => median <= most,
            Bound::AtLeast(least) => median >= least,
        }
    }
}

pub(crate) fn print(bars: &[Bar], out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "\n{:<52} {:>27}  bar", "", "median (min – max)")?;
    for bar in bars {
        let bound = match bar.bound {
            Bound::AtMost(most) => format!("≤ {most}"),
            Bound::AtLeast(least) => format!("≥ {least}"),
        };
        let missed = if bar.holds() { "" } else { "  MISSED" };
        let values = spread(bar.values.iter().copied(), 2);
        writeln!(out, "{:<52} {values:>27}  {bound}{missed}", bar.name)?;
    }
    Ok(())
}
