//! Restoring a stream of events: placeholders that are split over events.
//!
//! The model's text arrives in pieces of a few characters, each in an event of
//! its own. The event whose text ends in what may become a placeholder is held,
//! with everything after it but pings, until the next text of its channel (its
//! content block, its choice, its item) decides. Then text moves: a placeholder
//! belongs to the event in which it begins. No event is added or removed, and an
//! event whose text does not change is forwarded byte for byte.
//!
//! All texts are kept as they stand in the JSON of their events, escapes and
//! all: half a surrogate pair can thus be moved, and is never decoded alone.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::body::frame::{Frame, FrameError, Framing};
use crate::body::json::{Shape, Tape};
use crate::body::select::{self, End, Format, Leaf, Piece, Place};
use crate::body::splice::Swap;
use crate::body::sse::{Event, Framer};
use crate::mask::care::Spot;
use crate::mask::carried::{self, Carried};
use crate::mask::channel::Channels;
use crate::mask::conversation::{Call, Verify};
use crate::mask::held::{Delta, Held, share, waiting};
use crate::mask::offsets;
use crate::mask::quick::{self, Quick, What};
use crate::mask::restore::{self, Counts};
use crate::mask::table::Table;

/// Events that may wait for one text to go on. No model leaves a word open for
/// so long: what waits then goes out as it is.
const WAITING: usize = 4096;

/// The restorer of one event stream.
pub struct Stream {
    framing: Framing,
    format: Format,
    depth: usize,
    queue: VecDeque<Held>,
    /// Events that have left the queue: the number of its first.
    left: u64,
    channels: Channels,
    /// Of formats whose channels are not known.
    carried: Carried,
    verify: Option<Box<Verify>>,
    /// What the provider calls the answer, if later requests may name it.
    name: Option<String>,
    /// The calls in such an answer.
    calls: Vec<Call>,
    /// Events that had to wait.
    pub held: u64,
    /// An event was damaged: from there on all bytes pass as they come, for the client to
    /// see it.
    pub damaged: bool,
}

impl fmt::Debug for Stream {
    /// No text: the stream holds some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({} events wait)", self.queue.len())
    }
}

/// What an event's pieces do, in their order.
enum Step {
    /// This text goes on.
    Text(usize),
    End(End),
}

impl Step {
    fn end(&self) -> Option<End> {
        match *self {
            Self::End(end) => Some(end),
            Self::Text(_) => None,
        }
    }
}

impl Stream {
    /// A stream of server-sent events, which are at most `limit` bytes and nest at most
    /// `depth` levels.
    #[must_use]
    pub fn new(format: Format, limit: usize, depth: usize) -> Self {
        Self::framed(Framing::Sse(Framer::new(limit)), format, depth)
    }

    /// A stream with any framing.
    #[must_use]
    pub fn framed(framing: Framing, format: Format, depth: usize) -> Self {
        let (queue, carried) = Default::default();
        let channels = Channels::new(offsets::count(format));
        let (left, held, damaged) = (0, 0, false);
        let (verify, name, calls) = Default::default();
        Self {
            framing,
            format,
            depth,
            queue,
            left,
            channels,
            carried,
            verify,
            name,
            calls,
            held,
            damaged,
        }
    }

    /// Its blocks are compared with what the client gets, where the format is known.
    #[must_use]
    pub fn with_verify(self, verify: Option<Box<Verify>>) -> Self {
        let compared = [
            Format::Event,
            Format::Invoke,
            Format::Chat,
            Format::ResponsesEvent,
            Format::ConverseEvent,
            Format::Gemini,
        ];
        Self { verify: verify.filter(|_| compared.contains(&self.format)), ..self }
    }

    /// What was compared.
    pub fn verify(&mut self) -> Option<&mut Verify> {
        self.verify.as_deref_mut()
    }

    /// What the provider calls the answer, if later requests may name it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The calls in such an answer, as the model wrote them, which nobody has taken yet.
    pub fn calls(&mut self) -> &mut Vec<Call> {
        &mut self.calls
    }

