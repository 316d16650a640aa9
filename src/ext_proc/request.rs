//! One request body from its bytes to the masked bytes: no I/O, no clock.

mod bodies;
mod outside;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::body::encoding::Coding;
use crate::body::json::{Tape, Tokens};
use crate::body::select::{Guarded, Opaque};
use crate::detect::{Kind, Known};
use crate::ext_proc::budget::Share;
use crate::ext_proc::endpoint::Endpoint;
use crate::ext_proc::headers::{Headers, Media};
use crate::ext_proc::messages::Needs;
use crate::ext_proc::pieces::Pieces;
use crate::ext_proc::refuse::{Reason, hosted_name};
use crate::ext_proc::request::bodies::{care, document, mask, texts, was_shown};
use crate::ext_proc::request::outside::outside;
use crate::ext_proc::settings::Settings;
use crate::ext_proc::talk::{self, Talk};
use crate::mask::Scope;
use crate::mask::care::Care;
use crate::mask::conversation::{self, Identity, RecordKey, Verify};
use crate::mask::masker::{Masker, Report, Session};
use crate::mask::placeholder::Placeholder;
use crate::mask::table::Table;
use crate::store::record::{Plain, RecordWants};
use crate::telemetry::labels::Place;

/// What is known when the request's headers are read.
#[derive(Debug)]
pub struct Head {
    pub scope: Scope,
    pub endpoint: Endpoint,
    /// The client's session, if it names one.
    session: Option<RecordKey>,
    media: Media,
    coding: Option<Coding>,
    /// Let through unmasked, by a route of the configuration, if its media cannot be masked.
    pass: bool,
    /// Findings in path and headers, which go unchanged.
    pub outside: BTreeMap<(Place, Kind), u64>,
}

/// Clients name their sessions in these.
const SESSION_HEADERS: [&str; 1] = ["x-claude-code-session-id"];

impl Head {
    /// Reads the headers of a request.
    pub fn read(headers: &Headers, scope: Scope, settings: &Settings) -> Result<Self, Reason> {
        let id = SESSION_HEADERS.into_iter().find_map(|name| headers.text(name));
        let session = id.filter(|id| !id.is_empty());
        Ok(Self {
            session: session.map(|id| conversation::session(&scope, id)),
            scope,
            endpoint: Endpoint::of(headers.path()),
            media: headers.media(),
            coding: Coding::parse(&headers.joined("content-encoding"))?,
            pass: settings.passes(headers),
            outside: outside(headers, settings),
        })
    }

    /// What can be masked is, whatever a route lets through.
    #[must_use]
    pub fn goes_unmasked(&self) -> bool {
        let unread =
            matches!(self.media, Media::None | Media::Binary | Media::Other | Media::Messages);
        self.pass && unread
    }

    /// Refuses a body that could not be masked, before it is read.
    pub fn check(&self, headers: &Headers, limit: usize) -> Result<(), Reason> {
        let long = |length| usize::try_from(length).map_or(true, |length| length > limit);
        if headers.length().is_some_and(long) {
            return Err(Reason::TooLarge(limit));
        }
        if headers.is_signed() {
            return Err(Reason::Signed);
        }
        match self.media {
            Media::Charset => Err(Reason::Charset),
            Media::None | Media::Binary | Media::Other | Media::EventStream | Media::Messages
                if !self.pass =>
            {
                Err(Reason::MediaType)
            }
            _ => Ok(()),
        }
    }
}

/// The work of masking one body. Run it on whatever thread has time.
pub struct Job {
    pub head: Head,
    pub body: Vec<u8>,
    pub share: Share,
    pub settings: Arc<Settings>,
    /// Of a body that was read already.
    rest: Option<Rest>,
}

/// A body that was read, and its conversation.
struct Rest {
    read: Read,
    talk: Talk,
}

/// The text of a body, and what it is.
struct Read {
    text: Arc<String>,
    tokens: Option<Tokens>,
    identity: Option<Identity>,
}

/// What became of a job.
#[derive(Debug)]
pub enum Worked {
    Masked(Box<Masked>),
    /// The store is asked first.
    Asks(Box<Asking>),
}

/// A body whose conversation may be remembered.
pub struct Asking {
    job: Job,
    read: Read,
    identity: Identity,
    /// What is asked.
    keys: Vec<RecordKey>,
}

