//! Spans of an answer's own text: annotations, grounding, citations. What they are offsets
//! into may have come in events before.

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::stream::number;
use crate::body::select::{Format, openai};

/// The objects of an event that hold offsets, and the channel whose text they are into.
#[must_use]
pub fn anchored(tape: &Tape<'_>, format: Format) -> Vec<(u64, Node)> {
    let root = tape.root();
    let index = |object, name| {
        let value = tape.field(object, name).filter(|&value| tape.shape(value) == Shape::Number);
        value.and_then(|value| tape.raw(value).parse().ok()).unwrap_or_default()
    };
    let items = |object, name| {
        let list = tape.field(object, name);
        list.into_iter().flat_map(|list| tape.items(list)).collect::<Vec<_>>()
    };
    match format {
        Format::Chat => {
            let of = |choice: &Node| {
                let delta = tape.field(*choice, "delta").unwrap_or(*choice);
                let channel = number(index(*choice, "index"), openai::CONTENT);
                let inner = |node| tape.field(node, "url_citation").unwrap_or(node);
                let spans = items(delta, "annotations").into_iter();
                spans.map(move |span| (channel, inner(span))).collect::<Vec<_>>()
            };
            items(root, "choices").iter().flat_map(of).collect()
        }
        Format::ResponsesEvent => {
            let part = index(root, "content_index").wrapping_mul(openai::FAMILY_ROOM);
            let channel = number(index(root, "output_index"), part);
            tape.field(root, "annotation").map(|span| (channel, span)).into_iter().collect()
        }
        Format::Gemini => {
            let of = |candidate: &Node| {
                let channel = number(index(*candidate, "index"), 0);
                let spans = spans_of(tape, *candidate).into_iter();
                spans.map(move |span| (channel, span)).collect::<Vec<_>>()
            };
            items(root, "candidates").iter().flat_map(of).collect()
        }
        _ => Vec::new(),
    }
}

/// The spans of a candidate of Gemini.
#[must_use]
pub fn spans_of(tape: &Tape<'_>, candidate: Node) -> Vec<Node> {
    let list = |holder: &str, name: &str| {
        let list = tape.field(candidate, holder).and_then(|holder| tape.field(holder, name));
        list.into_iter().flat_map(|list| tape.items(list)).collect::<Vec<_>>()
    };
    let supports = list("groundingMetadata", "groundingSupports").into_iter();
    let mut spans: Vec<_> = supports.filter_map(|support| tape.field(support, "segment")).collect();
    spans.extend(list("citationMetadata", "citations"));
    spans.extend(list("citationMetadata", "citationSources"));
    spans
}
