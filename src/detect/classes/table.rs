//! Tables that tell where the match of an expression ends, a byte at a step.

use regex_automata::dfa::{StartKind, dense};

/// No table has more bytes.
const LARGEST: usize = 128 << 10;

pub(super) type Table = dense::DFA<Vec<u32>>;

/// A table for all that can follow, if it is small: 250 of them are in memory.
pub(super) fn of(expression: &str) -> Option<Table> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .dfa_size_limit(Some(LARGEST))
        .determinize_size_limit(Some(LARGEST));
    dense::Builder::new().configure(config).build(expression).ok()
}
