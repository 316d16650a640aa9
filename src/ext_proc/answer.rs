//! One answer, restored as it comes: no I/O, no clock.

use std::fmt;
use std::str::from_utf8;
use std::sync::Arc;

use crate::body::encoding::{Coding, CodingError, Inflater};
use crate::body::frame::{FrameError, Framing};
use crate::body::json::{Shape, Tape};
use crate::body::select::Format;
use crate::body::{eventstream, items, sse};
use crate::ext_proc::answer::kept::{Kept, KeptStream, whole};
use crate::ext_proc::answer::sniff::sniff;
use crate::ext_proc::endpoint::Endpoint;
use crate::ext_proc::headers::{Headers, Media};
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::talk::Said;
use crate::mask::conversation::{Call, Verify};
use crate::mask::plain::Plain;
use crate::mask::restore::Counts;
use crate::mask::stream::Stream;
use crate::mask::table::Table;
use crate::mask::{Placeholder, Value, document};
use crate::telemetry::labels::Unread;

mod kept;
mod sniff;

/// The restorer of one answer.
#[derive(Debug)]
pub struct Answer {
    table: Arc<Table>,
    inflater: Option<Inflater>,
    body: Body,
    pub counts: Counts,
    limit: usize,
    depth: usize,
    /// What the provider calls an answer that it keeps, if it came whole, and the calls in it.
    name: Option<String>,
    calls: Vec<Call>,
}

enum Body {
    Stream(Box<Stream>),
    /// Held to its end.
    Whole(Format, Vec<u8>, Option<Box<Verify>>),
    /// Line by line; what is held is a line without its end.
    Lines(Format, Vec<u8>),
    Text(Box<Plain>),
    /// Of what the provider kept: placeholders of earlier exchanges are in it.
    Kept(Box<Kept>),
    KeptStream(Box<KeptStream>),
    /// Its first bytes tell what it is.
    Sniffed(Box<Reader>, Vec<u8>),
    /// They told nothing: it passes.
    Unread,
}

/// How an answer is restored, once it is known what it is.
#[derive(Debug)]
struct Reader {
    endpoint: Endpoint,
    verify: Option<Box<Verify>>,
    limit: usize,
    depth: usize,
}

impl Reader {
    /// None: of a type that is not looked into.
    fn body(self, media: &Media) -> Option<Body> {
        let Self { endpoint, verify, limit, depth } = self;
        let stream = |framing: &dyn Fn() -> Framing, verify| {
            if endpoint.state {
                Body::KeptStream(Box::new(KeptStream::new(framing, endpoint.event, depth)))
            } else {
                let stream = Stream::framed(framing(), endpoint.event, depth);
                Body::Stream(Box::new(stream.with_verify(verify)))
            }
        };
        let kept = |format, lines| Body::Kept(Box::new(Kept::new(format, lines)));
        Some(match media {
            Media::JsonLines | Media::Text | Media::Binary if endpoint.state => {
                kept(endpoint.line, true)
            }
            Media::EventStream => stream(&|| Framing::Sse(sse::Framer::new(limit)), verify),
            Media::Messages => {
                stream(&|| Framing::Messages(eventstream::Framer::new(limit)), verify)
            }
            Media::Json if endpoint.array => {
                stream(&|| Framing::Items(items::Framer::new(limit)), verify)
            }
            Media::Json if endpoint.state => kept(endpoint.answer, false),
            Media::Json => Body::Whole(endpoint.answer, Vec::new(), verify),
            Media::JsonLines => Body::Lines(endpoint.line, Vec::new()),
            Media::Text => Body::Text(Box::default()),
            Media::Form(_) | Media::Charset | Media::None | Media::Binary | Media::Other => {
                return None;
            }
        })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream(_) => "Stream",
            Self::Whole(..) => "Whole",
            Self::Lines(..) => "Lines",
            Self::Text(_) => "Text",
            Self::Kept(_) => "Kept",
            Self::KeptStream(_) => "KeptStream",
            Self::Sniffed(..) => "Sniffed",
            Self::Unread => "Unread",
        })
    }
}

