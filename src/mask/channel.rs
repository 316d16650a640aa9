//! The text of one channel of a stream: what of it is decided, and what replaces what.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memchr;

use crate::body::escape;
use crate::body::splice::Swap;
use crate::mask::care::{self, Spot, Verdict};
use crate::mask::contents::WayBack;
use crate::mask::offsets::{Count, Moves, Offset};
use crate::mask::placeholder::{self, NUMBER_PREFIX, Placeholder};
use crate::mask::restore::{self, Counts, Style};
use crate::mask::spelling;
use crate::mask::table::Table;
use crate::mask::url::Url;

/// Characters before a text that decide whether a placeholder may begin there.
const CONTEXT: usize = 48;
/// A context is moved to the front when so much is before it.
const SPENT: usize = 256;

/// A content block of the answer.
#[derive(Default)]
pub(super) struct Channel {
    pub context: Context,
    /// The number of the event whose text is not decided, and which of its texts it is.
    pub open: Option<(u64, usize)>,
}

impl Channel {
    fn new(count: Option<Count>) -> Self {
        let moves = count.map(|count| (count, Moves::default()));
        Self { context: Context { moves, ..Context::default() }, open: None }
    }
}

/// All channels of a stream. Most events are of the same as the event before.
#[derive(Default)]
pub(super) struct Channels {
    /// How offsets into their texts count, if there are any.
    count: Option<Count>,
    number: u64,
    channel: Channel,
    others: HashMap<u64, Channel>,
}

impl Channels {
    pub(super) fn new(count: Option<Count>) -> Self {
        Self { count, channel: Channel::new(count), ..Self::default() }
    }

    /// What stands in the place of an offset into what came so far.
    pub(super) fn moved(&self, number: u64, offset: Offset) -> Option<Swap<String>> {
        let own = (number == self.number).then_some(&self.channel);
        let (_, moves) = own.or_else(|| self.others.get(&number))?.context.moves.as_ref()?;
        moves.swap_of(offset)
    }

    pub(super) fn at(&mut self, number: u64) -> &mut Channel {
        if number != self.number {
            let next = self.others.remove(&number).unwrap_or_else(|| Channel::new(self.count));
            let last = std::mem::replace(&mut self.channel, next);
            self.others.insert(self.number, last);
            self.number = number;
        }
        &mut self.channel
    }

    /// Channels with an open text.
    pub(super) fn open(&self) -> Vec<u64> {
        let own = [(&self.number, &self.channel)].into_iter().chain(&self.others);
        let mut open: Vec<_> =
            own.filter_map(|(&number, channel)| Some((channel.open?, number))).collect();
        open.sort_unstable();
        open.into_iter().map(|(_, number)| number).collect()
    }
}

/// What was released last in a channel, decoded.
#[derive(Default)]
pub(super) struct Context {
    /// Of all that was released.
    url: Url,
    buffer: String,
    /// Nothing before is looked at.
    from: usize,
    /// How far offsets into it have moved.
    moves: Option<(Count, Moves)>,
}

/// What becomes of a text.
pub(super) struct Plan {
    /// Spans of the text and what stands there instead, in order.
    pub swaps: Vec<Swap<String>>,
    /// From here on nothing is decided.
    pub open: usize,
}

impl Context {
    /// Takes a text of which every byte may be forwarded as it is. False: it takes a
    /// [`Plan`], and nothing was taken.
    pub(super) fn pass(&mut self, raw: &str, source: bool, table: &Table) -> bool {
        let before = self.buffer.len();
        decode_onto(raw, &mut self.buffer);
        let fresh = self.buffer.get(before..).unwrap_or_default();
        let held = may_hold(fresh, table) || open_tail(self.text(), source, table).is_some();
        if held {
            self.buffer.truncate(before);
            return false;
        }
        if table.care().is_some() {
            self.url.advance(fresh, source);
        }
        self.cut();
        true
    }

