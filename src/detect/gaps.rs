//! What is already taken in a text: later ranks fill only the gaps.

use std::cmp::Reverse;
use std::ops::Range;

use crate::detect::{Finding, Rank, arn, boundary, deep};

/// Sorted spans that do not overlap.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    used: Vec<Range<usize>>,
}

impl Gaps {
    pub(crate) fn new(taken: &[Range<usize>]) -> Self {
        Self { used: taken.to_vec() }
    }

    /// Moves those candidates that lie in gaps to `out`: the leftmost, of these the longest.
    ///
    /// A field of an ARN or a host that holds a certain shape keeps the shape;
    /// what is left of the field on both sides is masked by itself.
    pub(crate) fn fill(&mut self, text: &[u8], found: &mut Vec<Finding>, out: &mut Vec<Finding>) {
        self.fill_with(text, found, |finding| finding.rank == Rank::Structure, out);
    }

    /// The same for what was found behind escapes: a shape too is masked as far as it is free.
    pub(crate) fn fill_around(
        &mut self,
        text: &[u8],
        found: &mut Vec<Finding>,
        out: &mut Vec<Finding>,
    ) {
        self.fill_with(text, found, |finding| finding.rank <= Rank::Structure, out);
    }

    fn fill_with(
        &mut self,
        text: &[u8],
        found: &mut Vec<Finding>,
        may_be_cut: fn(&Finding) -> bool,
        out: &mut Vec<Finding>,
    ) {
        if found.is_empty() {
            return;
        }
        // A field begins and ends with a letter or digit: two placeholders never touch. Between
        // quotes none does, and the last character of a password may be a sign.
        let fields = found.iter_mut().filter(|finding| finding.rank == Rank::Structure);
        for field in fields.filter(|field| !boundary::is_quoted(text, &field.span)) {
            field.span = trim(text, field.span.clone());
        }
        found.sort_by_key(|f| (f.span.start, Reverse(f.span.end)));
        let first = out.len();
        let mut free_from = 0;
        let mut at = 0;
        for mut finding in found.drain(..) {
            finding.span.end -= arn_at_end(text, &finding.span);
            if finding.span.start < free_from || finding.span.is_empty() {
                continue;
            }
            while self.used.get(at).is_some_and(|used| used.end <= finding.span.start) {
                at += 1;
            }
            let rest = self.used.get(at..).unwrap_or_default();
            if rest.first().is_none_or(|used| used.start >= finding.span.end) {
                free_from = finding.span.end;
                out.push(finding);
            } else if may_be_cut(&finding) {
                free_from = finding.span.end;
                pieces(text, &finding, rest, out);
            }
        }
        let added = out.get(first..).unwrap_or_default().iter().map(|f| f.span.clone());
        self.used.extend(added);
        self.used.sort_by_key(|span| span.start);
    }
}

/// `/aws/lambda/x-arn:aws:iam::…`: an ARN begins here, no name ends. Without its `arn` it
/// would not be one when what is masked is masked again.
fn arn_at_end(text: &[u8], span: &Range<usize>) -> usize {
    let value = text.get(span.clone()).unwrap_or_default();
    let Some(name) = value.strip_suffix(b"arn") else { return 0 };
    // `\u0069arn`: what would be left touches a letter.
    if name.last().is_some_and(u8::is_ascii_alphanumeric) {
        return 0;
    }
    if arn::begins(text, span.end - 3) { value.len() - trim(name, 0..name.len()).end } else { 0 }
}

/// What is left of a finding between the spans that are used.
fn pieces(text: &[u8], whole: &Finding, used: &[Range<usize>], out: &mut Vec<Finding>) {
    let mut from = whole.span.start;
    let inner = used.iter().take_while(|used| used.start < whole.span.end);
    let ends = whole.span.end..whole.span.end;
    for next in inner.chain(std::iter::once(&ends)) {
        let piece = trim(text, from..next.start);
        if !piece.is_empty()
            && boundary::left_of(text, piece.start)
            && boundary::right_of(text, piece.end)
        {
            out.push(Finding { span: piece, teach: false, ..whole.clone() });
        }
        from = from.max(next.end);
    }
}

/// Without separators at both ends. An escape is one symbol: `\u0069` is a letter.
fn trim(text: &[u8], span: Range<usize>) -> Range<usize> {
    let mut start = span.start;
    while let Some(part @ [first, ..]) = text.get(start..span.end)
        && !first.is_ascii_alphanumeric()
    {
        // At any depth: `\\u0069` is `\u0069` is `i`.
        let deeper = part.iter().take_while(|b| **b == b'\\').count().saturating_sub(1);
        match deep::escape_at(part.get(deeper..).unwrap_or_default()) {
            Some((symbol, _)) if symbol.is_ascii_alphanumeric() => break,
            Some((_, len)) => start = span.end.min(start + deeper + len),
            None => start += deeper + 1,
        }
    }
    let part = text.get(start..span.end).unwrap_or_default();
    let drop = part.iter().rev().take_while(|b| !b.is_ascii_alphanumeric()).count();
    start..span.end - drop
}
