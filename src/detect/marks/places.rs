//! The places of bits that are set, as a list: read without a branch for each.

use crate::detect::lanes::WIDTH;

/// A power of two, so that no index needs a test. Of 512 bytes at most every second begins a
/// word or is a sign behind a key, and 64 may begin again behind escapes; [`Places::add`]
/// writes some more.
const ROOM: usize = 512;
/// As many are written at once.
const STEP: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Places {
    at: [u16; ROOM],
    pub len: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { at: [0; ROOM], len: 0 }
    }
}

impl Places {
    /// All, in order, from the beginning of the text.
    #[inline]
    pub(super) fn all(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        self.at.iter().take(self.len).map(move |&at| from + usize::from(at))
    }

    #[inline(always)]
    pub(super) fn push(&mut self, at: usize) {
        debug_assert!(self.len < ROOM, "{at} does not fit");
        self.set(self.len, at);
        self.len += 1;
    }

    /// Adds the set bits of the block that begins at `from`.
    #[inline(always)]
    pub(super) fn add(&mut self, from: usize, mut mask: u64) {
        let count = usize::try_from(mask.count_ones()).unwrap_or(WIDTH);
        // Most blocks have a few: the end of a loop over each could not be foretold.
        for first in (0..count).step_by(STEP) {
            for index in first..first + STEP {
                let place = usize::try_from(mask.trailing_zeros()).unwrap_or(WIDTH);
                self.set(self.len + index, from + place);
                mask &= mask.wrapping_sub(1);
            }
        }
        self.len += count;
    }

    /// Keeps those that pass.
    #[inline(always)]
    pub(super) fn retain(&mut self, pass: impl Fn(usize) -> bool) {
        let mut kept = 0;
        for index in 0..self.len {
            let at = self.get(index);
            self.set(kept, at);
            kept += usize::from(pass(at));
        }
        self.len = kept;
    }

    pub(super) fn sort(&mut self) {
        if let Some(all) = self.at.get_mut(..self.len) {
            all.sort_unstable();
        }
    }

    #[inline(always)]
    fn get(&self, index: usize) -> usize {
        self.at.get(index % ROOM).copied().map_or(0, usize::from)
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a chunk has a few hundred bytes")]
    fn set(&mut self, index: usize, at: usize) {
        if let Some(slot) = self.at.get_mut(index % ROOM) {
            *slot = at as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_added_in_order_and_kept_if_they_pass() {
        let mut places = Places::default();
        for (block, mask) in [1 << 63 | 1, 0, 0x5555_5555_5555_5555, 1 << 7].into_iter().enumerate()
        {
            places.add(block * WIDTH, mask);
        }
        let even = (128..192).step_by(2);
        let all: Vec<_> = [0, 63].into_iter().chain(even).chain([199]).collect();
        assert_eq!(places.all(0).collect::<Vec<_>>(), all);
        places.retain(|at| at % 3 == 0);
        places.push(60);
        places.sort();
        let mut kept: Vec<_> = all.into_iter().filter(|at| at % 3 == 0).chain([60]).collect();
        kept.sort_unstable();
        assert_eq!(
            places.all(1000).collect::<Vec<_>>(),
            kept.iter().map(|at| at + 1000).collect::<Vec<_>>()
        );
    }
}