/// A body that may leave.
pub struct Masked {
    pub head: Head,
    pub body: Pieces,
    pub table: Table,
    pub report: Report,
    pub share: Share,
    /// A route let it through as it is: nothing was looked for.
    pub unmasked: bool,
    pub talk: Option<Box<Spoken>>,
}

/// The conversation of a masked request.
#[derive(Debug)]
pub struct Spoken {
    pub talk: Talk,
    masker: Masker,
    known: Known,
    /// Blocks that the model wrote so far.
    blocks: u32,
    /// To be masked again, if another replica knows more.
    read: Read,
    settings: Arc<Settings>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({} bytes)", self.body.len())
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asking({} bytes)", self.read.text.len())
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Read({} bytes)", self.text.len())
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({} bytes)", self.body.len())
    }
}

impl Job {
    #[must_use]
    pub fn new(head: Head, body: Vec<u8>, share: Share, settings: Arc<Settings>) -> Self {
        Self { head, body, share, settings, rest: None }
    }

    /// How much is read or masked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rest.as_ref().map_or(self.body.len(), |rest| rest.read.text.len())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.rest.as_ref().map_or(&self.body, |rest| rest.read.text.as_bytes())
    }

    /// Inflates, masks, and decides about what cannot be masked; before, asks for what may be
    /// remembered of the conversation.
    pub fn run(mut self) -> Result<Worked, Reason> {
        if let Some(Rest { read, talk }) = self.rest.take() {
            return self.mask(read, Some(talk));
        }
        let limit = self.settings.limits.body;
        let body = match self.head.coding {
            Some(coding) => {
                let inflated = coding.inflate(&self.body, limit)?;
                self.grow(inflated.len())?;
                inflated
            }
            None => std::mem::take(&mut self.body),
        };
        if self.head.goes_unmasked() {
            let (table, report) = Default::default();
            let body = Pieces::whole(body);
            let Self { head, share, .. } = self;
            let masked = Masked { head, body, table, report, share, unmasked: true, talk: None };
            return Ok(Worked::Masked(Box::new(masked)));
        }
        if body.starts_with(b"\xef\xbb\xbf") {
            return Err(Reason::ByteOrderMark);
        }
        let text = String::from_utf8(body).map_err(|_| Reason::Utf8)?;
        self.grow(text.len())?;
        let read = self.read(text);
        let Some(identity) = read.identity else { return self.mask(read, None) };
        let keys = talk::keys(&identity, &self.head.scope);
        if keys.is_empty() {
            let talk = Talk::new(identity, &self.head.scope, Vec::new(), &self.settings);
            return self.mask(read, Some(talk));
        }
        Ok(Worked::Asks(Box::new(Asking { job: self, read, identity, keys })))
    }

    /// Reads the body, and which conversation it belongs to.
    fn read(&self, text: String) -> Read {
        let (mut tokens, mut identity) = (None, None);
        if self.head.media == Media::Json
            && let Ok(tape) = Tape::parse(&text, self.settings.limits.depth)
        {
            if self.head.endpoint.talks() {
                let Head { scope, session, .. } = &self.head;
                identity = Identity::read(&tape, scope, *session, self.head.endpoint.request);
            }
            tokens = Some(tape.into_tokens());
        }
        Read { text: Arc::new(text), tokens, identity }
    }

    fn mask(self, mut read: Read, mut talk: Option<Talk>) -> Result<Worked, Reason> {
        let Self { mut head, share, settings, .. } = self;
        let mut masker = settings.masker.clone();
        if let Some(talk) = &talk {
            masker.catalog = talk.catalog(&settings.editions)?;
        }
        let begun = || {
            let mut session = Session::new(&masker, &head.scope);
            session.around.note &= head.endpoint.note;
            session
        };
        let mut session = begun();
        let (body, care, blocks) = match read.tokens.take() {
            Some(tokens) => {
                let tape = Tape::of(&read.text, tokens);
                let mut done = document(&mut session, &tape, &head, &settings, talk.as_mut())?;
                if let Some(talk) = talk.as_mut().filter(|talk| talk.is_lost())
                    && was_shown(begun(), &tape, &head, talk, &session)
                {
                    talk.show_thinking();
                    session = begun();
                    done = document(&mut session, &tape, &head, &settings, Some(talk))?;
                }
                let (swaps, blocks) = done;
                let care = care(&settings, &session, &head, |care| care.own_request(&tape));
                read.tokens = Some(tape.into_tokens());
                let text = Arc::clone(&read.text);
                (Pieces::new(text, swaps), care, blocks)
            }
            None => {
                let body = mask(&mut session, &read.text, &head)?;
                let own = |own: &mut Care| texts(own, &settings, &read.text, &head);
                (Pieces::whole(body), care(&settings, &session, &head, own), 0)
            }
        };
        let (mut table, report) =
            (std::mem::take(&mut session.table), std::mem::take(&mut session.report));
        let known = session.into_known();
        table.set_care(care);
        if talk.as_ref().is_some_and(|talk| talk.record().thinking) {
            table.show_thinking();
        }
        refuse(&settings, &report)?;
        head.endpoint.state |= report.goes_on;
        let spoken = |talk| Box::new(Spoken { talk, masker, known, blocks, read, settings });
        let talk = talk.map(spoken);
        let masked = Masked { head, body, table, report, share, unmasked: false, talk };
        Ok(Worked::Masked(Box::new(masked)))
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Reason> {
        self.share.grow(bytes).map_err(|_| Reason::Overloaded)
    }
}

