//! One text that is restored.

use std::ops::Range;

use crate::body::splice::Swap;
use crate::mask::care::{self, Spot, Verdict};
use crate::mask::contents::Contents;
use crate::mask::restore::{Counts, Style, may_hold_escaped};
use crate::mask::spelling;
use crate::mask::table::Table;
use crate::mask::url::Url;

/// How texts are restored.
pub(super) struct Text<'t> {
    pub style: Style,
    pub tool: bool,
    /// Nothing follows.
    pub end: bool,
    pub table: &'t Table,
    pub counts: &'t mut Counts,
}

impl<'t> Text<'t> {
    /// What replaces what in the contents of a JSON string.
    pub(super) fn leaf_swaps(&mut self, raw: &str, at: usize, url: &mut Url) -> Vec<Swap<String>> {
        if self.end && !may_hold_escaped(raw.as_bytes(), self.table) {
            return Vec::new();
        }
        let contents = Contents::json(raw);
        let mut found = self.swaps(contents.text(), url);
        let mut way_back = contents.way_back();
        for swap in &mut found {
            let span = way_back.source(&swap.span);
            swap.span = at + span.start..at + span.end;
        }
        found
    }

    pub(super) fn swaps(&mut self, text: &str, url: &mut Url) -> Vec<Swap<String>> {
        let mut at = 0;
        let mut swaps = Vec::new();
        for span in spelling::spans(text, self.table) {
            // It reads byte by byte: only up to where something depends on it.
            let bound = care::is_bound(text.get(span.clone()).unwrap_or_default(), self.table);
            if bound {
                url.advance(text.get(at..span.start).unwrap_or_default(), false);
            }
            let original = self.original(url, text, &span);
            if bound {
                at = care::take(url, text, &span, false, self.table);
            }
            if let Some(original) = original {
                swaps.push(Swap { span, with: self.style.write(original) });
            }
        }
        if !self.end && self.table.care().is_some() {
            url.advance(text.get(at..).unwrap_or_default(), false);
        }
        swaps
    }

    /// The digits of a number's placeholder that is a whole leaf.
    pub(super) fn number(&mut self, name: &str, url: &mut Url) -> Option<&'t str> {
        self.original(url, name, &(0..name.len()))
    }

    fn original(&mut self, url: &Url, text: &str, span: &Range<usize>) -> Option<&'t str> {
        let spot = Spot { tool: self.tool, source: false, end: self.end };
        match care::judge(url, spot, text, span, self.table, self.counts) {
            Verdict::Write(original) => Some(original),
            Verdict::Keep => None,
            // The next event decides, but this one does not wait.
            Verdict::Wait => {
                self.counts.foreign_url += 1;
                None
            }
        }
    }
}
