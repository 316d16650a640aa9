//! Units that were masked before are not read again.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use polyval::universal_hash::UniversalHash;

use crate::body::json::{Node, Tape};
use crate::body::select::{Leaf, Place, Units};
use crate::body::splice::Swap;
use crate::detect::Kind;
use crate::mask::masker::{Refusal, Report, Session, Text};
use crate::mask::resent::{Kept, Key, Resent, Unit};
use crate::mask::{Mapping, Value};

/// A unit of this size is read as fast as it is hashed.
const SMALLEST: usize = 64;

/// Names known, as a hash: each step adds one.
pub(super) type Digest = Key;

/// What was found in a unit, by its first leaf, in the order of units.
pub(super) type Fresh = Vec<(Node, Kind, u64)>;

/// A unit while it is masked for the first time.
#[derive(Debug, Default)]
pub(super) struct Log {
    unit: Unit,
    /// It depends on what stood before it in a way that its key does not tell.
    bound: bool,
}

impl Log {
    /// A value got a placeholder, or had one; `same`: of the kind that the unit gives it.
    pub(super) fn mapping(&mut self, mapping: &Arc<Mapping>, same: bool) {
        self.bound |= !same;
        self.unit.mappings.push(Arc::clone(mapping));
    }
}

/// The key of a unit that is new, and where it stands. None: it is not remembered.
pub(super) type New = Option<(Key, Range<usize>)>;

/// Keys of the units that come next, made when it was asked whether they came before: of each
/// its first leaf, and the names known then.
#[derive(Debug, Default)]
pub(super) struct Ahead(VecDeque<(Option<Node>, Digest, New)>);

impl Ahead {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The key of this unit, if nothing was learned since. Units are asked for in their order.
    fn take(&mut self, first: Option<Node>, digest: &Digest) -> Option<New> {
        let at = self.0.iter().position(|(node, ..)| *node == first)?;
        let (_, known, new) = self.0.drain(..=at).next_back()?;
        (known == *digest).then_some(new)
    }
}