impl Asking {
    /// What is asked of the store.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let scope = self.job.head.scope.clone();
        let records = RecordWants { read: self.keys.clone(), ..RecordWants::default() };
        Needs { records, ..Needs::new(scope) }
    }

    /// The job with what the store said.
    #[must_use]
    pub fn answered(self, read: Vec<Option<Plain>>) -> Job {
        let Self { mut job, read: body, identity, .. } = self;
        let talk = Talk::new(identity, &job.head.scope, read, &job.settings);
        job.rest = Some(Rest { read: body, talk });
        job
    }
}

impl Masked {
    /// The job of masking it again.
    #[must_use]
    pub fn again(self) -> Option<Job> {
        let Self { head, share, talk, .. } = self;
        let Spoken { talk, read, settings, .. } = *talk?;
        Some(Job { head, body: Vec::new(), share, settings, rest: Some(Rest { read, talk }) })
    }
}

impl Spoken {
    /// Without the request's body: from here on nothing is masked again.
    #[must_use]
    pub fn released(mut self: Box<Self>) -> Box<Self> {
        self.read = Read { text: Arc::default(), tokens: None, identity: None };
        self
    }

    /// What the answer is verified with, and the conversation.
    #[must_use]
    pub fn verify(self, scope: &Scope, table: &Arc<Table>) -> (Verify, Talk) {
        let Self { talk, masker, known, blocks, .. } = self;
        let originals = talk.record().originals.clone();
        let (scope, table) = (scope.clone(), Arc::clone(table));
        (Verify::new(masker, scope, known, table, originals, blocks), talk)
    }
}

/// Refuses what the configuration says must not pass unmasked.
fn refuse(settings: &Settings, report: &Report) -> Result<(), Reason> {
    for &(place, kind) in report.guarded.keys() {
        let info = settings.masker.catalog.info(kind);
        if settings.refuse.guarded(place, info.is_credential()) {
            return Err(Reason::Unmaskable(place_name(place)));
        }
    }
    for &opaque in report.opaque.keys() {
        if settings.refuse.opaque(opaque) {
            return Err(Reason::Opaque(opaque_name(opaque)));
        }
    }
    for tool in report.hosted.keys() {
        if settings.refuse.hosted.contains(tool) {
            return Err(Reason::Hosted(hosted_name(*tool)));
        }
    }
    Ok(())
}

/// For errors, metrics and logs.
#[must_use]
pub fn place_name(place: Guarded) -> &'static str {
    match place {
        Guarded::Url => "a URL that the provider opens",
        Guarded::Metadata => "the metadata",
        Guarded::Name => "a name of a model, tool or server",
        Guarded::Id => "an id or type of the API",
        Guarded::Credential => "a credential for the provider",
    }
}

/// For errors, metrics and logs.
#[must_use]
pub fn opaque_name(opaque: Opaque) -> &'static str {
    match opaque {
        Opaque::Image => "images",
        Opaque::Audio => "sound",
        Opaque::Video => "videos",
        Opaque::Document => "documents",
        Opaque::File => "files",
    }
}

impl Masked {
    /// Placeholders in model state that this request did not make: their
    /// originals, if the store has them, are restored in the answer too.
    #[must_use]
    pub fn foreign(&self) -> Vec<Placeholder> {
        let mut foreign: Vec<_> = self.report.present.to_vec();
        foreign.sort_unstable();
        foreign.dedup();
        foreign.retain(|placeholder| self.table.original(placeholder.as_str()).is_none());
        foreign
    }
}
