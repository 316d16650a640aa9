//! What the client gets must come back as the model wrote it: each block of an answer is
//! masked again, as it will be when the conversation comes again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::body::escape;
use crate::body::json::Tape;
use crate::body::select::{End, Format};
use crate::detect::Known;
use crate::mask::Scope;
use crate::mask::conversation::blocks::{self, Block};
use crate::mask::conversation::identity;
use crate::mask::conversation::originals::{Original, Originals};
use crate::mask::conversation::partial::{self, Call};
use crate::mask::conversation::parts::{Kind, LONGEST, Part, Parts, THOUGHT};
use crate::mask::masker::{Around, Masker, Session};
use crate::mask::table::Table;

/// Nor are more that are open at a time.
const OPEN: usize = 64;

/// What a request leaves behind for its answer.
pub struct Verify {
    masker: Masker,
    scope: Scope,
    known: Known,
    table: Arc<Table>,
    /// What is kept already.
    originals: Originals,
    /// Blocks of the model so far.
    at: u32,
    open: BTreeMap<u64, Part>,
    /// Of the blocks of this answer.
    digests: Vec<u64>,
    /// Of a stream of parts: see [`Verify::chunk`].
    parts: Parts,
    found: Vec<Original>,
    whole: bool,
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verify({} blocks)", self.digests.len())
    }
}

impl Verify {
    /// Behind a request of this conversation that was masked with these mappings and names.
    #[must_use]
    pub fn new(
        masker: Masker,
        scope: Scope,
        known: Known,
        table: Arc<Table>,
        originals: Originals,
        at: u32,
    ) -> Self {
        // Its keys do not tell what came before.
        let around = Around { thinking: true, ..masker.around };
        let masker = Masker { resent: None, around, ..masker };
        let (open, digests, parts, found) = Default::default();
        let whole = false;
        Self { masker, scope, known, table, originals, at, open, digests, parts, found, whole }
    }

    /// What was found since this was asked last.
    #[must_use]
    pub fn take(&mut self) -> Vec<Original> {
        std::mem::take(&mut self.found)
    }

    /// The digest of the message, when it is whole.
    #[must_use]
    pub fn message(&self) -> Option<[u8; 32]> {
        let digests = self.digests.iter().copied();
        (self.whole && !self.digests.is_empty()).then(|| identity::digest(digests, &self.scope))
    }

    /// A whole answer and what became of it.
    pub fn answer(&mut self, format: Format, wrote: &str, gave: &str) {
        if format == Format::Gemini {
            self.chunk(wrote, gave);
        } else {
            for (wrote, gave, signature) in self.thoughts(wrote, gave) {
                self.thought(&wrote, &gave, &signature);
            }
            for (kind, wrote, gave) in self.pairs(wrote, gave) {
                self.block(kind, &wrote, &gave);
            }
        }
        self.end(End::All);
    }

