//! One request body from its bytes to the masked bytes: no I/O, no clock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::body::encoding::Coding;
use crate::body::json::Tape;
use crate::body::multipart::{self, PartMedia};
use crate::body::select::{Guarded, Hosted, Opaque};
use crate::body::splice::{Swap, splice};
use crate::detect::Kind;
use crate::ext_proc::budget::Share;
use crate::ext_proc::endpoint::Endpoint;
use crate::ext_proc::headers::{Headers, Media};
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::settings::Settings;
use crate::mask::Scope;
use crate::mask::care::Care;
use crate::mask::masker::{Report, Session};
use crate::mask::placeholder::Placeholder;
use crate::mask::table::Table;
use crate::telemetry::labels::Place;

/// What is known when the request's headers are read.
#[derive(Debug)]
pub struct Head {
    pub scope: Scope,
    pub endpoint: Endpoint,
    media: Media,
    coding: Option<Coding>,
    /// Let through unmasked, by a route of the configuration.
    pass: bool,
    /// Findings in path and headers, which go unchanged.
    pub outside: BTreeMap<(Place, Kind), u64>,
}

/// These hold keys, or nothing that was written by a person.
const UNREAD_HEADERS: [&str; 6] =
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization"];

impl Head {
    /// Reads the headers of a request.
    pub fn read(headers: &Headers, settings: &Settings) -> Result<Self, Reason> {
        Ok(Self {
            scope: settings.scope(headers)?,
            endpoint: Endpoint::of(headers.path()),
            media: headers.media(),
            coding: Coding::parse(&headers.joined("content-encoding"))?,
            pass: settings.passes(headers),
            outside: outside(headers, settings),
        })
    }

    /// Refuses a body that could not be masked, before it is read.
    pub fn check(&self, headers: &Headers, limit: usize) -> Result<(), Reason> {
        let length = headers.text("content-length").and_then(|length| length.parse::<u64>().ok());
        if length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit)) {
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

fn outside(headers: &Headers, settings: &Settings) -> BTreeMap<(Place, Kind), u64> {
    let mut counts = BTreeMap::new();
    for (name, value) in headers.iter() {
        if (name.starts_with(':') && name != ":path") || UNREAD_HEADERS.contains(&name) {
            continue;
        }
        let query = value.find('?').unwrap_or(value.len());
        let mut findings = Vec::new();
        settings.masker.catalog.scan(value, "", &[], &mut findings);
        for finding in findings {
            let place = match name {
                ":path" if finding.span.start > query => Place::Query,
                ":path" => Place::Path,
                _ => Place::Header,
            };
            *counts.entry((place, finding.kind)).or_default() += 1;
        }
    }
    counts
}

/// The work of masking one body. Run it on whatever thread has time.
pub struct Job {
    pub head: Head,
    pub body: Vec<u8>,
    pub share: Share,
    pub settings: Arc<Settings>,
}

/// A body that may leave.
pub struct Masked {
    pub head: Head,
    pub body: Bytes,
    pub table: Table,
    pub report: Report,
    pub share: Share,
    /// A route let it through as it is: nothing was looked for.
    pub unmasked: bool,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({} bytes)", self.body.len())
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({} bytes)", self.body.len())
    }
}

impl Job {
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Inflates, masks, and decides about what cannot be masked.
    pub fn run(mut self) -> Result<Masked, Reason> {
        let settings = Arc::clone(&self.settings);
        let limit = settings.limits.body;
        let body = match self.head.coding {
            Some(coding) => {
                let inflated = coding.inflate(&self.body, limit)?;
                self.grow(inflated.len())?;
                inflated
            }
            None => std::mem::take(&mut self.body),
        };
        if self.head.pass
            && matches!(
                self.head.media,
                Media::None | Media::Binary | Media::Other | Media::Messages
            )
        {
            let (table, report) = Default::default();
            let body = Bytes::from(body);
            let Self { head, share, .. } = self;
            return Ok(Masked { head, body, table, report, share, unmasked: true });
        }
        if body.starts_with(b"\xef\xbb\xbf") {
            return Err(Reason::ByteOrderMark);
        }
        let text = String::from_utf8(body).map_err(|_| Reason::Utf8)?;
        self.grow(text.len())?;
        let scope = self.head.scope.clone();
        let mut session = Session::new(&settings.masker, &scope);
        session.around.note &= self.head.endpoint.note;
        let masked = mask(&mut session, &text, &self.head)?;
        let (mut table, report) = (session.table, session.report);
        table.set_care(care(&settings, &text, &self.head));
        refuse(&settings, &report)?;
        self.head.endpoint.state |= report.goes_on;
        let (Self { head, share, .. }, body) = (self, masked.into());
        Ok(Masked { head, body, table, report, share, unmasked: false })
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Reason> {
        self.share.grow(bytes).map_err(|_| Reason::Overloaded)
    }
}

fn mask(session: &mut Session<'_>, text: &str, head: &Head) -> Result<String, Reason> {
    Ok(match &head.media {
        Media::Json => session.json(text, head.endpoint.request)?,
        Media::JsonLines => lines(session, text, head)?,
        Media::Form(boundary) => form(session, text, boundary, head)?,
        _ => session.text(text)?,
    })
}

/// How the answer is restored: with what the client's own text names.
fn care(settings: &Settings, text: &str, head: &Head) -> Care {
    let mut care = settings.care();
    let mut json = |text: &str| {
        if let Ok(tape) = Tape::parse(text, settings.limits.depth) {
            care.own_request(&tape);
        }
    };
    match &head.media {
        Media::Json => json(text),
        Media::JsonLines => text.lines().for_each(json),
        // Whose text it is cannot be told.
        Media::Form(_) => {}
        _ => care.own(text),
    }
    care
}

fn lines(session: &mut Session<'_>, text: &str, head: &Head) -> Result<String, Reason> {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let contents = line.trim_end_matches(['\n', '\r']);
        if contents.trim().is_empty() {
            out.push_str(line);
            continue;
        }
        out.push_str(&session.json(contents, head.endpoint.line)?);
        out.push_str(line.get(contents.len()..).unwrap_or_default());
    }
    Ok(out)
}

fn form(
    session: &mut Session<'_>,
    text: &str,
    boundary: &str,
    head: &Head,
) -> Result<String, Reason> {
    let parts = multipart::parts(text, boundary).map_err(|_| Reason::Multipart)?;
    let mut swaps = Vec::new();
    for part in parts {
        let Some(contents) = text.get(part.span.clone()) else { continue };
        let with = match part.media {
            PartMedia::Text => session.text(contents)?,
            PartMedia::Json => session.json(contents, head.endpoint.answer)?,
            PartMedia::JsonLines => lines(session, contents, head)?,
            PartMedia::Other => return Err(Reason::MediaType),
        };
        // A part's headers hold names of fields and files.
        let head = text.get(part.head.clone()).unwrap_or_default();
        swaps.push(Swap { span: part.head, with: session.text(head)? });
        swaps.push(Swap { span: part.span, with });
    }
    splice(text, &mut swaps).map_err(|_| Reason::Internal)
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

/// For errors.
fn hosted_name(tool: Hosted) -> &'static str {
    match tool {
        Hosted::WebSearch => "search the web",
        Hosted::WebFetch => "fetch pages",
        Hosted::Code => "run code",
        Hosted::Mcp => "call MCP servers",
        Hosted::FileSearch => "search files",
        Hosted::Other => "use other tools of its own",
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
