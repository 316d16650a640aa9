//! Units that are looked at together: most are short, and one look at several costs less than
//! one at each.
//!
//! What a unit teaches is looked for when the turn comes of those that were looked at before.

use crate::body::json::Tape;
use crate::body::select::{Leaf, Place};
use crate::body::splice::Swap;
use crate::mask::masker::again::New;
use crate::mask::masker::{Refusal, Session};

/// As many strings, and as many bytes of them, are looked at before their turn.
const STRINGS: usize = 32;
const BYTES: usize = 4 << 10;

/// What may still be looked at together.
struct Room {
    strings: usize,
    bytes: usize,
}

impl Room {
    /// Takes what a string of this size needs, if there is as much.
    fn take(&mut self, bytes: usize) -> bool {
        let rest = self.strings.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        (self.strings, self.bytes) = rest.unwrap_or_default();
        rest.is_some()
    }
}

impl Session<'_> {
    /// Masks units one after the other.
    pub(super) fn units(
        &mut self,
        tape: &Tape<'_>,
        units: &[&[Leaf]],
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        let mut rest = units;
        self.ahead.clear();
        while let Some((unit, behind)) = rest.split_first() {
            rest = behind;
            let Some(new) = self.again(tape, unit, swaps)? else { continue };
            self.known.begin_units();
            let more = self.together(tape, unit, behind);
            if more == 0 {
                self.unit(tape, unit, new, None, swaps)?;
            } else {
                let (more, behind) = behind.split_at_checked(more).unwrap_or_default();
                rest = behind;
                self.some(tape, unit, new, more, swaps)?;
            }
        }
        Ok(())
    }

    /// Masks a unit and some behind it, whose strings are looked at together.
    fn some(
        &mut self,
        tape: &Tape<'_>,
        unit: &[Leaf],
        new: New,
        more: &[&[Leaf]],
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        let strings = |unit: &[Leaf]| unit.iter().filter(|leaf| self.is_string(tape, leaf)).count();
        let counts: Vec<_> = std::iter::once(&unit).chain(more).map(|unit| strings(unit)).collect();
        let all = unit.iter().chain(more.iter().copied().flatten());
        let strings: Vec<_> = all.filter(|leaf| self.is_string(tape, leaf)).collect();
        let mut decoded = std::mem::take(&mut self.decoded);
        let contents = decoded.all(tape, &strings);
        let mut texts = self.look(tape, &strings, &contents, &decoded)?;
        let mut rest = texts.as_mut_slice();
        let mut new = Some(new);
        for (unit, count) in std::iter::once(&unit).chain(more).zip(counts) {
            let (own, behind) = rest.split_at_mut_checked(count).ok_or(Refusal::Misfit)?;
            rest = behind;
            // Whether it came before depends on what was learned since.
            let new = match new.take() {
                Some(first) => Some(first),
                None => self.again(tape, unit, swaps)?,
            };
            if let Some(new) = new {
                self.unit(tape, unit, new, Some(own), swaps)?;
            }
        }
        self.decoded = decoded;
        Ok(())
    }

    /// How many of the units behind this one are looked at with it. Not those that came before.
    fn together(&mut self, tape: &Tape<'_>, unit: &[Leaf], behind: &[&[Leaf]]) -> usize {
        let mut room = Room { strings: STRINGS, bytes: BYTES };
        if !self.has_room(tape, unit, &mut room) {
            return 0;
        }
        let new =
            |unit: &&&[Leaf]| self.has_room(tape, unit, &mut room) && !self.is_resent(tape, unit);
        behind.iter().take_while(new).count()
    }

    /// Is there room for the strings of this unit too?
    fn has_room(&self, tape: &Tape<'_>, unit: &[Leaf], room: &mut Room) -> bool {
        let mut strings = unit.iter().filter(|leaf| self.is_string(tape, leaf));
        let fits = strings.all(|leaf| room.take(tape.span(leaf.node).len()));
        let apart = |leaf: &Leaf| matches!(leaf.place, Place::Source | Place::Base64);
        fits && !unit.iter().any(apart)
    }

    /// Is it looked at as it is?
    fn is_string(&self, tape: &Tape<'_>, leaf: &Leaf) -> bool {
        let place = leaf.place.shown(self.around.thinking);
        !matches!(
            place,
            Place::Number | Place::Opaque(_) | Place::State | Place::Base64 | Place::Source
        ) && !self.is_constant(tape, leaf)
    }
}
