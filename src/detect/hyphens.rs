//! Identifiers with a hyphen: `i-0abc…`, and what else stands around one.

use crate::detect::Finding;
use crate::detect::boundary::{before, in_escape, left_of};
use crate::detect::catalog::Catalog;

/// Nothing longer follows a hyphen in an identifier.
const RUN: usize = 72;
/// The longest name of a region: `us-iso-northeast-1`, with room.
const REGION: usize = 20;

impl Catalog {
    /// Prefers the longest known prefix; without one, an id of 17 hex digits.
    pub(super) fn hyphen_id(&self, text: &[u8], hyphen: usize, out: &mut Vec<Finding>) {
        let finders = &self.finders;
        let tail = text.get(hyphen + 1..).unwrap_or_default();
        let run = tail.iter().take(RUN).take_while(|b| b.is_ascii_alphanumeric()).count();
        let longest = finders.longest_prefix.max(48);
        let head = text.get(hyphen.saturating_sub(longest)..hyphen).unwrap_or_default();
        let of_prefix = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
        let len = head.iter().rev().take_while(of_prefix).count();
        let known_from = hyphen - len.min(finders.longest_prefix);
        for start in known_from..hyphen {
            if !left_of(text, start) {
                continue;
            }
            let prefix = text.get(start..hyphen).and_then(|head| std::str::from_utf8(head).ok());
            let Some(classes) = prefix.and_then(|prefix| finders.prefixes.get(prefix)) else {
                continue;
            };
            let first = out.len();
            for class in classes.iter().filter_map(|&class| self.classes.get(class)) {
                class.verify(text, start, out);
            }
            if out.len() > first {
                return;
            }
        }
        let digits = text.get(hyphen + 1..hyphen + 1 + run).unwrap_or_default();
        if run != 17 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return;
        }
        let free = |start: &usize| left_of(text, *start) && !in_escape(text, *start);
        for start in (hyphen - len..hyphen).filter(free).take(8) {
            for class in finders.generic.iter().filter_map(|&class| self.classes.get(class)) {
                let first = out.len();
                // It may be an id before this one: `c-0abc…-d-0abc…`.
                if class.verify(text, start, out).is_some_and(|span| span.end > hyphen) {
                    return;
                }
                out.truncate(first);
            }
        }
    }

    /// `us-east-1_AbCdEf123` and `us-east-1:1234abcd-…`: the hyphen is the region's last.
    pub(super) fn region_id(&self, text: &[u8], hyphen: usize, out: &mut Vec<Finding>) {
        let Some(&after) = text.get(hyphen + 2) else { return };
        for &(separator, class) in &self.finders.region {
            if separator != after {
                continue;
            }
            let head = text.get(hyphen.saturating_sub(REGION)..hyphen).unwrap_or_default();
            let of_region = |b: &&u8| b.is_ascii_lowercase() || **b == b'-';
            let len = head.iter().rev().take_while(of_region).count();
            let starts = (hyphen - len..hyphen).filter(|&start| left_of(text, start));
            for start in starts.take(4) {
                let class = self.classes.get(class);
                if class.and_then(|class| class.verify(text, start, out)).is_some() {
                    break;
                }
            }
        }
    }

    /// The hyphen may be the first of a UUID that is a part of an identifier.
    pub(super) fn uuid_id(&self, text: &[u8], hyphen: usize, out: &mut Vec<Finding>) {
        let Some(first) = hyphen.checked_sub(8) else { return };
        let digits = text.get(first..hyphen).unwrap_or_default();
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return;
        }
        let letters = text.get(first.saturating_sub(6)..first).unwrap_or_default();
        let len = letters.iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
        let try_all = |classes: &[usize], start: usize, out: &mut Vec<Finding>| {
            for class in classes.iter().filter_map(|&class| self.classes.get(class)) {
                class.verify(text, start, out);
            }
        };
        try_all(&self.finders.uuid, first - len, out);
        if before(text, first) == Some(b'-')
            && let Some(start) = first.checked_sub(11)
        {
            try_all(&self.finders.uuid_tail, start, out);
        }
    }
}