    /// The blocks of an answer, and what the client gets of each.
    fn pairs(&self, wrote: &str, gave: &str) -> Vec<(Kind, String, String)> {
        let depth = self.masker.limits.depth;
        let (Ok(wrote), Ok(gave)) = (Tape::parse(wrote, depth), Tape::parse(gave, depth)) else {
            return Vec::new();
        };
        let blocks = |tape: &Tape<'_>| -> Vec<Block> {
            let messages = blocks::answered(tape).into_iter();
            messages.flat_map(|message| blocks::blocks(tape, message)).collect()
        };
        let pair = |(own, given): (Block, Block)| {
            let kind = match own {
                Block::Text(_) => Kind::Text,
                Block::Json(_) => Kind::Json,
                Block::Source(_) => Kind::Source,
            };
            let text = |tape: &Tape<'_>, block: Block| {
                tape.source().get(block.span(tape)).unwrap_or_default().to_owned()
            };
            (kind, text(&wrote, own), text(&gave, given))
        };
        blocks(&wrote).into_iter().zip(blocks(&gave)).map(pair).collect()
    }

    /// What the model thought in an answer, what the client is shown of it, and the signature.
    fn thoughts(&self, wrote: &str, gave: &str) -> Vec<(String, String, String)> {
        if !self.table.shows_thinking() {
            return Vec::new();
        }
        let depth = self.masker.limits.depth;
        let (Ok(wrote), Ok(gave)) = (Tape::parse(wrote, depth), Tape::parse(gave, depth)) else {
            return Vec::new();
        };
        let thoughts = |tape: &Tape<'_>| -> Vec<_> {
            let messages = blocks::answered(tape).into_iter();
            messages.flat_map(|message| blocks::thoughts(tape, message)).collect()
        };
        let pairs = thoughts(&wrote).into_iter().zip(thoughts(&gave));
        let raw = |tape: &Tape<'_>, node| tape.raw(node).to_owned();
        pairs.map(|(o, g)| (raw(&wrote, o.node), raw(&gave, g.node), o.signature)).collect()
    }

    /// Does a thought come back as the model wrote it? If not, its signature finds it.
    fn thought(&mut self, wrote: &str, gave: &str, signature: &str) {
        if gave.is_empty() || signature.is_empty() {
            return;
        }
        let digest = blocks::thought_digest(signature, &self.scope);
        self.compare(Kind::Thought, digest, 0, wrote, gave);
    }

    /// A part of an answer of Gemini's, or all of it. Some clients send each of its parts back
    /// as it came, others put texts that follow each other together: both are compared.
    pub(crate) fn chunk(&mut self, wrote: &str, gave: &str) {
        let calls = self.calls(wrote, gave);
        for (kind, wrote, gave) in self.pairs(wrote, gave).into_iter().chain(calls) {
            if kind != Kind::Text {
                self.end_text();
            }
            let at = self.parts.at.unwrap_or(self.at);
            self.parts.at = Some(at.saturating_add(1));
            let digest = self.digest(kind, &gave);
            self.compare(kind, digest, at, &wrote, &gave);
            if kind == Kind::Text {
                self.parts.add(&wrote, &gave);
            } else {
                self.block(kind, &wrote, &gave);
            }
        }
    }

    /// The calls that end here and whose arguments came in pieces.
    fn calls(&mut self, wrote: &str, gave: &str) -> Vec<(Kind, String, String)> {
        if !wrote.contains("functionCall") {
            return Vec::new();
        }
        let depth = self.masker.limits.depth;
        let (Ok(wrote), Ok(gave)) = (Tape::parse(wrote, depth), Tape::parse(gave, depth)) else {
            return Vec::new();
        };
        let calls = |tape: &Tape<'_>| partial::calls(tape, &blocks::answered(tape));
        let mut ended = Vec::new();
        for ((own, goes_on), (given, _)) in calls(&wrote).into_iter().zip(calls(&gave)) {
            // Without arguments, and not in pieces: it comes back as it is.
            if self.parts.call.is_none() && !goes_on && wrote.field(own, "partialArgs").is_none() {
                continue;
            }
            let mut call = self.parts.call.take().unwrap_or_default();
            let [wrote_call, gave_call] = &mut call;
            wrote_call.take(&wrote, own);
            gave_call.take(&gave, given);
            if goes_on {
                self.parts.call = Some(call);
                continue;
            }
            let [wrote, gave] = call.map(Call::args);
            ended.extend(wrote.zip(gave).map(|(wrote, gave)| (Kind::Json, wrote, gave)));
        }
        ended
    }

    /// No text follows that belongs to those before.
    fn end_text(&mut self) {
        let Some(Part { kind, wrote, gave, .. }) = self.parts.text.take() else { return };
        self.block(kind, &wrote, &gave);
    }

    /// An event of a stream: what signs a thought, and in the Claude API, a block may begin.
    pub(crate) fn event(&mut self, tape: &Tape<'_>) {
        let field = |name| tape.field(tape.root(), name);
        let Some(index) = field("index").or_else(|| field("contentBlockIndex")) else { return };
        let channel = u64::from(tape.raw(index).parse().unwrap_or(u32::MAX)) << 32;
        let signed = |node| tape.field(node, "signature").map(|own| tape.text(own));
        let reasoning = |delta| tape.field(delta, "reasoningContent").unwrap_or(delta);
        if let Some(signature) = field("delta").map(reasoning).and_then(signed) {
            self.signed(channel | THOUGHT, &signature);
        }
        let Some(block) = field("content_block") else { return };
        let kind = tape.field(block, "type").map(|kind| tape.text(kind));
        match kind.as_deref() {
            Some("text") => self.open(channel, Kind::Text),
            Some("tool_use") => self.open(channel, Kind::Json),
            Some("thinking") if self.table.shows_thinking() => {
                self.open(channel | THOUGHT, Kind::Thought);
                self.signed(channel | THOUGHT, &signed(block).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn open(&mut self, channel: u64, kind: Kind) {
        if self.open.len() < OPEN {
            self.open.insert(channel, Part::new(kind));
        }
    }

    fn signed(&mut self, channel: u64, signature: &str) {
        if let Some(part) = self.open.get_mut(&channel) {
            part.signature.push_str(signature);
            part.bound();
        }
    }

    /// What the model wrote goes on.
    pub(crate) fn wrote(&mut self, format: Format, channel: u64, source: bool, text: &str) {
        if !self.open.contains_key(&channel)
            && let Some(kind) = Kind::of(format, channel, source)
        {
            self.open(channel, kind);
        }
        if let Some(part) = self.open.get_mut(&channel) {
            part.wrote.push_str(text);
        }
    }

    /// What the client gets goes on.
    pub(crate) fn gave(&mut self, channel: u64, text: &str) {
        let Some(part) = self.open.get_mut(&channel) else { return };
        part.gave.push_str(text);
        part.bound();
    }

    /// What this ended is out.
    pub(crate) fn end(&mut self, end: End) {
        let ended: Vec<_> =
            self.open.keys().copied().filter(|&channel| end.holds(channel)).collect();
        for channel in ended {
            let Some(part) = self.open.remove(&channel) else { continue };
            let source = |text: &str| match escape::decode(text) {
                source if source.trim().is_empty() => "{}".to_owned(),
                source => source.into_owned(),
            };
            match part.kind {
                Kind::Long => self.at += 1,
                Kind::LongThought => {}
                Kind::Thought => self.thought(&part.wrote, &part.gave, &part.signature),
                Kind::Json => self.block(Kind::Json, &source(&part.wrote), &source(&part.gave)),
                kind => self.block(kind, &part.wrote, &part.gave),
            }
        }
        if end == End::All {
            self.end_text();
            self.whole = true;
        }
    }

    /// One block, as it stands in JSON.
    fn block(&mut self, kind: Kind, wrote: &str, gave: &str) {
        if kind == Kind::Text && wrote.is_empty() && gave.is_empty() {
            return;
        }
        let at = self.at;
        self.at = at.saturating_add(1);
        if kind == Kind::Long {
            return;
        }
        let digest = self.digest(kind, gave);
        self.digests.push(digest);
        self.compare(kind, digest, at, wrote, gave);
    }

    fn digest(&self, kind: Kind, gave: &str) -> u64 {
        let depth = self.masker.limits.depth;
        match kind {
            Kind::Text | Kind::Thought => blocks::text_digest(&escape::decode(gave), &self.scope),
            Kind::Json | Kind::Long | Kind::LongThought => {
                blocks::json_digest(gave, &self.scope, depth)
            }
            Kind::Source => blocks::json_digest(&escape::decode(gave), &self.scope, depth),
        }
    }

    /// Does it come back as the model wrote it?
    fn compare(&mut self, kind: Kind, digest: u64, at: u32, wrote: &str, gave: &str) {
        let depth = self.masker.limits.depth;
        if wrote.len() + gave.len() > LONGEST {
            return;
        }
        let Some(comes) = self.again(kind, gave) else { return };
        let same = match kind {
            Kind::Text | Kind::Thought => escape::decode(&comes) == escape::decode(wrote),
            Kind::Json | Kind::Long | Kind::LongThought => {
                blocks::same_json(&comes, wrote, &self.scope, depth)
            }
            Kind::Source => {
                let (comes, wrote) = (escape::decode(&comes), escape::decode(wrote));
                blocks::same_json(&comes, &wrote, &self.scope, depth)
            }
        };
        if !same || self.originals.knows(digest) {
            self.keep(Original { digest, at, wrote: wrote.into() });
        }
    }

    fn keep(&mut self, original: Original) {
        if !self.found.contains(&original) {
            self.originals.keep(original.clone());
            self.found.push(original);
        }
    }

    /// The block as it would be sent, when it comes back.
    fn again(&mut self, kind: Kind, gave: &str) -> Option<String> {
        let (document, format) = request(kind, gave);
        let known = std::mem::take(&mut self.known);
        let mut session =
            Session::behind(&self.masker, &self.scope, known, Arc::clone(&self.table));
        let masked = session.json(&document, format);
        let malformed = session.report.malformed;
        self.known = session.into_known();
        let masked = masked.ok().filter(|_| !malformed)?;
        let tape = Tape::parse(&masked, self.masker.limits.depth).ok()?;
        let message = *blocks::messages(&tape)?.first()?;
        let span = if kind == Kind::Thought {
            tape.span(blocks::thoughts(&tape, message).first()?.node)
        } else {
            blocks::blocks(&tape, message).first()?.span(&tape)
        };
        masked.get(span).map(str::to_owned)
    }
}

/// A request in which this block is the only one.
fn request(kind: Kind, block: &str) -> (String, Format) {
    let (head, tail, format) = match kind {
        Kind::Text => (r#"{"type":"text","text":""#, r#""}"#, Format::Messages),
        Kind::Thought => {
            (r#"{"type":"thinking","signature":"1","thinking":""#, r#""}"#, Format::Messages)
        }
        Kind::Json | Kind::Long | Kind::LongThought => {
            (r#"{"type":"tool_use","id":"1","name":"1","input":"#, "}", Format::Messages)
        }
        Kind::Source => {
            let head = r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"1","arguments":""#;
            return (format!("{head}{block}\"}}}}]}}]}}"), Format::Chat);
        }
    };
    let message =
        format!(r#"{{"messages":[{{"role":"assistant","content":[{head}{block}{tail}]}}]}}"#);
    (message, format)
}
