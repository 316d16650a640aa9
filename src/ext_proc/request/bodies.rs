//! Bodies of every media type: masked, and read for what the client itself names.

use crate::body::json::Tape;
use crate::body::multipart::{self, PartMedia};
use crate::body::select::Place;
use crate::body::splice::{Swap, splice};
use crate::ext_proc::headers::Media;
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::request::Head;
use crate::ext_proc::settings::Settings;
use crate::ext_proc::talk::Talk;
use crate::mask::care::Care;
use crate::mask::conversation::{self, Chain};
use crate::mask::masker::Session;

pub(super) fn mask(session: &mut Session<'_>, text: &str, head: &Head) -> Result<String, Reason> {
    Ok(match &head.media {
        Media::Json => session.json(text, head.endpoint.request)?,
        Media::JsonLines => lines(session, text, head)?,
        Media::Form(boundary) => form(session, text, boundary, head)?,
        _ => session.text(text)?,
    })
}

/// How the answer is restored: with what the client's own text names, unless no placeholder
/// that may come back depends on it.
pub(super) fn care(
    settings: &Settings,
    session: &Session<'_>,
    head: &Head,
    own: impl FnOnce(&mut Care),
) -> Care {
    let mut care = settings.care();
    let Session { table, report, .. } = session;
    let made = table.made().map(|mapping| &mapping.placeholder);
    let mut known = made.chain(&report.present);
    // What the provider kept brings placeholders of earlier requests.
    let kept = head.endpoint.state || report.goes_on;
    if kept || known.any(|placeholder| care.is_bound(placeholder)) {
        own(&mut care);
    }
    care
}

pub(super) fn texts(care: &mut Care, settings: &Settings, text: &str, head: &Head) {
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

/// What a JSON body is masked with. Of a conversation: what the model wrote is put back, and the masked
/// beginning compared with what was sent before.
pub(super) fn document(
    session: &mut Session<'_>,
    tape: &Tape<'_>,
    head: &Head,
    settings: &Settings,
    talk: Option<&mut Talk>,
) -> Result<(Vec<Swap<String>>, u32), Reason> {
    let format = head.endpoint.request;
    let Some(talk) = talk else {
        return Ok((session.swaps(tape, format, |_, _, _| {})?, 0));
    };
    session.begin(talk.start());
    session.around.thinking = talk.record().thinking;
    session.calls.clone_from(&talk.record().calls);
    let depth = settings.limits.depth;
    let swaps = session.swaps(tape, format, |session, units, swaps| {
        let originals = &talk.record().originals;
        originals.put_back(talk.blocks(), tape, &head.scope, depth, swaps);
        let chain = Chain::read(tape, units, swaps, &head.scope);
        session.sent_before(units, talk.sent_before(&chain));
        talk.masked(session.known(), &chain, &settings.editions);
    })?;
    Ok((swaps, conversation::count(tape)))
}

/// Of a conversation that nobody remembers: was its client shown what the model thought? Then
/// values stand there that are masked elsewhere, and must not go out.
pub(super) fn was_shown(
    mut session: Session<'_>,
    tape: &Tape<'_>,
    head: &Head,
    talk: &Talk,
    before: &Session<'_>,
) -> bool {
    if talk.record().thinking || !before.report.thoughts {
        return false;
    }
    session.begin(talk.start());
    session.around.thinking = true;
    let mut shown = false;
    let done = session.swaps(tape, head.endpoint.request, |_, units, swaps| {
        let thoughts = units.iter().flatten().filter(|leaf| leaf.place == Place::Thought);
        let mut spans = thoughts.map(|leaf| tape.span(leaf.node));
        let value = |swap: &Swap<String>| before.table.original(&swap.with).is_some();
        swaps.sort_by_key(|swap| swap.span.start);
        shown = spans.any(|span| {
            let first = swaps.partition_point(|swap| swap.span.start < span.start);
            let behind = swaps.iter().skip(first);
            behind.take_while(|swap| swap.span.end <= span.end).any(value)
        });
    });
    done.is_err() || shown
}