    /// Takes bytes of the stream and gives those that are decided.
    pub fn push(
        &mut self,
        bytes: &[u8],
        table: &Table,
        counts: &mut Counts,
    ) -> Result<Vec<u8>, FrameError> {
        if self.damaged {
            return Ok(bytes.to_vec());
        }
        self.framing.push(bytes);
        let mut out = Vec::with_capacity(bytes.len());
        loop {
            if self.usual(table, counts, &mut out)? {
                continue;
            }
            match self.framing.frame() {
                Ok(Some(frame)) => self.event(frame, table, counts, &mut out),
                Ok(None) => return Ok(out),
                Err(FrameError::Damaged) => {
                    self.damaged = true;
                    out.extend(self.finish(table, counts));
                    return Ok(out);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The short way, as far as it goes. True: it took an event of the usual spelling.
    fn usual(
        &mut self,
        table: &Table,
        counts: &mut Counts,
        out: &mut Vec<u8>,
    ) -> Result<bool, FrameError> {
        let (Framing::Sse(framer), Format::Event) = (&mut self.framing, self.format) else {
            return Ok(false);
        };
        // What came in pieces is read once it is whole.
        if !framer.is_fresh() && !framer.is_whole()? {
            return Ok(false);
        }
        if self.queue.is_empty() {
            pass(framer, &mut self.channels, self.verify.as_deref_mut(), table, out);
        }
        let Some(quick) = quick::read(framer.bytes()) else { return Ok(false) };
        if quick.what == What::State {
            return Ok(false);
        }
        let Quick { len, channel, data, at, text, what } = quick;
        let source = what == What::Source;
        let at = at - data..at - data + text.len();
        let delta = Delta::new(channel << 32, source, source, at, text);
        let frame = Frame::Sse(Event::single(framer.take(len), data));
        let held = Held { deltas: vec![delta], ..Held::plain(frame) };
        self.enter(held, &[Step::Text(0)], table, counts, out);
        Ok(true)
    }

    /// The end of the stream: everything that is held goes out.
    #[must_use]
    pub fn finish(&mut self, table: &Table, counts: &mut Counts) -> Vec<u8> {
        let mut out = Vec::new();
        self.end(End::All, table, counts);
        self.release(&mut out);
        if let Some(verify) = &mut self.verify {
            verify.end(End::All);
        }
        if let Some(frame) = self.framing.rest() {
            self.queue.push_back(Held::plain(frame));
        }
        self.release(&mut out);
        out
    }

    fn event(&mut self, frame: Frame, table: &Table, counts: &mut Counts, out: &mut Vec<u8>) {
        // A comment, or no UTF-8: nothing of ours.
        if frame.is_sign_of_life() {
            return out.extend_from_slice(frame.raw());
        }
        let (mut swaps, mut deltas, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        let mut moving = Vec::new();
        let data = frame.data().unwrap_or_default();
        if let Ok(tape) = Tape::parse(&data, self.depth) {
            let mut leaves = Vec::new();
            for piece in select::pieces(&tape, self.format, frame.name()) {
                match piece {
                    Piece::Leaf(leaf) => leaves.push(leaf),
                    // As model state, of which nothing is touched.
                    Piece::Delta { leaf, .. }
                        if leaf.place == Place::Thought && !table.shows_thinking() => {}
                    Piece::Delta { leaf, source, channel } => {
                        steps.push(Step::Text(deltas.len()));
                        let (at, text) = (tape.span(leaf.node), tape.raw(leaf.node));
                        let delta = Delta::new(channel, source, leaf.tool, at, text);
                        // Of Gemini's events is compared what the model wrote in each.
                        let compared = self.format == Format::Gemini && self.verify.is_some();
                        deltas.push(if compared { delta.remembering() } else { delta });
                    }
                    Piece::End(End::Ping) => return out.extend_from_slice(frame.raw()),
                    Piece::End(end) => steps.push(Step::End(end)),
                    Piece::Unknown => counts.blocks += 1,
                }
            }
            swaps = self.whole(&tape, &leaves, table, counts);
            moving = offsets::streamed(&tape, self.format);
            if let Some(verify) = &mut self.verify {
                verify.event(&tape);
            }
            if self.format == Format::ResponsesEvent {
                self.name = self.name.take().or_else(|| named(&tape));
                self.calls.extend(Call::ended(&tape));
            }
        } else if data.trim() == "[DONE]" {
            steps.push(Step::End(End::All));
        }
        drop(data);
        let held = Held { frame, swaps, deltas, offsets: moving, ends: Vec::new() };
        self.enter(held, &steps, table, counts, out);
    }

    /// Restores what stands whole in an event.
    fn whole(
        &mut self,
        tape: &Tape<'_>,
        leaves: &[Leaf],
        table: &Table,
        counts: &mut Counts,
    ) -> Vec<Swap<String>> {
        // Of formats whose channels are not known, texts may go on, and with them URLs.
        let format = select::resolved(tape, self.format);
        let goes_on = table.care().is_some() && matches!(format, Format::Other | Format::Free);
        let mut swaps = Vec::new();
        if leaves.is_empty()
            || !(goes_on || restore::may_hold_escaped(tape.source().as_bytes(), table))
        {
            return swaps;
        }
        let places = if goes_on { carried::places(tape) } else { BTreeMap::new() };
        for leaf in leaves {
            let place = places.get(&leaf.node);
            let url = place.map(|&place| self.carried.at(place, leaf.tool));
            restore::place(tape, leaf, url, table, counts, &mut swaps);
        }
        offsets::adjust(tape, self.format, &mut swaps);
        swaps
    }

    /// Puts an event behind those that wait, and writes what is decided then.
    fn enter(
        &mut self,
        mut held: Held,
        steps: &[Step],
        table: &Table,
        counts: &mut Counts,
        out: &mut Vec<u8>,
    ) {
        let number = self.left + self.queue.len() as u64;
        if let Some(verify) = &mut self.verify {
            let wrote = |delta: &Delta| {
                verify.wrote(self.format, delta.channel, delta.source, &delta.pending);
            };
            held.deltas.iter().for_each(wrote);
            held.ends.extend(steps.iter().filter_map(Step::end));
        }
        self.queue.push_back(held);
        for step in steps {
            match *step {
                Step::Text(index) => self.decide((number, index), table, counts),
                Step::End(end) => self.end(end, table, counts),
            }
        }
        self.release(out);
        if self.queue.len() > WAITING {
            self.end(End::All, table, counts);
            self.release(out);
        }
        self.held += u64::from(!self.queue.is_empty());
    }

    /// Decides all that is open of the channels that end.
    fn end(&mut self, end: End, table: &Table, counts: &mut Counts) {
        for number in self.channels.open() {
            if end.holds(number) {
                self.end_channel(number, table, counts);
            }
        }
    }

    fn end_channel(&mut self, channel: u64, table: &Table, counts: &mut Counts) {
        let channel = self.channels.at(channel);
        let Some(old) = waiting(&mut self.queue, self.left, channel.open.take()) else { return };
        let joined = std::mem::take(&mut old.pending);
        let spot = Spot { tool: old.tool, source: old.source, end: true };
        let plan = channel.context.decide(&joined, spot, table, counts);
        share(&plan, &joined, [(old, joined.len())]);
    }

    /// Decides as much of a channel's text as can be, when its next delta has come. What is
    /// still open then is all in one event.
    fn decide(&mut self, at: (u64, usize), table: &Table, counts: &mut Counts) {
        let Some(mut new) = waiting(&mut self.queue, self.left, Some(at)).map(std::mem::take)
        else {
            return;
        };
        let channel = self.channels.at(new.channel);
        let spot = Spot { tool: new.tool, source: new.source, end: false };
        let own = std::mem::take(&mut new.pending);
        if let Some(old) = waiting(&mut self.queue, self.left, channel.open) {
            let mut joined = std::mem::take(&mut old.pending);
            let bound = joined.len();
            joined.push_str(&own);
            let plan = channel.context.decide(&joined, spot, table, counts);
            share(&plan, &joined, [(&mut *old, bound), (&mut new, joined.len())]);
            if !old.open {
                channel.open = new.open.then_some(at);
            }
        } else {
            let plan = channel.context.decide(&own, spot, table, counts);
            share(&plan, &own, [(&mut new, own.len())]);
            channel.open = new.open.then_some(at);
        }
        if let Some(place) = waiting(&mut self.queue, self.left, Some(at)) {
            *place = new;
        }
    }

    /// Writes the events at the head of the queue that are decided.
    fn release(&mut self, out: &mut Vec<u8>) {
        while self.queue.front().is_some_and(|held| !held.is_open()) {
            let Some(mut held) = self.queue.pop_front() else { return };
            self.left += 1;
            if let Some(verify) = &mut self.verify {
                held.tell(self.format, verify);
            }
            held.settle(&self.channels);
            held.write(out);
        }
    }
}

/// The id of the answer, of which some events tell.
fn named(tape: &Tape<'_>) -> Option<String> {
    let id = tape.field(tape.field(tape.root(), "response")?, "id")?;
    (tape.shape(id) == Shape::String).then(|| tape.text(id).into_owned())
}

/// Forwards events as they are, as long as nothing waits and nothing begins.
fn pass(
    framer: &mut Framer,
    channels: &mut Channels,
    mut verify: Option<&mut Verify>,
    table: &Table,
    out: &mut Vec<u8>,
) {
    let mut rest = framer.bytes();
    while let Some(quick) = quick::read(rest) {
        let passes = match quick.what {
            What::State => !table.shows_thinking(),
            What::Text | What::Source => {
                let context = &mut channels.at(quick.channel << 32).context;
                context.pass(quick.text, quick.what == What::Source, table)
            }
        };
        if !passes {
            break;
        }
        if let Some(verify) = verify.as_mut().filter(|_| quick.what != What::State) {
            let source = quick.what == What::Source;
            verify.wrote(Format::Event, quick.channel << 32, source, quick.text);
            verify.gave(quick.channel << 32, quick.text);
        }
        rest = rest.get(quick.len..).unwrap_or_default();
    }
    let passed = framer.bytes().len() - rest.len();
    if passed > 0 {
        out.extend_from_slice(framer.bytes().get(..passed).unwrap_or_default());
        framer.skip(passed);
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
