//! What is done around the texts of a request, whether anything in it is masked or not: it
//! depends on nothing that may change from turn to turn.

use std::ops::Range;

use crate::body::json::Tape;
use crate::body::select::{self, Format};
use crate::body::splice::Swap;
use crate::mask::masker::Session;
use crate::mask::schema;

/// What is done around the texts of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// Schemas are widened, so that they admit placeholders.
    pub schemas: bool,
    /// The model is told what placeholders are.
    pub note: bool,
    /// What the model thought is text: its client was shown it.
    pub thinking: bool,
}

impl Default for Around {
    fn default() -> Self {
        Self { schemas: true, note: false, thinking: false }
    }
}

/// Where the places between swaps, which are sorted, are when these are done.
fn moved(places: &mut [Range<usize>], swaps: &[Swap<String>]) {
    let (mut taken, mut given) = (0, 0);
    let sums: Vec<_> = swaps
        .iter()
        .map(|swap| {
            taken += swap.span.len();
            given += swap.with.len();
            (taken, given)
        })
        .collect();
    let after = |at: usize| {
        let before = swaps.partition_point(|swap| swap.span.end <= at);
        let last = before.checked_sub(1).and_then(|last| sums.get(last));
        let (taken, given) = last.copied().unwrap_or_default();
        at - taken + given
    };
    for place in places {
        *place = after(place.start)..after(place.end);
    }
}

impl Session<'_> {
    /// What the provider runs and keeps.
    pub(super) fn hosted(&mut self, tape: &Tape<'_>, format: Format) {
        for tool in select::hosted(tape, format) {
            *self.report.hosted.entry(tool).or_default() += 1;
        }
        self.report.goes_on |= select::goes_on(tape, format);
    }

    /// Lets the schemas of a request admit placeholders.
    pub(super) fn widened(
        &mut self,
        tape: &Tape<'_>,
        format: Format,
        swaps: &[Swap<String>],
        masked: &str,
    ) -> Option<String> {
        if !self.around.schemas {
            return None;
        }
        let mut places = schema::places(tape, format);
        if places.is_empty() {
            return None;
        }
        moved(&mut places, swaps);
        schema::widen(masked, &places, self.masker.limits.depth)
    }
}
