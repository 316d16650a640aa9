//! The prefix guard: hashes of what a client sent and of what became of it, unit by unit.
//!
//! When a conversation comes again and the client's text is the same up to a unit, the masked
//! text must be the same too: the model's reasoning and the provider's cache are bound to it.
//! A masked text is the client's with replacements, so that its hash is one of both.

use std::ops::Range;

use base64::engine::general_purpose::STANDARD_NO_PAD;
use polyval::Polyval;
use polyval::universal_hash::UniversalHash as _;
use serde::Deserialize;

use crate::body::json::Tape;
use crate::body::select::{Place, Units};
use crate::body::splice::Swap;
use crate::mask::Scope;
use crate::mask::conversation::Record;

/// Units at the end of which each is kept, and how many steps back from there.
const LAST: usize = 16;
const STEPS: usize = 16;

/// Bytes of a link.
const LINK: usize = 4 + 8 + 8;

/// The hashes up to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Link {
    at: u32,
    own: u64,
    sent: u64,
}

/// Links in a record: as text that takes a third of the numbers.
pub(super) mod links {
    use super::{Deserialize, LINK, Link, STANDARD_NO_PAD};
    use base64::Engine as _;
    use serde::{Deserializer, Serializer};

    pub(in crate::mask::conversation) fn serialize<S: Serializer>(
        links: &[Link],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(links.len() * LINK);
        for link in links {
            bytes.extend(link.at.to_le_bytes());
            bytes.extend([link.own, link.sent].map(u64::to_le_bytes).as_flattened());
        }
        to.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(in crate::mask::conversation) fn deserialize<'d, D: Deserializer<'d>>(
        from: D,
    ) -> Result<Vec<Link>, D::Error> {
        /// Before, they were a list.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            List(Vec<Link>),
        }
        let text = match Form::deserialize(from)? {
            Form::Text(text) => text,
            Form::List(links) => return Ok(links),
        };
        let bytes = STANDARD_NO_PAD.decode(text).map_err(serde::de::Error::custom)?;
        let (links, _) = bytes.as_chunks::<LINK>();
        Ok(links.iter().filter_map(read).collect())
    }

    fn read(link: &[u8; LINK]) -> Option<Link> {
        let (at, rest) = link.split_first_chunk()?;
        let (own, rest) = rest.split_first_chunk()?;
        let [own, sent] = [own, rest.first_chunk()?].map(|half| u64::from_le_bytes(*half));
        Some(Link { at: u32::from_le_bytes(*at), own, sent })
    }
}

/// The links of one request.
#[derive(Debug, Default)]
pub struct Chain(Vec<Link>);

impl Chain {
    /// `swaps` are what the document is rewritten with.
    #[must_use]
    pub fn read(tape: &Tape<'_>, units: &Units, swaps: &mut [Swap<String>], scope: &Scope) -> Self {
        swaps.sort_by_key(|swap| swap.span.start);
        let mut chain = Vec::new();
        let (mut own, mut sent) = (0_u64, 0_u64);
        for unit in units.iter() {
            let mut hash = scope.units();
            hash.update_padded(&own.to_le_bytes());
            let mut replaced: Option<Polyval> = None;
            for leaf in unit.iter().filter(|leaf| is_text(leaf.place)) {
                let raw = tape.raw(leaf.node);
                hash.update_padded(raw.as_bytes());
                hash.update_padded(&(raw.len() as u64).to_le_bytes());
                let span = tape.span(leaf.node);
                let first = swaps.partition_point(|swap| swap.span.end <= span.start);
                let inside = swaps.iter().skip(first).take_while(|s| s.span.start < span.end);
                for swap in inside {
                    let into = replaced.get_or_insert_with(|| scope.units());
                    let place = |at: usize| at.wrapping_sub(span.start);
                    let Swap { span: Range { start, end }, with } = swap;
                    let numbers = [place(*start), place(*end), with.len()];
                    into.update_padded(numbers.map(|at| (at as u64).to_le_bytes()).as_flattened());
                    into.update_padded(swap.with.as_bytes());
                }
            }
            own = first(&hash.finalize().into());
            if let Some(mut into) = replaced {
                into.update_padded([own, sent].map(u64::to_le_bytes).as_flattened());
                sent = first(&into.finalize().into());
            }
            let at = u32::try_from(chain.len()).unwrap_or(u32::MAX);
            chain.push(Link { at, own, sent });
        }
        Self(chain)
    }

    /// Was anything sent otherwise that the client sent before as it does now?
    #[must_use]
    pub fn differs(&self, before: &Record) -> bool {
        self.same(before).any(|(old, new)| old.sent != new.sent)
    }

    /// How many units, from the first on, the client sent before as it does now: of those
    /// at which a link was kept.
    #[must_use]
    pub fn sent_before(&self, before: &Record) -> usize {
        let last = self.same(before).filter_map(|(link, _)| usize::try_from(link.at).ok()).max();
        last.map_or(0, |at| at.saturating_add(1))
    }

    /// The links, then and now, up to which the client sends the same.
    fn same<'l>(&'l self, before: &'l Record) -> impl Iterator<Item = (&'l Link, &'l Link)> {
        let now = |link: &Link| self.0.get(usize::try_from(link.at).ok()?);
        let both = before.chain.iter().filter_map(move |link| Some((link, now(link)?)));
        both.filter(|(old, new)| old.own == new.own)
    }

    /// What is kept: the last links, and some before, in steps that double.
    pub(super) fn kept(&self) -> Vec<Link> {
        let last = self.0.len();
        let near = last.saturating_sub(LAST);
        let mut kept: Vec<_> = (0..STEPS).filter_map(|step| near.checked_sub(1 << step)).collect();
        kept.reverse();
        kept.extend(near..last);
        kept.into_iter().filter_map(|at| self.0.get(at).copied()).collect()
    }
}

fn first(hash: &[u8; 16]) -> u64 {
    hash.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// Marks of the API, which may move, are none.
fn is_text(place: Place) -> bool {
    !matches!(place, Place::Guarded(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::conversation::{decode, encode};

    #[test]
    fn links_are_read_in_the_form_of_older_records_too() {
        let link = |at, own, sent| Link { at, own, sent };
        let chain = vec![link(1, 2, u64::MAX), link(7, 1 << 63, 0)];
        let record = Record { chain, ..Record::default() };
        assert_eq!(decode(&encode(&record)), Some(record.clone()));
        let older = br#"{"chain":[{"at":1,"own":2,"sent":18446744073709551615},
            {"at":7,"own":9223372036854775808,"sent":0}]}"#;
        assert_eq!(decode(&[b"\x01".as_slice(), older].concat()), Some(record));
        assert_eq!(decode::<Record>(b"\x01{\"links\":\"?\"}"), None);
    }
}
