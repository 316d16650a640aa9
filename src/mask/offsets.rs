//! Offsets into the text of an answer, which move when placeholders become originals:
//! annotations of OpenAI count characters, grounding and citations of Gemini bytes.
//! Offsets into documents of the request stay: the provider counted what it was sent.

use std::ops::Range;

use memchr::memmem;

use crate::body::escape;
use crate::body::json::{Node, Shape, Tape};
use crate::body::select::{self, Format};
use crate::body::splice::Swap;

/// Names of offsets that begin and end a span.
const INDEXES: [(&str, &str); 2] = [("start_index", "end_index"), ("startIndex", "endIndex")];

/// How an API counts a text.
pub(super) type Count = fn(&str) -> usize;

/// How offsets into texts of this format count, if it has any.
pub(super) fn count(format: Format) -> Option<Count> {
    match format {
        Format::Chat | Format::Responses | Format::ResponsesEvent | Format::Line => {
            Some(|text| text.chars().count())
        }
        Format::Gemini => Some(str::len),
        _ => None,
    }
}

/// Adds the swaps of all offsets into the texts that `swaps` change.
pub(super) fn adjust(tape: &Tape<'_>, format: Format, swaps: &mut Vec<Swap<String>>) {
    let Some(count) = count(format).filter(|_| !swaps.is_empty()) else { return };
    swaps.sort_by_key(|swap| swap.span.start);
    let mut found = Vec::new();
    visit(
        tape,
        tape.root(),
        &|text, spans| {
            let moves = Moves::of(tape, text, swaps, count);
            let offsets = spans.iter().flat_map(|&span| offsets(tape, span));
            offsets.filter_map(|offset| moves.swap_of(offset)).collect()
        },
        &mut found,
    );
    swaps.extend(found);
}

/// A number that says where in a text a span begins or ends.
#[derive(Clone, Debug)]
pub(super) struct Offset {
    /// Where the number stands.
    at: Range<usize>,
    value: usize,
    end: bool,
}

/// The offsets of one object.
fn offsets<'t>(tape: &'t Tape<'_>, span: Node) -> impl Iterator<Item = Offset> + 't {
    let names = INDEXES.into_iter().flat_map(|(start, end)| [(start, false), (end, true)]);
    names.filter_map(move |(name, end)| {
        let node = tape.field(span, name)?;
        let value = tape.raw(node).parse().ok()?;
        Some(Offset { at: tape.span(node), value, end })
    })
}

/// What moves the offsets into one text.
#[derive(Debug, Default)]
pub(super) struct Moves {
    all: Vec<Move>,
    /// The end of the text, as it came and as it is now.
    old: usize,
    new: usize,
}

/// A placeholder, in the units of the API: where it began and ended, and where its original
/// does.
#[derive(Debug)]
struct Move {
    old: (usize, usize),
    new: (usize, usize),
}

impl Moves {
    fn of(tape: &Tape<'_>, text: Node, swaps: &[Swap<String>], count: Count) -> Self {
        let span = tape.span(text);
        let first = swaps.partition_point(|swap| swap.span.start < span.start);
        let inside = swaps.iter().skip(first).take_while(|swap| swap.span.end <= span.end);
        let (mut at, mut moves) = (span.start, Self::default());
        let length =
            |from, to| count(&escape::decode(tape.source().get(from..to).unwrap_or_default()));
        for swap in inside {
            moves.keep(length(at, swap.span.start));
            let was = length(swap.span.start, swap.span.end);
            moves.change(was, count(&escape::decode(&swap.with)));
            at = swap.span.end;
        }
        moves
    }

    /// So much of the text stays.
    pub(super) fn keep(&mut self, length: usize) {
        (self.old, self.new) = (self.old + length, self.new + length);
    }

    /// What was so long is now as long as that.
    pub(super) fn change(&mut self, was: usize, is: usize) {
        let (old, new) = (self.old + was, self.new + is);
        self.all.push(Move { old: (self.old, old), new: (self.new, new) });
        (self.old, self.new) = (old, new);
    }

    /// Where an offset is now. Inside a placeholder, it is its beginning, or its end.
    fn moved(&self, offset: usize, end: bool) -> usize {
        let before = self.all.partition_point(|place| place.old.0 < offset).checked_sub(1);
        match before.and_then(|at| self.all.get(at)) {
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

    /// What stands in the place of an offset.
    pub(super) fn swap_of(&self, offset: Offset) -> Option<Swap<String>> {
        let Offset { at, value, end } = offset;
        let moved = self.moved(value, end);
        (moved != value).then(|| Swap { span: at, with: moved.to_string() })
    }
}

/// Offsets of an event of a stream into the texts of channels, of which much came before.
pub(super) fn streamed(tape: &Tape<'_>, format: Format) -> Vec<(u64, Offset)> {
    let source = tape.source().as_bytes();
    let any = |name: &[u8]| memmem::find(source, name).is_some();
    if count(format).is_none() || !(any(b"\"end_index\"") || any(b"\"endIndex\"")) {
        return Vec::new();
    }
    select::anchored(tape, format)
        .into_iter()
        .flat_map(|(channel, span)| offsets(tape, span).map(move |offset| (channel, offset)))
        .collect()
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
            for (text, spans) in annotated(tape, node).into_iter().chain(grounded(tape, node)) {
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

/// The texts of a candidate of Gemini, with the grounding and the citations in each.
fn grounded(tape: &Tape<'_>, candidate: Node) -> Vec<(Node, Vec<Node>)> {
    let parts = tape.field(candidate, "content").and_then(|content| tape.field(content, "parts"));
    let Some(parts) = parts else { return Vec::new() };
    let text = |part| tape.field(part, "text").filter(|&text| tape.shape(text) == Shape::String);
    let thought = |part| tape.field(part, "thought").is_some_and(|is| tape.raw(is) == "true");
    let only = || {
        let mut said = tape.items(parts).filter(|&part| !thought(part)).filter_map(text);
        said.next().filter(|_| said.next().is_none())
    };
    let of = |span| {
        let index = tape.field(span, "partIndex").and_then(|index| tape.raw(index).parse().ok());
        let part = index.and_then(|index| tape.items(parts).nth(index));
        Some((part.and_then(text).or_else(only)?, vec![span]))
    };
    select::spans_of(tape, candidate).into_iter().filter_map(of).collect()
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
