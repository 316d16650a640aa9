//! What is done around the texts of a request, whether anything in it is masked or not: it
//! depends on nothing that may change from turn to turn.

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
}

impl Default for Around {
    fn default() -> Self {
        Self { schemas: true, note: false }
    }
}

/// Where a place between swaps is when they are done.
fn moved(at: usize, swaps: &[Swap<String>]) -> usize {
    let before = swaps.iter().take_while(|swap| swap.span.end <= at);
    before.fold(at, |at, swap| at + swap.with.len() - swap.span.len())
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
        let mut places = schema::places(tape, format);
        if places.is_empty() || !self.around.schemas {
            return None;
        }
        for place in &mut places {
            *place = moved(place.start, swaps)..moved(place.end, swaps);
        }
        schema::widen(masked, &places, self.masker.limits.depth)
    }
}
