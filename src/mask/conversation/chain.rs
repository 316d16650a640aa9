//! The prefix guard: hashes of what a client sent and of what became of it, unit by unit.
//!
//! When a conversation comes again and the client's text is the same up to a unit, the masked
//! text must be the same too: the model's reasoning and the provider's cache are bound to it.
//! A masked text is the client's with replacements, so that its hash is one of both.

use std::ops::Range;

use polyval::Polyval;
use polyval::universal_hash::UniversalHash as _;
use serde::{Deserialize, Serialize};

use crate::body::json::Tape;
use crate::body::select::{Place, Units};
use crate::body::splice::Swap;
use crate::mask::Scope;
use crate::mask::conversation::Record;

/// Units at the end of which each is kept, and how many steps back from there.
const LAST: usize = 16;
const STEPS: usize = 16;

/// The hashes up to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    at: u32,
    own: u64,
    sent: u64,
}

/// The links of one request.
#[derive(Debug, Default)]
pub struct Chain(Vec<Link>);

impl Chain {
    /// `swaps` are what the document is rewritten with.
    #[must_use]
    pub fn read(tape: &Tape<'_>, units: &Units, swaps: &mut [Swap<String>], scope: &Scope) -> Self {
        swaps.sort_by_key(|swap| swap.span.start);
        let mut chain = Vec::new();
        let (mut own, mut sent) = (0_u64, 0_u64);
        for unit in units.iter() {
            let mut hash = scope.units();
            hash.update_padded(&own.to_le_bytes());
            let mut replaced: Option<Polyval> = None;
            for leaf in unit.iter().filter(|leaf| is_text(leaf.place)) {
                let raw = tape.raw(leaf.node);
                hash.update_padded(raw.as_bytes());
                hash.update_padded(&(raw.len() as u64).to_le_bytes());
                let span = tape.span(leaf.node);
                let first = swaps.partition_point(|swap| swap.span.end <= span.start);
                let inside = swaps.iter().skip(first).take_while(|s| s.span.start < span.end);
                for swap in inside {
                    let into = replaced.get_or_insert_with(|| scope.units());
                    let place = |at: usize| at.wrapping_sub(span.start);
                    let Swap { span: Range { start, end }, with } = swap;
                    let numbers = [place(*start), place(*end), with.len()];
                    into.update_padded(numbers.map(|at| (at as u64).to_le_bytes()).as_flattened());
                    into.update_padded(swap.with.as_bytes());
                }
            }
            own = first(&hash.finalize().into());
            if let Some(mut into) = replaced {
                into.update_padded([own, sent].map(u64::to_le_bytes).as_flattened());
                sent = first(&into.finalize().into());
            }
            let at = u32::try_from(chain.len()).unwrap_or(u32::MAX);
            chain.push(Link { at, own, sent });
        }
        Self(chain)
    }

    /// Was anything sent otherwise that the client sent before as it does now?
    #[must_use]
    pub fn differs(&self, before: &Record) -> bool {
        let now = |link: &Link| self.0.get(usize::try_from(link.at).ok()?);
        let mut same = before.chain.iter().filter_map(|link| Some((link, now(link)?)));
        same.any(|(old, new)| old.own == new.own && old.sent != new.sent)
    }

    /// What is kept: the last links, and some before, in steps that double.
    pub(super) fn kept(&self) -> Vec<Link> {
        let last = self.0.len();
        let near = last.saturating_sub(LAST);
        let mut kept: Vec<_> = (0..STEPS).filter_map(|step| near.checked_sub(1 << step)).collect();
        kept.reverse();
        kept.extend(near..last);
        kept.into_iter().filter_map(|at| self.0.get(at).copied()).collect()
    }
}

fn first(hash: &[u8; 16]) -> u64 {
    hash.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// Marks of the API, which may move, are none.
fn is_text(place: Place) -> bool {
    !matches!(place, Place::Guarded(_))
}
