//! Restoring a plain text that comes in pieces.

use crate::mask::care::{self, Spot, Verdict};
use crate::mask::restore::Counts;
use crate::mask::spelling;
use crate::mask::table::Table;
use crate::mask::url::Url;

/// What was given last, and what is held: it may be the beginning of a placeholder.
#[derive(Default)]
pub(crate) struct Plain {
    url: Url,
    context: String,
    held: Vec<u8>,
}

impl Plain {
    /// Bytes that are held.
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// Takes bytes, and writes as much as is decided; at the end, all.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        end: bool,
        table: &Table,
        counts: &mut Counts,
        out: &mut Vec<u8>,
    ) {
        let Self { url, context, held } = self;
        held.extend_from_slice(bytes);
        let valid = match std::str::from_utf8(held) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        // What is no UTF-8 at all is passed on; the last bytes may be half a character.
        let broken = held.len() - valid > 3 || end;
        let fresh = String::from_utf8_lossy(held.get(..valid).unwrap_or_default()).into_owned();
        let from = context.len();
        context.push_str(&fresh);
        let open = if broken { None } else { spelling::open_tail(context, table) };
        let mut open = open.unwrap_or(context.len()).max(from);
        let spot = Spot { tool: false, source: false, end: broken };
        let (mut at, mut read) = (from, from);
        for span in spelling::spans(context, table) {
            if span.start < from || span.end > open {
                continue;
            }
            url.advance(context.get(read..span.start).unwrap_or_default(), false);
            read = span.start;
            let verdict = care::judge(url, spot, context, &span, table, counts);
            if verdict == Verdict::Wait {
                open = span.start;
                break;
            }
            read = care::take(url, context, &span, false, table);
            let Verdict::Write(original) = verdict else { continue };
            out.extend_from_slice(context.get(at..span.start).unwrap_or_default().as_bytes());
            out.extend_from_slice(original.as_bytes());
            at = span.end;
        }
        url.advance(context.get(read..open).unwrap_or_default(), false);
        out.extend_from_slice(context.get(at..open).unwrap_or_default().as_bytes());
        let done = open - from;
        context.truncate(open);
        let keep =
            (0..=context.len().saturating_sub(48)).rev().find(|&at| context.is_char_boundary(at));
        context.drain(..keep.unwrap_or_default());
        held.drain(..done);
        if broken && !held.is_empty() {
            out.append(held);
            context.clear();
        }
    }
}
