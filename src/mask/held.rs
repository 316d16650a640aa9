//! Events of a stream that wait, and the texts in them.

use std::collections::VecDeque;
use std::ops::Range;

use crate::body::frame::Frame;
use crate::body::select::{End, Format};
use crate::body::splice::{Swap, splice};
use crate::mask::channel::{Channels, Plan};
use crate::mask::conversation::Verify;
use crate::mask::offsets::Offset;

/// An event that is not written yet.
pub(super) struct Held {
    pub frame: Frame,
    /// Of what stands whole in the event.
    pub swaps: Vec<Swap<String>>,
    pub deltas: Vec<Delta>,
    /// What it ends.
    pub ends: Vec<End>,
    /// Offsets into texts of channels, which those before decide.
    pub offsets: Vec<(u64, Offset)>,
}

/// A text of an event that may go on in the next.
#[derive(Default)]
pub(super) struct Delta {
    pub channel: u64,
    /// JSON source, as in `partial_json`.
    pub source: bool,
    /// In the input of a tool.
    pub tool: bool,
    /// Where the text stands in the event's data.
    at: Range<usize>,
    /// Restored already.
    ready: String,
    /// What that was, if it is asked for.
    took: Option<String>,
    /// Not decided yet.
    pub pending: String,
    /// Its last text may still become a placeholder.
    pub open: bool,
}

impl Delta {
    pub(super) fn new(
        channel: u64,
        source: bool,
        tool: bool,
        at: Range<usize>,
        text: &str,
    ) -> Self {
        let pending = text.to_owned();
        let (ready, took) = Default::default();
        Self { channel, source, tool, at, ready, took, pending, open: true }
    }

    /// Remembers what the model wrote, too.
    pub(super) fn remembering(self) -> Self {
        Self { took: Some(String::new()), ..self }
    }
}

/// The text of an event that waits, by the event's number and the text's place in it.
pub(super) fn waiting(
    queue: &mut VecDeque<Held>,
    left: u64,
    at: Option<(u64, usize)>,
) -> Option<&mut Delta> {
    let (number, text) = at?;
    let index = usize::try_from(number.checked_sub(left)?).ok()?;
    queue.get_mut(index)?.deltas.get_mut(text)
}

/// Gives each delta its part of a text, which goes up to the bound beside it. A swap belongs
/// to the delta in which it begins, and so does all that is open.
pub(super) fn share<const N: usize>(plan: &Plan, joined: &str, deltas: [(&mut Delta, usize); N]) {
    let (mut at, mut start) = (0, 0);
    let mut swaps = plan.swaps.iter().peekable();
    for (index, (delta, end)) in deltas.into_iter().enumerate() {
        let from = at;
        while let Some(swap) = swaps.next_if(|swap| swap.span.start < end) {
            delta.ready.push_str(joined.get(at..swap.span.start).unwrap_or_default());
            delta.ready.push_str(&swap.with);
            at = swap.span.end;
        }
        let upto = end.min(plan.open);
        if at < upto {
            delta.ready.push_str(joined.get(at..upto).unwrap_or_default());
            at = upto;
        }
        if let Some(took) = &mut delta.took {
            took.push_str(joined.get(from..at).unwrap_or_default());
        }
        let begins = plan.open < end || (index + 1 == N && plan.open < joined.len());
        delta.open = begins && plan.open >= start;
        if delta.open {
            delta.pending.push_str(joined.get(plan.open..).unwrap_or_default());
        }
        start = end;
    }
}

impl Held {
    /// An event in which nothing is restored.
    pub(super) fn plain(frame: Frame) -> Self {
        let (swaps, deltas, ends, offsets) = Default::default();
        Self { frame, swaps, deltas, ends, offsets }
    }

    /// Tells what the client gets.
    pub(super) fn tell(&self, format: Format, verify: &mut Verify) {
        if format == Format::Gemini {
            if let Some([wrote, gave]) = self.both() {
                verify.chunk(&wrote, &gave);
            }
            return;
        }
        for delta in &self.deltas {
            verify.gave(delta.channel, &delta.ready);
        }
        self.ends.iter().for_each(|&end| verify.end(end));
    }

    /// What the model wrote in this event, and what the client gets in it: text that moves
    /// between events has moved in both.
    pub(super) fn both(&self) -> Option<[String; 2]> {
        let data = self.frame.data()?;
        let texts = |text: fn(&Delta) -> &str| -> Vec<Swap<String>> {
            let swap = |delta: &Delta| Swap { span: delta.at.clone(), with: text(delta).into() };
            self.deltas.iter().map(swap).collect()
        };
        let mut gave = [texts(|delta| &delta.ready), self.swaps.clone()].concat();
        let mut wrote = texts(|delta| delta.took.as_deref().unwrap_or_default());
        let wrote = splice(&data, &mut wrote).ok()?;
        Some([wrote, splice(&data, &mut gave).ok()?])
    }

    pub(super) fn is_open(&self) -> bool {
        self.deltas.iter().any(|delta| delta.open)
    }

    /// Moves its offsets, when all texts before it are decided.
    pub(super) fn settle(&mut self, channels: &Channels) {
        for (channel, offset) in std::mem::take(&mut self.offsets) {
            self.swaps.extend(channels.moved(channel, offset));
        }
    }

    pub(super) fn write(mut self, out: &mut Vec<u8>) {
        let raw = self.frame.raw();
        // One text in one line, the usual event, takes no copy.
        if let (Some(line), [delta], []) =
            (self.frame.line(), self.deltas.as_slice(), self.swaps.as_slice())
        {
            let span = line.start + delta.at.start..line.start + delta.at.end;
            if let (Some(before), Some(after)) = (raw.get(..span.start), raw.get(span.end..)) {
                out.extend_from_slice(before);
                out.extend_from_slice(delta.ready.as_bytes());
                return out.extend_from_slice(after);
            }
        }
        let data = self.frame.data().unwrap_or_default();
        for delta in self.deltas {
            if data.get(delta.at.clone()) != Some(delta.ready.as_str()) {
                self.swaps.push(Swap { span: delta.at, with: delta.ready });
            }
        }
        let changed = !self.swaps.is_empty();
        match changed.then(|| splice(&data, &mut self.swaps)) {
            Some(Ok(data)) => out.extend_from_slice(&self.frame.with_data(&data)),
            _ => out.extend_from_slice(raw),
        }
    }
}
