//! Restoring a stream of events: placeholders that are split over events.
//!
//! The model's text arrives in pieces of a few characters, each in an event of
//! its own. The event whose text ends in what may become a placeholder is held,
//! with everything after it but pings, until the next text of its channel (its
//! content block) decides. Then text moves: a placeholder belongs to the event
//! in which it begins. No event is added or removed, and an event whose text
//! does not change is forwarded byte for byte.
//!
//! All texts are kept as they stand in the JSON of their events, escapes and
//! all: half a surrogate pair can thus be moved, and is never decoded alone.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use crate::body::json::Tape;
use crate::body::select::{self, Format, Place};
use crate::body::splice::{Swap, splice};
use crate::body::sse::{Event, Framer, TooLong};
use crate::mask::carried::Carried;
use crate::mask::channel::{Channels, Plan};
use crate::mask::quick::{self, Quick, What};
use crate::mask::restore::{self, Counts};
use crate::mask::table::Table;

/// Events that may wait for one text to go on. No model leaves a word open for
/// so long: what waits then goes out as it is.
const WAITING: usize = 4096;

/// The restorer of one event stream.
pub struct Stream {
    framer: Framer,
    format: Format,
    depth: usize,
    queue: VecDeque<Held>,
    /// Events that have left the queue: the number of its first.
    left: u64,
    channels: Channels,
    /// Of formats whose channels are not known.
    carried: Carried,
    /// Events that had to wait.
    pub held: u64,
}

struct Held {
    event: Event,
    /// What is written instead, when it is not a delta.
    rewritten: Option<Vec<u8>>,
    delta: Option<Delta>,
}

/// The text of an event that may go on in the next.
struct Delta {
    channel: u64,
    /// JSON source, as in `partial_json`.
    source: bool,
    /// Where the text stands in the event's data.
    at: Range<usize>,
    /// Restored already.
    ready: String,
    /// Not decided yet.
    pending: String,
    /// Its last text may still become a placeholder.
    open: bool,
}

impl fmt::Debug for Stream {
    /// No text: the stream holds some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({} events wait)", self.queue.len())
    }
}

impl Stream {
    /// A stream whose events are at most `limit` bytes and nest at most `depth` levels.
    #[must_use]
    pub fn new(format: Format, limit: usize, depth: usize) -> Self {
        let (queue, channels, carried) = Default::default();
        let framer = Framer::new(limit);
        Self { framer, format, depth, queue, left: 0, channels, carried, held: 0 }
    }

    /// Takes bytes of the stream and gives those that are decided.
    pub fn push(
        &mut self,
        bytes: &[u8],
        table: &Table,
        counts: &mut Counts,
    ) -> Result<Vec<u8>, TooLong> {
        self.framer.push(bytes);
        let mut out = Vec::with_capacity(bytes.len());
        loop {
            // What came in pieces is read once it is whole.
            if self.format == Format::Event && (self.framer.is_fresh() || self.framer.is_whole()?) {
                self.pass(table, &mut out);
                if self.short(table, counts, &mut out) {
                    continue;
                }
            }
            match self.framer.event()? {
                Some(event) => self.event(event, table, counts, &mut out),
                None => return Ok(out),
            }
        }
    }

    /// Forwards events as they are, as long as nothing waits and nothing begins.
    fn pass(&mut self, table: &Table, out: &mut Vec<u8>) {
        if !self.queue.is_empty() {
            return;
        }
        let mut rest = self.framer.bytes();
        while let Some(quick) = quick::read(rest) {
            let passes = match quick.what {
                What::State => true,
                What::Text | What::Source => {
                    let context = &mut self.channels.at(quick.channel).context;
                    context.pass(quick.text, quick.what == What::Source, table)
                }
            };
            if !passes {
                break;
            }
            rest = rest.get(quick.len..).unwrap_or_default();
        }
        let passed = self.framer.bytes().len() - rest.len();
        if passed > 0 {
            out.extend_from_slice(self.framer.bytes().get(..passed).unwrap_or_default());
            self.framer.skip(passed);
        }
    }