    /// Takes as much of a text as is decided; at its end, all.
    pub(super) fn decide(
        &mut self,
        raw: &str,
        spot: Spot,
        table: &Table,
        counts: &mut Counts,
    ) -> Plan {
        let Spot { source, end, .. } = spot;
        let style = if source { Style::JsonInJson } else { Style::Json };
        let before = self.buffer.len();
        decode_onto(raw, &mut self.buffer);
        let text = self.buffer.get(self.from..).unwrap_or_default();
        let from = before - self.from;
        let open = if end { None } else { open_tail(text, source, table) };
        let mut open = open.map_or(text.len(), |open| open.max(from));
        let (mut at, mut told) = (from, from);
        let mut way_back = WayBack::new(raw);
        let mut swaps = Vec::new();
        let spans = if may_hold(text.get(from..).unwrap_or_default(), table) {
            spelling::spans(text, table)
        } else {
            Vec::new()
        };
        for span in spans {
            if span.start < from || span.end > open {
                continue;
            }
            if table.care().is_some() {
                self.url.advance(text.get(at..span.start).unwrap_or_default(), source);
                at = span.start;
            }
            let verdict = care::judge(&self.url, spot, text, &span, table, counts);
            if verdict == Verdict::Wait {
                open = span.start;
                break;
            }
            if table.care().is_some() {
                at = care::take(&mut self.url, text, &span, source, table);
            }
            let Verdict::Write(original) = verdict else { continue };
            if let Some((count, moves)) = &mut self.moves {
                let length = |span| text.get(span).map_or(0, *count);
                moves.keep(length(told..span.start));
                moves.change(length(span.clone()), count(original));
                told = span.end;
            }
            let digits = source && quoted_number(text, &span) == Some(true) && span.start > from;
            let (span, with) = if digits {
                (span.start - 1..span.end + 1, original.to_owned())
            } else {
                (span, style.write(original))
            };
            let span = way_back.source(&(span.start - from..span.end - from));
            swaps.push(Swap { span, with });
        }
        if table.care().is_some() {
            self.url.advance(text.get(at..open).unwrap_or_default(), source);
        }
        if let Some((count, moves)) = &mut self.moves {
            moves.keep(text.get(told..open).map_or(0, *count));
        }
        let raw_open = way_back.source(&(open - from..open - from)).start;
        self.buffer.truncate(self.from + open);
        self.cut();
        Plan { swaps, open: raw_open }
    }

    fn text(&self) -> &str {
        self.buffer.get(self.from..).unwrap_or_default()
    }

    /// Forgets what does not decide about what follows.
    fn cut(&mut self) {
        let mut from = self.buffer.len().saturating_sub(CONTEXT).max(self.from);
        while from > self.from && !self.buffer.is_char_boundary(from) {
            from -= 1;
        }
        self.from = from;
        if self.from > SPENT {
            self.buffer.drain(..self.from);
            self.from = 0;
        }
    }
}

fn decode_onto(raw: &str, out: &mut String) {
    if memchr(b'\\', raw.as_bytes()).is_none() {
        out.push_str(raw);
    } else {
        escape::decode_onto(raw, out);
    }
}

/// May a whole placeholder stand in this text?
fn may_hold(text: &str, table: &Table) -> bool {
    let bytes = text.as_bytes();
    text.len() >= placeholder::SHORTEST
        && (restore::may_hold(bytes) || (table.is_lenient() && spelling::may_hold(bytes)))
}

/// Where the text begins that may still become a placeholder. In JSON source
/// the quotes around a number's placeholder belong to it.
fn open_tail(text: &str, source: bool, table: &Table) -> Option<usize> {
    let tail = spelling::open_tail(text, table);
    if !(source && table.has_numbers()) {
        return tail;
    }
    // A whole number in quotes: what follows tells a value from a key.
    let quoted = text.trim_end_matches([' ', '\n', '\t', '\r']).strip_suffix('"');
    let whole = quoted.and_then(|text| {
        let start = text.rfind('"')?;
        let number = Placeholder::parse(text.get(start + 1..)?)?.is_number();
        number.then_some(start)
    });
    // A quote with which one may begin.
    let head = text.get(..tail.unwrap_or(text.len())).unwrap_or_default();
    let quote = head.ends_with('"') && tail.is_none_or(|at| may_be_number(text.get(at..)));
    whole.or(quote.then(|| head.len() - 1)).or(tail)
}

fn may_be_number(tail: Option<&str>) -> bool {
    tail.is_some_and(|tail| tail.starts_with(NUMBER_PREFIX) || NUMBER_PREFIX.starts_with(tail))
}

/// Is the placeholder at `span` a whole JSON string, and a value rather than a
/// key? `None`: it is no number's.
fn quoted_number(text: &str, span: &Range<usize>) -> Option<bool> {
    let number = text.get(span.clone()).and_then(Placeholder::parse)?.is_number();
    let before = text.get(..span.start).is_some_and(|text| text.ends_with('"'));
    let escaped = text.get(..span.start).is_some_and(|text| text.ends_with("\\\""));
    let after = text.get(span.end..).and_then(|text| text.strip_prefix('"'));
    let next = after.map(|text| text.trim_start_matches([' ', '\n', '\t', '\r']));
    let value = next.is_some_and(|text| text.starts_with([',', '}', ']']));
    number.then_some(before && !escaped && value)
}
