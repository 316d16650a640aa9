//! What the model wrote, where masking what the client got gives something else.
//!
//! An id that the model invented, a name that is too weak to be masked alone: the block comes
//! back as the client got it, and is sent as the model wrote it. The provider wrote it, so
//! that nothing can leak by it.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::body::json::Tape;
use crate::body::splice::Swap;
use crate::mask::Scope;
use crate::mask::conversation::blocks::{self, Role};
use crate::mask::conversation::keep_last;

/// Blocks that one conversation keeps, and their bytes. The oldest go first.
const BLOCKS: usize = 500;
const BYTES: usize = 256 << 10;

/// One block of an answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// Of what the client got.
    pub(crate) digest: u64,
    /// How many blocks of the model stand before it.
    pub(crate) at: u32,
    /// As it stands in JSON: a string's contents, or the value itself.
    pub(crate) wrote: Box<str>,
}

#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Originals(Vec<Original>);

impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Original({} bytes)", self.wrote.len())
    }
}

impl fmt::Debug for Originals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Originals({})", self.0.len())
    }
}

impl Originals {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps a block; one that was written again replaces the one before.
    pub(crate) fn keep(&mut self, original: Original) {
        self.0.retain(|own| (own.digest, own.at) != (original.digest, original.at));
        self.0.push(original);
        keep_last(&mut self.0, |own| own.wrote.len(), BLOCKS, BYTES);
    }

    /// Adds those of another. True: there was something new.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        let new: Vec<_> = other.0.iter().filter(|own| !self.0.contains(own)).cloned().collect();
        let any = !new.is_empty();
        let known =
            |own: &Original| self.0.iter().any(|o| (o.digest, o.at) == (own.digest, own.at));
        let new: Vec<_> = new.into_iter().filter(|own| !known(own)).collect();
        new.into_iter().for_each(|original| self.keep(original));
        any
    }

    pub(crate) fn knows(&self, digest: u64) -> bool {
        self.0.iter().any(|own| own.digest == digest)
    }

    /// What the model wrote as its block number `at`, of which the client got this.
    fn find(&self, digest: u64, at: u32) -> Option<&Original> {
        let own = self.0.iter().filter(|own| own.digest == digest && own.at <= at);
        own.max_by_key(|own| own.at)
    }

    /// Puts into the masked request what the model wrote, which has written so many blocks
    /// before. Gives how often.
    pub fn put_back(
        &self,
        mut at: u32,
        tape: &Tape<'_>,
        scope: &Scope,
        depth: usize,
        swaps: &mut Vec<Swap<String>>,
    ) -> u64 {
        let mut put = 0;
        if self.0.is_empty() {
            return put;
        }
        for message in blocks::messages(tape).unwrap_or_default() {
            if blocks::role(tape, message) != Role::Model {
                continue;
            }
            for thought in blocks::thoughts(tape, message) {
                let digest = blocks::thought_digest(&thought.signature, scope);
                if let Some(own) = self.0.iter().find(|own| own.digest == digest) {
                    put += replace(tape.span(thought.node), own, swaps);
                }
            }
            for block in blocks::blocks(tape, message) {
                if let Some(own) = self.find(block.digest(tape, scope, depth), at) {
                    put += replace(block.span(tape), own, swaps);
                }
                at = at.saturating_add(1);
            }
        }
        put
    }
}

/// Puts what the model wrote in the place of whatever else would stand there.
fn replace(span: Range<usize>, own: &Original, swaps: &mut Vec<Swap<String>>) -> u64 {
    swaps.retain(|s| s.span.end <= span.start || s.span.start >= span.end);
    swaps.push(Swap { span, with: own.wrote.to_string() });
    1
}

/// How many blocks the model has written.
#[must_use]
pub fn count(tape: &Tape<'_>) -> u32 {
    let messages = blocks::messages(tape).unwrap_or_default().into_iter();
    let own = messages.filter(|&message| blocks::role(tape, message) == Role::Model);
    u32::try_from(own.map(|message| blocks::blocks(tape, message).len()).sum::<usize>())
        .unwrap_or(u32::MAX)
}