    /// Takes a delta of the usual spelling that waits, or for which others wait.
    fn short(&mut self, table: &Table, counts: &mut Counts, out: &mut Vec<u8>) -> bool {
        let Some(quick) = quick::read(self.framer.bytes()) else { return false };
        if quick.what == What::State {
            return false;
        }
        let Quick { len, channel, data, at, text, what } = quick;
        let at = at - data..at - data + text.len();
        let delta = Delta {
            channel,
            source: what == What::Source,
            at,
            ready: String::new(),
            pending: text.to_owned(),
            open: true,
        };
        let event = Event::single(self.framer.take(len), data);
        self.enter(Held { event, rewritten: None, delta: Some(delta) }, table, counts, out);
        true
    }

    /// The end of the stream: everything that is held goes out.
    #[must_use]
    pub fn finish(&mut self, table: &Table, counts: &mut Counts) -> Vec<u8> {
        let mut out = Vec::new();
        self.decide_all(table, counts);
        if let Some(event) = self.framer.rest() {
            self.queue.push_back(Held { event, rewritten: None, delta: None });
        }
        self.release(&mut out);
        out
    }

    fn event(&mut self, event: Event, table: &Table, counts: &mut Counts, out: &mut Vec<u8>) {
        let Some(data) = event.data() else {
            // A comment, or no UTF-8: nothing of ours, and a sign of life.
            return out.extend_from_slice(event.raw());
        };
        let held = match Tape::parse(&data, self.depth) {
            Ok(tape) => {
                let field = |name| tape.field(tape.root(), name).map(|node| tape.text(node));
                match field("type").as_deref() {
                    Some("ping") => return out.extend_from_slice(event.raw()),
                    Some("content_block_stop") => {
                        let channel = field("index").and_then(|index| index.parse().ok());
                        self.end(channel.unwrap_or_default(), table, counts);
                    }
                    Some("message_delta" | "message_stop" | "error") => {
                        self.decide_all(table, counts);
                    }
                    _ => {}
                }
                self.read(&tape, table, counts)
            }
            Err(_) => (None, None),
        };
        drop(data);
        let (delta, rewritten) = held;
        let rewritten = rewritten.map(|data| event.with_data(&data));
        self.enter(Held { event, rewritten, delta }, table, counts, out);
    }

    /// Puts an event behind those that wait, and writes what is decided then.
    fn enter(&mut self, mut held: Held, table: &Table, counts: &mut Counts, out: &mut Vec<u8>) {
        if let Some(delta) = &mut held.delta {
            self.decide(delta, table, counts);
        }
        self.queue.push_back(held);
        self.release(out);
        if self.queue.len() > WAITING {
            self.decide_all(table, counts);
            self.release(out);
        }
        self.held += u64::from(!self.queue.is_empty());
    }

    /// The event's delta, or its data with what stands whole in it restored.
    fn read(
        &mut self,
        tape: &Tape<'_>,
        table: &Table,
        counts: &mut Counts,
    ) -> (Option<Delta>, Option<String>) {
        if self.format == Format::Event {
            for leaf in select::units(tape, self.format).iter().flatten() {
                let source = match leaf.place {
                    Place::Delta => false,
                    Place::DeltaJson => true,
                    _ => continue,
                };
                let index = tape.field(tape.root(), "index").map(|node| tape.raw(node));
                let delta = Delta {
                    channel: index.and_then(|index| index.parse().ok()).unwrap_or_default(),
                    source,
                    at: tape.span(leaf.node),
                    ready: String::new(),
                    pending: tape.raw(leaf.node).to_owned(),
                    open: true,
                };
                return (Some(delta), None);
            }
            return (None, restore::json(tape.source(), self.format, self.depth, table, counts));
        }
        (None, restore::event(tape, self.format, &mut self.carried, table, counts))
    }