impl Session<'_> {
    /// Did this unit, which stands further behind, come before?
    pub(super) fn is_resent(&mut self, tape: &Tape<'_>, unit: &[Leaf]) -> bool {
        let Some(resent) = &self.masker.resent else { return false };
        let new = self.key(tape, unit);
        let holds = new.as_ref().is_some_and(|(key, _)| resent.holds(key));
        self.ahead.0.push_back((first(unit), self.digest, new));
        holds
    }

    /// Does again what was done with a unit when it came before. None: that was all.
    pub(super) fn again(
        &mut self,
        tape: &Tape<'_>,
        unit: &[Leaf],
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<Option<New>, Refusal> {
        let Some(resent) = &self.masker.resent else { return Ok(Some(None)) };
        let ahead = self.ahead.take(first(unit), &self.digest);
        let Some((key, span)) = ahead.unwrap_or_else(|| self.key(tape, unit)) else {
            return Ok(Some(None));
        };
        match resent.get(&key) {
            Some(None) => Ok(None),
            Some(Some(seen)) if self.fits(&seen) => {
                self.replay(&seen, span.start, swaps)?;
                Ok(None)
            }
            _ => Ok(Some(Some((key, span)))),
        }
    }

    /// Masks a unit, and remembers what was done. `texts` are its strings, if they were
    /// looked at already.
    pub(super) fn unit(
        &mut self,
        tape: &Tape<'_>,
        unit: &[Leaf],
        new: New,
        texts: Option<&mut [Text<'_>]>,
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        let kept = self.masker.resent.as_ref().zip(new);
        let before = std::mem::take(&mut self.report);
        let start = swaps.len();
        self.log = kept.is_some().then(Log::default);
        let result = self.leaves(tape, unit, texts, swaps);
        let log = self.log.take().unwrap_or_default();
        let own = std::mem::replace(&mut self.report, before);
        self.report.add(&own);
        if let Some(node) = first(unit) {
            self.fresh.extend(own.findings.iter().map(|(&kind, &count)| (node, kind, count)));
        }
        result?;
        if let Some((resent, (key, span))) = kept
            && !log.bound
        {
            keep(resent, key, log.unit, own, span.start, swaps.get(start..).unwrap_or_default());
        }
        Ok(())
    }

    /// The client had sent the first `count` units before, if not here: what stands in them
    /// is not new.
    pub fn sent_before(&mut self, units: &Units, count: usize) {
        let mut fresh = self.fresh.drain(..).peekable();
        for node in units.iter().take(count).filter_map(first) {
            while let Some((_, kind, found)) = fresh.next_if(|(own, ..)| *own == node) {
                *self.report.again.entry(kind).or_default() += found;
            }
        }
    }

    /// Would each of its values get the placeholder that it had? Not if another kind gave it one.
    fn fits(&self, seen: &Kept) -> bool {
        seen.mappings.iter().all(|mapping| self.table.agrees(mapping))
    }

    fn replay(
        &mut self,
        seen: &Kept,
        start: usize,
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        for mapping in &seen.mappings {
            self.table.adopt(mapping).map_err(|_| Refusal::Collision)?;
        }
        self.within_limit()?;
        for (name, kind) in &seen.names {
            self.learn(name.expose(), *kind);
        }
        let spans = seen
            .swaps()
            .map(|(from, to, with)| Swap { span: start + from..start + to, with: with.to_owned() });
        swaps.extend(spans);
        seen.report(&mut self.report);
        Ok(())
    }

    /// A name is known from here on.
    pub(super) fn learn(&mut self, name: &str, kind: Kind) {
        if !self.known.learn(&self.masker.catalog, name, kind) {
            return;
        }
        if self.masker.resent.is_some() {
            let head = u64::from(kind.0) << 48 | number(name.len());
            let mut hash = self.scope.resent();
            hash.update_padded(&self.digest);
            hash.update_padded(&head.to_le_bytes());
            hash.update_padded(name.as_bytes());
            self.digest = hash.finalize().into();
        }
        if let Some(log) = &mut self.log {
            log.unit.names.push((Value::new(name), kind));
        }
    }

    /// The key of a unit, and where in the document it stands. None: it is not worth a hash.
    fn key(&self, tape: &Tape<'_>, unit: &[Leaf]) -> New {
        let spans = || unit.iter().map(|leaf| (leaf, tape.span(leaf.node)));
        let start = spans().map(|(_, span)| span.start).min()?;
        let end = spans().map(|(_, span)| span.end).max()?;
        let shown = |leaf: &Leaf| leaf.place.shown(self.around.thinking);
        let text = |place| !matches!(place, Place::Opaque(_) | Place::State);
        let texts = spans().filter(|(leaf, _)| text(shown(leaf)));
        let read: usize = texts.map(|(_, span)| span.len() + SMALLEST).sum();
        if end - start < SMALLEST || read < (end - start) / 2 {
            return None;
        }
        let mut hash = self.scope.resent();
        hash.update_padded(&self.digest);
        let (mut places, mut outer, mut asked, mut by) = (0, None, None, None);
        for (leaf, span) in spans() {
            // A format gives the same bytes few places, which an attacker does not choose.
            let place = (span.start - start) << 8 | shown(leaf).code();
            places = fold(places, place);
            if let Some(label) = leaf.label.filter(|&label| tape.span(label).start < start)
                && outer != Some(label)
            {
                outer = Some(label);
                let name = tape.raw(label).as_bytes();
                places = fold(places, name.len());
                hash.update_padded(name);
            }
            if leaf.asked.is_some() && asked != leaf.asked {
                asked = leaf.asked;
                let input = asked.map(|input| tape.raw(input)).unwrap_or_default();
                places = fold(places, input.len());
                hash.update_padded(input.as_bytes());
            }
            if leaf.apart.is_some() && asked != leaf.apart {
                asked = leaf.apart;
                for part in self.apart(tape, leaf).into_iter().flat_map(|c| [&c.tool, &c.input]) {
                    places = fold(places, part.len());
                    hash.update_padded(part.as_bytes());
                }
            }
            if leaf.by.is_some() && by != leaf.by {
                by = leaf.by;
                let name = by.map(|name| tape.raw(name)).unwrap_or_default();
                places = fold(places, name.len());
                hash.update_padded(name.as_bytes());
            }
        }
        hash.update_padded(tape.source().as_bytes().get(start..end)?);
        let [id, len] = [self.masker.catalog.id(), number(end - start)].map(u64::to_le_bytes);
        hash.update_padded(&[id, len, places.to_le_bytes()].concat());
        Some((hash.finalize().into(), start..end))
    }
}

fn first(unit: &[Leaf]) -> Option<Node> {
    unit.first().map(|leaf| leaf.node)
}

fn fold(hash: u64, with: usize) -> u64 {
    (hash.rotate_left(23) ^ number(with)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn number(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn keep(
    resent: &Resent,
    key: Key,
    mut unit: Unit,
    report: Report,
    start: usize,
    swaps: &[Swap<String>],
) {
    unit.report = report;
    unit.mappings.sort_by(|a, b| a.placeholder.cmp(&b.placeholder));
    unit.mappings.dedup_by(|a, b| a.placeholder == b.placeholder);
    let relative = |swap: &Swap<String>| {
        let Range { start: from, end: to } = swap.span;
        (from - start, to - start, swap.with.as_str().into())
    };
    unit.swaps = swaps.iter().map(relative).collect();
    resent.put(key, unit);
}
