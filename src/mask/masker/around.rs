//! What is done around the texts of a request, whether anything in it is masked or not: it
//! depends on nothing that may change from turn to turn.

use crate::body::json::Tape;
use crate::body::select::{self, Format};
use crate::body::splice::{Misfit, Swap, fit};
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

impl Session<'_> {
    /// What the provider runs and keeps.
    pub(super) fn hosted(&mut self, tape: &Tape<'_>, format: Format) {
        for tool in select::hosted(tape, format) {
            *self.report.hosted.entry(tool).or_default() += 1;
        }
        self.report.goes_on |= select::goes_on(tape, format);
    }

    /// With schemas that admit placeholders.
    pub(super) fn widened(
        &self,
        tape: &Tape<'_>,
        format: Format,
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Misfit> {
        if self.around.schemas {
            schema::widen(tape, format, swaps, self.masker.limits.depth)?;
        }
        fit(tape.source(), swaps)
    }
}