    fn decide_all(&mut self, table: &Table, counts: &mut Counts) {
        let open = self.queue.iter().filter_map(|held| held.delta.as_ref());
        let channels: Vec<u64> = open.filter(|delta| delta.open).map(|d| d.channel).collect();
        for channel in channels {
            self.end(channel, table, counts);
        }
    }

    /// Decides all of a channel's text.
    fn end(&mut self, channel: u64, table: &Table, counts: &mut Counts) {
        let channel = self.channels.at(channel);
        let Some(old) = waiting(&mut self.queue, self.left, channel.open.take()) else { return };
        let joined = std::mem::take(&mut old.pending);
        let plan = channel.context.decide(&joined, old.source, true, table, counts);
        share(&plan, &joined, [(old, joined.len())]);
    }

    /// Decides as much of a channel's text as can be, when its next delta has come. What is
    /// still open then is all in one event.
    fn decide(&mut self, new: &mut Delta, table: &Table, counts: &mut Counts) {
        let channel = self.channels.at(new.channel);
        let own = std::mem::take(&mut new.pending);
        let Some(old) = waiting(&mut self.queue, self.left, channel.open) else {
            let plan = channel.context.decide(&own, new.source, false, table, counts);
            let next = self.left + self.queue.len() as u64;
            share(&plan, &own, [(&mut *new, own.len())]);
            channel.open = new.open.then_some(next);
            return;
        };
        let mut joined = std::mem::take(&mut old.pending);
        let bound = joined.len();
        joined.push_str(&own);
        let plan = channel.context.decide(&joined, old.source, false, table, counts);
        share(&plan, &joined, [(&mut *old, bound), (&mut *new, joined.len())]);
        if !old.open {
            channel.open = new.open.then_some(self.left + self.queue.len() as u64);
        }
    }

    /// Writes the events at the head of the queue that are decided.
    fn release(&mut self, out: &mut Vec<u8>) {
        let open = |held: &Held| held.delta.as_ref().is_some_and(|delta| delta.open);
        while self.queue.front().is_some_and(|held| !open(held)) {
            let Some(held) = self.queue.pop_front() else { return };
            self.left += 1;
            held.write(out);
        }
    }
}

/// The delta of a channel that waits, by the number of its event.
fn waiting(queue: &mut VecDeque<Held>, left: u64, number: Option<u64>) -> Option<&mut Delta> {
    let index = usize::try_from(number?.checked_sub(left)?).ok()?;
    queue.get_mut(index)?.delta.as_mut()
}

/// Gives each delta its part of a text, which goes up to the bound beside it. A swap belongs
/// to the delta in which it begins, and so does all that is open.
fn share<const N: usize>(plan: &Plan, joined: &str, deltas: [(&mut Delta, usize); N]) {
    let (mut at, mut start) = (0, 0);
    let mut swaps = plan.swaps.iter().peekable();
    for (index, (delta, end)) in deltas.into_iter().enumerate() {
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
        let begins = plan.open < end || (index + 1 == N && plan.open < joined.len());
        delta.open = begins && plan.open >= start;
        if delta.open {
            delta.pending.push_str(joined.get(plan.open..).unwrap_or_default());
        }
        start = end;
    }
}

