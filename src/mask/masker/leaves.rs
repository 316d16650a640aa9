//! The leaves of one unit: read, looked at, masked.

use crate::body::json::Tape;
use crate::body::select::{Leaf, Place};
use crate::body::splice::Swap;
use crate::detect::Part;
use crate::mask::decoded::{Contents, Decoded};
use crate::mask::masker::{Refusal, Session, Text};

impl Session<'_> {
    /// Masks leaves of the unit: `texts` are its strings, if they were looked at already.
    pub(super) fn leaves(
        &mut self,
        tape: &Tape<'_>,
        unit: &[Leaf],
        texts: Option<&mut [Text<'_>]>,
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        let (mut strings, mut numbers) = (Vec::with_capacity(unit.len()), Vec::new());
        for leaf in unit {
            match leaf.place.shown(self.around.thinking) {
                Place::Number => numbers.push(leaf),
                Place::Opaque(opaque) => *self.report.opaque.entry(opaque).or_default() += 1,
                Place::State => self.present(&tape.text(leaf.node)),
                Place::Base64 => self.base64(tape, leaf, swaps)?,
                Place::Source if self.source(tape, leaf, swaps)? => {}
                _ if self.is_constant(tape, leaf) => {}
                _ => strings.push(leaf),
            }
        }
        if let Some(texts) = texts {
            return self.read(tape, &strings, texts, &numbers, swaps);
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        let contents = decoded.all(tape, &strings);
        let mut texts = self.look(tape, &strings, &contents, &decoded)?;
        self.read(tape, &strings, &mut texts, &numbers, swaps)?;
        self.decoded = decoded;
        Ok(())
    }

    /// Finds what stands in strings by themselves.
    pub(super) fn look<'s>(
        &self,
        tape: &Tape<'s>,
        strings: &[&Leaf],
        contents: &[Contents],
        decoded: &'s Decoded,
    ) -> Result<Vec<Text<'s>>, Refusal> {
        let all = decoded.text().map_err(|_| Refusal::Misfit)?;
        let mut texts = Vec::with_capacity(strings.len());
        let mut leaves = strings.iter();
        for contents in contents.chunk_by(Contents::is_beside) {
            let first = texts.len();
            let mut parts = Vec::with_capacity(contents.len());
            let mut within = "";
            for (contents, leaf) in contents.iter().zip(leaves.by_ref()) {
                let (text, steps) = (contents.text(tape.source(), all), decoded.steps(contents));
                texts.push(Text::new(text, steps, contents.start(), leaf.place));
                let label = self.label(tape, leaf);
                let (whole, span) = contents.within(tape.source(), all);
                parts.push(Part { span, label });
                within = whole;
            }
            self.scan(within, &parts, texts.get_mut(first..).unwrap_or_default());
        }
        Ok(texts)
    }

    /// Masks what was found in the strings of the unit, and the numbers that are known then.
    fn read(
        &mut self,
        tape: &Tape<'_>,
        strings: &[&Leaf],
        texts: &mut [Text<'_>],
        numbers: &[&Leaf],
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        self.answered(tape, strings.iter().copied(), texts);
        for leaf in numbers {
            self.learn_number(tape, leaf)?;
        }
        self.settle(texts, swaps)?;
        for leaf in numbers {
            self.number(tape, leaf, swaps)?;
        }
        Ok(())
    }
}
