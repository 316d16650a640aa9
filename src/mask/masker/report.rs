//! What masking saw.

use std::collections::BTreeMap;

use crate::body::select::{Guarded, Hosted, Opaque};
use crate::detect::Kind;
use crate::mask::Placeholder;

/// What was seen, in numbers and kinds.
#[derive(Debug, Default)]
pub struct Report {
    /// Findings by kind, each occurrence.
    pub findings: BTreeMap<Kind, u64>,
    /// Those of them that stand in what was sent before: conversations are sent again.
    pub again: BTreeMap<Kind, u64>,
    /// Findings where nothing may change.
    pub guarded: BTreeMap<(Guarded, Kind), u64>,
    pub opaque: BTreeMap<Opaque, u64>,
    /// Tools that the provider runs.
    pub hosted: BTreeMap<Hosted, u64>,
    /// The provider kept what the request goes on with.
    pub goes_on: bool,
    /// Blocks of types that are not known, all of whose strings are masked.
    pub unknown: u64,
    /// Placeholders in model state: what the answer says of them is restored too.
    pub present: Vec<Placeholder>,
    /// The model's thoughts stand in it.
    pub thoughts: bool,
    /// The body claimed to be JSON and is not: it was masked as text.
    pub malformed: bool,
}

impl Report {
    pub(in crate::mask) fn is_empty(&self) -> bool {
        let Self {
            findings,
            again,
            guarded,
            opaque,
            hosted,
            goes_on,
            unknown,
            present,
            thoughts,
            malformed,
        } = self;
        let counted =
            !(findings.is_empty() && again.is_empty() && guarded.is_empty() && opaque.is_empty());
        let seen = counted || !hosted.is_empty() || !present.is_empty() || *unknown > 0;
        !(seen || *goes_on || *thoughts || *malformed)
    }

    /// Adds what was seen in a part.
    pub(in crate::mask) fn add(&mut self, part: &Self) {
        let Self {
            findings,
            again,
            guarded,
            opaque,
            hosted,
            goes_on,
            unknown,
            present,
            thoughts,
            malformed,
        } = part;
        add(&mut self.findings, findings);
        add(&mut self.again, again);
        add(&mut self.guarded, guarded);
        add(&mut self.opaque, opaque);
        add(&mut self.hosted, hosted);
        self.goes_on |= goes_on;
        self.unknown += unknown;
        self.present.extend_from_slice(present);
        self.thoughts |= thoughts;
        self.malformed |= malformed;
    }
}

fn add<K: Copy + Ord>(all: &mut BTreeMap<K, u64>, part: &BTreeMap<K, u64>) {
    for (&key, count) in part {
        *all.entry(key).or_default() += count;
    }
}