impl Held {
    fn write(&self, out: &mut Vec<u8>) {
        let raw = self.event.raw();
        if let Some(rewritten) = &self.rewritten {
            return out.extend_from_slice(rewritten);
        }
        let Some(delta) = &self.delta else { return out.extend_from_slice(raw) };
        if let Some(line) = self.event.line() {
            let span = line.start + delta.at.start..line.start + delta.at.end;
            let parts = (raw.get(..span.start), raw.get(span.end..));
            if let (Some(before), Some(after)) = parts {
                out.extend_from_slice(before);
                out.extend_from_slice(delta.ready.as_bytes());
                return out.extend_from_slice(after);
            }
        }
        let changed = self
            .event
            .data()
            .filter(|data| data.get(delta.at.clone()) != Some(delta.ready.as_str()));
        let swap = Swap { span: delta.at.clone(), with: delta.ready.as_str() };
        match changed.and_then(|data| splice(&data, &mut [swap]).ok()) {
            Some(data) => out.extend_from_slice(&self.event.with_data(&data)),
            None => out.extend_from_slice(raw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::placeholder::NUMBER_KIND;
    use crate::mask::{MasterKey, Tenant};
    use serde_json::{Value, json};

    struct Bed {
        table: Table,
        ec2: String,
        number: String,
        odd: String,
    }

    const ODD: &str = "pa\"ss\\wörd";

    fn bed() -> Bed {
        let scope = MasterKey::parse(&[b"0123456789abcdef".as_slice(); 4].concat())
            .unwrap()
            .scope(&Tenant::default());
        let mut table = Table::default();
        let mut make = |secret, kind, value| {
            table.assign(&scope, secret, kind, value).unwrap().placeholder.to_string()
        };
        let ec2 = make(false, "EC2", "i-0123456789abcdef0");
        let number = make(false, NUMBER_KIND, "123456789012");
        let odd = make(true, "DB_PASSWORD", ODD);
        Bed { table, ec2, number, odd }
    }

    fn event(data: &Value) -> String {
        let kind = data["type"].as_str().unwrap_or("x");
        format!("event: {kind}\ndata: {data}\n\n")
    }

    /// A stream in which `text` comes in pieces of `size` characters.
    fn stream(text: &str, size: usize, source: bool) -> String {
        let mut out = event(&json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "text", "text": ""}}));
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(size) {
            let piece: String = piece.iter().collect();
            let delta = if source {
                json!({"type": "input_json_delta", "partial_json": piece})
            } else {
                json!({"type": "text_delta", "text": piece})
            };
            out += &event(&json!({"type": "content_block_delta", "index": 1, "delta": delta}));
            out += "event: ping\ndata: {\"type\": \"ping\"}\n\n";
        }
        out += &event(&json!({"type": "content_block_stop", "index": 1}));
        out + &event(&json!({"type": "message_stop"}))
    }