impl Answer {
    /// The restorer for an answer with these headers. `None`: nothing is to be restored in it.
    pub fn new(
        headers: &Headers,
        endpoint: Endpoint,
        table: Arc<Table>,
        verify: Option<Verify>,
        limit: usize,
        depth: usize,
    ) -> Result<Option<Self>, Unread> {
        if table.is_empty() && !endpoint.state && verify.is_none() {
            return Ok(None);
        }
        let coding = Coding::parse(&headers.joined("content-encoding"));
        let coding = coding.map_err(|_| Unread::Coding)?;
        let reader = Reader { endpoint, verify: verify.map(Box::new), limit, depth };
        let body = match headers.media() {
            Media::Binary if endpoint.state => reader.body(&Media::Binary),
            // Whatever it is called: the request was masked.
            Media::None | Media::Binary => Some(Body::Sniffed(Box::new(reader), Vec::new())),
            media => reader.body(&media),
        };
        let body = body.ok_or(Unread::MediaType)?;
        // A stream may inflate to any size; what is held has limits of its own.
        let inflater = coding.map(|coding| Inflater::new(coding, usize::MAX));
        let (counts, name, calls) = Default::default();
        Ok(Some(Self { table, inflater, body, counts, limit, depth, name, calls }))
    }

    /// Are the headers held until the answer is whole?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match &self.body {
            Body::Whole(..) | Body::Sniffed(..) => true,
            Body::Kept(kept) => !kept.lines,
            Body::Stream(_)
            | Body::KeptStream(_)
            | Body::Lines(..)
            | Body::Text(_)
            | Body::Unread => false,
        }
    }

    /// Placeholders that the store must be asked for before [`Answer::decide`].
    #[must_use]
    pub fn unknown(&self) -> Vec<Placeholder> {
        let mut unknown = match &self.body {
            Body::Kept(kept) => document::placeholders(&String::from_utf8_lossy(&kept.ready)),
            Body::KeptStream(kept) => kept.sought.sought().into_iter().collect(),
            _ => return Vec::new(),
        };
        unknown.retain(|placeholder| self.table.original(placeholder.as_str()).is_none());
        unknown
    }

    /// What the store knows of them.
    pub fn reveal(&mut self, revealed: Vec<(Placeholder, Option<Value>)>) {
        let Some(table) = Arc::get_mut(&mut self.table) else { return };
        for (placeholder, value) in revealed {
            if let Some(value) = value {
                table.reveal(placeholder, value);
            }
        }
    }

    /// Is it of what the provider kept?
    #[must_use]
    pub fn is_kept(&self) -> bool {
        matches!(self.body, Body::Kept(_))
    }

    /// What of it is kept, since this was asked last.
    #[must_use]
    pub fn said(&mut self) -> Said {
        let calls = match &mut self.body {
            Body::Stream(stream) => stream.calls(),
            Body::KeptStream(kept) => kept.scout.calls(),
            _ => &mut self.calls,
        };
        let calls = std::mem::take(calls);
        let verify = match &mut self.body {
            Body::Whole(_, _, verify) => verify.as_deref_mut(),
            Body::Stream(stream) => stream.verify(),
            _ => None,
        };
        let (found, message) =
            verify.map(|verify| (verify.take(), verify.message())).unwrap_or_default();
        Said { found, calls, message }
    }

    /// What the provider calls an answer that it keeps, as soon as it says it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.body {
            Body::Stream(stream) => stream.name(),
            Body::KeptStream(kept) => kept.scout.name(),
            _ => self.name.as_deref(),
        }
    }

    /// What waited for [`Answer::unknown`].
    pub fn decide(&mut self) -> Vec<u8> {
        match &mut self.body {
            Body::Kept(kept) => kept.restore(self.depth, &self.table, &mut self.counts),
            Body::KeptStream(kept) => kept.restore(&self.table, &mut self.counts),
            _ => Vec::new(),
        }
    }

    /// Was the answer compressed?
    #[must_use]
    pub fn is_inflated(&self) -> bool {
        self.inflater.is_some()
    }

    /// Events that had to wait.
    #[must_use]
    pub fn held_events(&self) -> u64 {
        match &self.body {
            Body::Stream(stream) => stream.held,
            Body::KeptStream(kept) => kept.stream.held,
            _ => 0,
        }
    }

    /// Was an event damaged? Then the rest passed as it came.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        match &self.body {
            Body::Stream(stream) => stream.damaged,
            Body::KeptStream(kept) => kept.stream.damaged,
            _ => false,
        }
    }

    /// Did it begin like nothing that is restored? Then it passes as it comes.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        matches!(self.body, Body::Unread)
    }

    /// Takes bytes of the answer and gives what is decided.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        let inflated = match &mut self.inflater {
            Some(inflater) => Some(inflater.push(bytes).map_err(damaged)?),
            None => None,
        };
        self.take(inflated.as_deref().unwrap_or(bytes))
    }

    /// The end of the answer.
    pub fn finish(&mut self) -> Result<Vec<u8>, Reason> {
        let mut out = Vec::new();
        if let Some(mut inflater) = self.inflater.take() {
            let rest = inflater.finish().map_err(damaged)?;
            out = self.take(&rest)?;
        }
        let (table, counts) = (&self.table, &mut self.counts);
        match &mut self.body {
            Body::Stream(stream) => out.extend(stream.finish(table, counts)),
            Body::Whole(format, held, verify) => {
                let held = std::mem::take(held);
                (self.name, self.calls) = kept(&held, *format, self.depth);
                let wrote = verify.as_ref().map(|_| held.clone());
                let gave = whole(held, *format, self.depth, table, counts);
                if let (Some(verify), Some(wrote)) = (verify, wrote)
                    && let (Ok(wrote), Ok(gave)) = (from_utf8(&wrote), from_utf8(&gave))
                {
                    verify.answer(*format, wrote, gave);
                }
                out.extend(gave);
            }
            Body::Lines(format, held) => {
                let held = std::mem::take(held);
                out.extend(whole(held, *format, self.depth, table, counts));
            }
            Body::Text(plain) => plain.take(&[], true, table, counts, &mut out),
            Body::Kept(kept) => {
                kept.take(&[], true);
                (self.name, self.calls) = self::kept(&kept.ready, kept.format, self.depth);
            }
            Body::KeptStream(kept) => kept.finish(),
            Body::Sniffed(_, held) => out.append(held),
            Body::Unread => {}
        }
        Ok(out)
    }

    /// Decides by the first bytes what it is. Gives what came until then, if that is known now.
    fn sniffed(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let Body::Sniffed(_, held) = &mut self.body else { return None };
        held.extend_from_slice(bytes);
        let media = sniff(held)?;
        let Body::Sniffed(reader, held) = std::mem::replace(&mut self.body, Body::Unread) else {
            return None;
        };
        if let Some(body) = reader.body(&media) {
            self.body = body;
        }
        Some(held)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        if matches!(self.body, Body::Sniffed(..)) {
            let held = self.sniffed(bytes);
            return held.map_or_else(|| Ok(Vec::new()), |held| self.take(&held));
        }
        let (table, counts) = (&self.table, &mut self.counts);
        let mut out = Vec::new();
        let held = match &mut self.body {
            Body::Stream(stream) => {
                return stream.push(bytes, table, counts).map_err(broken);
            }
            Body::KeptStream(kept) => {
                kept.take(bytes).map_err(broken)?;
                0
            }
            Body::Whole(_, held, _) => {
                held.extend_from_slice(bytes);
                held.len()
            }
            Body::Lines(format, held) => {
                for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
                    held.extend_from_slice(piece);
                    if piece.ends_with(b"\n") {
                        let line = std::mem::take(held);
                        out.extend(whole(line, *format, self.depth, table, counts));
                    }
                }
                held.len()
            }
            Body::Kept(kept) => {
                kept.take(bytes, false);
                kept.held.len()
            }
            Body::Text(plain) => {
                plain.take(bytes, false, table, counts, &mut out);
                plain.len()
            }
            Body::Sniffed(..) | Body::Unread => {
                out.extend_from_slice(bytes);
                0
            }
        };
        if held > self.limit { Err(Reason::AnswerTooLarge(self.limit)) } else { Ok(out) }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn broken(error: FrameError) -> Reason {
    match error {
        FrameError::TooLong(limit) => Reason::AnswerTooLarge(limit),
        FrameError::Damaged => Reason::AnswerDamaged,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn damaged(error: CodingError) -> Reason {
    match error {
        CodingError::TooLarge(limit) => Reason::AnswerTooLarge(limit),
        _ => Reason::AnswerDamaged,
    }
}

/// What the provider calls this answer, if later requests may name it, and the calls in it.
fn kept(bytes: &[u8], format: Format, depth: usize) -> (Option<String>, Vec<Call>) {
    let source = from_utf8(bytes).ok().filter(|_| format == Format::Responses);
    let Some(tape) = source.and_then(|source| Tape::parse(source, depth).ok()) else {
        return Default::default();
    };
    let id = tape.field(tape.root(), "id").filter(|&id| tape.shape(id) == Shape::String);
    (id.map(|id| tape.text(id).into_owned()), Call::all(&tape))
}
