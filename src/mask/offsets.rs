//! Offsets into the text of an answer, which move when placeholders become originals:
//! annotations of OpenAI count characters, grounding and citations of Gemini bytes.
//! Offsets into documents of the request stay: the provider counted what it was sent.

use crate::body::escape;
use crate::body::json::{Node, Shape, Tape};
use crate::body::select::Format;
use crate::body::splice::Swap;

/// Names of offsets that begin and end a span.
const INDEXES: [(&str, &str); 2] = [("start_index", "end_index"), ("startIndex", "endIndex")];

/// Adds the swaps of all offsets into the texts that `swaps` change.
pub(super) fn adjust(tape: &Tape<'_>, format: Format, swaps: &mut Vec<Swap<String>>) {
    let count: fn(&str) -> usize = match format {
        Format::Chat | Format::Responses | Format::ResponsesEvent | Format::Line => {
            |text| text.chars().count()
        }
        Format::Gemini => str::len,
        _ => return,
    };
    if swaps.is_empty() {
        return;
    }
    swaps.sort_by_key(|swap| swap.span.start);
    let mut found = Vec::new();
    visit(
        tape,
        tape.root(),
        &|text, spans| {
            let moves = Moves::of(tape, text, swaps, count);
            spans.iter().flat_map(|&span| moves.swaps(tape, span)).collect()
        },
        &mut found,
    );
    swaps.extend(found);
}

/// What moves the offsets into one text.
struct Moves(Vec<Move>);

/// A placeholder, in the units of the API: where it began and ended, and where its original
/// does.
struct Move {
    old: (usize, usize),
    new: (usize, usize),
}

impl Moves {
    fn of(tape: &Tape<'_>, text: Node, swaps: &[Swap<String>], count: fn(&str) -> usize) -> Self {
        let span = tape.span(text);
        let first = swaps.partition_point(|swap| swap.span.start < span.start);
        let inside = swaps.iter().skip(first).take_while(|swap| swap.span.end <= span.end);
        let (mut at, mut old, mut new) = (span.start, 0, 0);
        let length =
            |from, to| count(&escape::decode(tape.source().get(from..to).unwrap_or_default()));
        let moves = inside.map(|swap| {
            let before = length(at, swap.span.start);
            let (was, is) =
                (length(swap.span.start, swap.span.end), count(&escape::decode(&swap.with)));
            at = swap.span.end;
            let (from, to) = (old + before, new + before);
            (old, new) = (from + was, to + is);
            Move { old: (from, old), new: (to, new) }
        });
        Self(moves.collect())
    }

    /// Where an offset is now. Inside a placeholder, it is its beginning, or its end.
    fn moved(&self, offset: usize, end: bool) -> usize {
        let before = self.0.iter().take_while(|place| place.old.0 < offset).last();
        match before {
            None => offset,
            Some(place) if offset < place.old.1 => {
                if end {
                    place.new.1
                } else {
                    place.new.0
                }
            }
            Some(place) => offset - place.old.1 + place.new.1,
        }
    }

    /// The swaps of the offsets of one object.
    fn swaps(&self, tape: &Tape<'_>, span: Node) -> Vec<Swap<String>> {
        let mut swaps = Vec::new();
        for (start, end) in INDEXES {
            for (name, end) in [(start, false), (end, true)] {
                let Some(node) = tape.field(span, name) else { continue };
                let Ok(offset) = tape.raw(node).parse() else { continue };
                let moved = self.moved(offset, end);
                if moved != offset {
                    swaps.push(Swap { span: tape.span(node), with: moved.to_string() });
                }
            }
        }
        swaps
    }
}

/// Finds the texts that have offsets into them, with the objects that hold those.
fn visit(
    tape: &Tape<'_>,
    node: Node,
    each: &impl Fn(Node, &[Node]) -> Vec<Swap<String>>,
    found: &mut Vec<Swap<String>>,
) {
    match tape.shape(node) {
        Shape::Object => {
            for (text, spans) in [annotated(tape, node), grounded(tape, node)].into_iter().flatten()
            {
                found.extend(each(text, &spans));
            }
            for (_, value) in tape.fields(node) {
                visit(tape, value, each, found);
            }
        }
        Shape::Array => tape.items(node).for_each(|item| visit(tape, item, each, found)),
        _ => {}
    }
}