    fn restore(bed: &Bed, chunks: &[&[u8]]) -> String {
        let mut stream = Stream::new(Format::Event, 1 << 20, 32);
        let mut counts = Counts::default();
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend(stream.push(chunk, &bed.table, &mut counts).unwrap());
        }
        out.extend(stream.finish(&bed.table, &mut counts));
        String::from_utf8(out).unwrap()
    }

    /// The text that a client reads, and how many events it got.
    fn read(stream: &str) -> (String, usize) {
        let mut text = String::new();
        let events: Vec<&str> = stream.split_terminator("\n\n").collect();
        for event in &events {
            let data = event.split_once("data: ").unwrap().1;
            let data: Value = serde_json::from_str(data).unwrap();
            let delta = &data["delta"];
            text += delta["text"].as_str().or(delta["partial_json"].as_str()).unwrap_or_default();
        }
        (text, events.len())
    }

    #[test]
    fn text_in_any_pieces_is_restored_exactly() {
        let bed = bed();
        let masked = format!(
            "see {0}, {0}. {1}\n`{2}` AWS_REGION x{0} {0}x AWS_EC2_ {0}",
            bed.ec2, bed.number, bed.odd
        );
        let expected = masked
            .replace(&format!("x{}", bed.ec2), "\u{1}")
            .replace(&format!("{}x", bed.ec2), "\u{2}")
            .replace(&bed.ec2, "i-0123456789abcdef0")
            .replace(&bed.number, "123456789012")
            .replace(&bed.odd, ODD)
            .replace('\u{1}', &format!("x{}", bed.ec2))
            .replace('\u{2}', &format!("{}x", bed.ec2));
        for size in 1..40 {
            let source = stream(&masked, size, false);
            let restored = restore(&bed, &[source.as_bytes()]);
            let (text, events) = read(&restored);
            assert_eq!(text, expected, "pieces of {size}");
            assert_eq!(events, read(&source).1, "no event is added or removed");
            let bytes: Vec<&[u8]> = source.as_bytes().chunks(7).collect();
            assert_eq!(restore(&bed, &bytes), restored, "chunks play no role");
        }
    }

    #[test]
    fn json_source_keeps_its_escapes_and_numbers() {
        let bed = bed();
        let masked = format!(
            r#"{{"a": "{0}", "n": "{1}", "{1}": 1, "l": ["{1}" , "x {1}"], "p": "{2}", "q": "\n{0}\n"}}"#,
            bed.ec2, bed.number, bed.odd
        );
        let expected = json!({"a": "i-0123456789abcdef0", "n": 123_456_789_012_u64, "123456789012": 1,
            "l": [123_456_789_012_u64, "x 123456789012"], "p": ODD, "q": "\ni-0123456789abcdef0\n"});
        for size in 1..60 {
            let source = stream(&masked, size, true);
            let (text, events) = read(&restore(&bed, &[source.as_bytes()]));
            let value: Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{size} {e}: {text}"));
            assert_eq!(value, expected, "pieces of {size}");
            assert_eq!(events, read(&source).1);
        }
    }

    #[test]
    fn only_what_may_become_a_placeholder_waits() {
        let bed = bed();
        let mut stream = Stream::new(Format::Event, 1 << 20, 32);
        let mut counts = Counts::default();
        let mut push = |text: &str| {
            let delta = json!({"type": "text_delta", "text": text});
            let source = event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}));
            let out = stream.push(source.as_bytes(), &bed.table, &mut counts).unwrap();
            (String::from_utf8(out).unwrap() == source, stream.queue.len())
        };
        assert_eq!(push("plain text"), (true, 0));
        assert_eq!(push("ends in an A"), (false, 1));
        assert_eq!(push("nd goes on"), (false, 0));
    }

    #[test]
    fn what_is_cut_off_goes_out_as_it_is() {
        let bed = bed();
        for end in 1..bed.ec2.len() {
            let source = stream(bed.ec2.split_at(end).0, 2, false);
            for cut in [source.len(), source.len() - 1, source.len() / 2] {
                let (head, _) = source.split_at(cut);
                let restored = restore(&bed, &[head.as_bytes()]);
                assert_eq!(restored.len(), head.len(), "{end} {cut}");
                if cut == source.len() {
                    assert_eq!(read(&restored), read(head), "{end}");
                }
            }
        }
    }

    #[test]
    fn half_a_character_is_never_decoded_alone() {
        let bed = bed();
        let delta = |text: &str| {
            format!(
                "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
            )
        };
        let (a, b) = bed.ec2.split_at(9);
        let source = delta(&format!("\\ud83d{a}"))
            + &delta(&format!("{b}\\ude00 \\ud83d"))
            + &delta("\\ude00");
        let restored = restore(&bed, &[source.as_bytes()]);
        let expected =
            delta("\\ud83di-0123456789abcdef0") + &delta("\\ude00 \\ud83d") + &delta("\\ude00");
        assert_eq!(restored, expected);
    }

    #[test]
    fn thinking_is_never_touched() {
        let bed = bed();
        let delta = json!({"type": "thinking_delta", "thinking": bed.ec2});
        let source = event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
            + &event(&json!({"type": "content_block_start", "index": 1, "content_block":
                {"type": "web_search_tool_result", "content": [{"type": "web_search_result",
                "title": bed.ec2, "encrypted_content": bed.ec2}]}}));
        let restored = restore(&bed, &[source.as_bytes()]);
        assert_eq!(restored.matches(&bed.ec2).count(), 2);
        assert_eq!(restored.matches("i-0123456789abcdef0").count(), 1);
    }
}