/// A part or message of OpenAI with annotations.
fn annotated(tape: &Tape<'_>, part: Node) -> Option<(Node, Vec<Node>)> {
    let annotations = tape.field(part, "annotations")?;
    let text = ["text", "content"].into_iter().find_map(|name| tape.field(part, name))?;
    let inner = |node| tape.field(node, "url_citation").unwrap_or(node);
    let spans = tape.items(annotations).map(inner).collect();
    (tape.shape(text) == Shape::String).then_some((text, spans))
}

/// A candidate of Gemini of one text, with grounding or citations.
fn grounded(tape: &Tape<'_>, candidate: Node) -> Option<(Node, Vec<Node>)> {
    let parts = tape.field(tape.field(candidate, "content")?, "parts")?;
    let mut texts = tape.items(parts).filter_map(|part| tape.field(part, "text"));
    let text = texts.next().filter(|_| texts.next().is_none())?;
    let list = |holder: &str, name: &str| {
        let list = tape.field(candidate, holder).and_then(|holder| tape.field(holder, name));
        list.into_iter().flat_map(|list| tape.items(list)).collect::<Vec<_>>()
    };
    let supports = list("groundingMetadata", "groundingSupports");
    let mut spans: Vec<_> =
        supports.into_iter().filter_map(|support| tape.field(support, "segment")).collect();
    spans.extend(list("citationMetadata", "citations"));
    spans.extend(list("citationMetadata", "citationSources"));
    Some((text, spans))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::splice::splice;

    /// Restores `PH` to `12345` in a document.
    fn restored(source: &str, format: Format) -> String {
        let tape = Tape::parse(source, 16).unwrap();
        let swap = |(at, _): (usize, &str)| Swap { span: at..at + 2, with: "12345".to_owned() };
        let mut swaps: Vec<_> = source.match_indices("PH").map(swap).collect();
        adjust(&tape, format, &mut swaps);
        splice(source, &mut swaps).unwrap()
    }

    #[test]
    fn annotations_count_characters() {
        let part = |text, (a, b), (c, d)| {
            format!(
                r#"{{"text":"{text}","annotations":[{{"start_index":{a},"end_index":{b}}},{{"start_index":{c},"end_index":{d},"title":"x"}}]}}"#
            )
        };
        let source = part(r"\n\u00e9 PH and PH.", (0, 2), (3, 13));
        let expected = part(r"\n\u00e9 12345 and 12345.", (0, 2), (3, 19));
        assert_eq!(restored(&source, Format::Responses), expected);
        let inside = part("PH PH", (1, 1), (3, 4));
        assert_eq!(restored(&inside, Format::ResponsesEvent), part("12345 12345", (0, 5), (6, 11)));
        assert_eq!(
            restored(&part("none", (1, 2), (3, 4)), Format::Chat),
            part("none", (1, 2), (3, 4))
        );
    }

    #[test]
    fn messages_and_candidates_have_offsets_too() {
        let chat = |text, (a, b)| {
            format!(
                r#"{{"content":"{text}","annotations":[{{"type":"url_citation","url_citation":{{"end_index":{b},"start_index":{a}}}}}]}}"#
            )
        };
        assert_eq!(restored(&chat("é PH x", (5, 6)), Format::Chat), chat("é 12345 x", (8, 9)));
        let gemini = |text, (a, b)| {
            format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}},"groundingMetadata":{{"groundingSupports":[{{"segment":{{"startIndex":{a},"endIndex":{b}}}}}]}}}}]}}"#
            )
        };
        let (source, expected) = (gemini("é PH x", (6, 7)), gemini("é 12345 x", (9, 10)));
        assert_eq!(restored(&source, Format::Gemini), expected);
        assert_eq!(restored(&source, Format::Other).matches(":6").count(), 1);
    }
}
