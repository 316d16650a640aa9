//! The places of bits that are set, as a list: read without a branch for each.

use crate::detect::lanes::WIDTH;

/// A power of two, so that no index needs a test. Of 512 bytes at most every second begins a
/// word or is a sign behind a key, and 64 may begin again behind escapes; [`Places::add`]
/// writes some more.
const ROOM: usize = 512;
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

    /// Adds the set bits of the block that begins at `from`, those that pass: `pass` is told their
    /// place in the block, and asked for the place right behind it, too. `STEP`: as many are
    /// written at once, and so often at least that most blocks need as many steps: the end of a
    /// loop over each could not be foretold.
    #[inline(always)]
    pub(super) fn add<const STEP: usize, const LEAST: usize>(
        &mut self,
        from: usize,
        mut mask: u64,
        pass: impl Fn(usize) -> bool,
    ) {
        let count = usize::try_from(mask.count_ones()).unwrap_or(WIDTH);
        let steps = count.div_ceil(STEP).max(LEAST);
        let mut len = self.len;
        for _ in 0..steps {
            for _ in 0..STEP {
                let at = usize::try_from(mask.trailing_zeros()).unwrap_or(WIDTH);
                self.set(len, from + at);
                len += usize::from(pass(at));
                mask &= mask.wrapping_sub(1);
            }
        }
        self.len = len;
        // What was too much stood for the place behind the block.
        if steps * STEP > count && pass(WIDTH) {
            self.len -= steps * STEP - count;
        }
    }

    pub(super) fn sort(&mut self) {
        if let Some(all) = self.at.get_mut(..self.len) {
            all.sort_unstable();
        }
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
    fn places_are_added_in_order_if_they_pass() {
        let masks = [1 << 63 | 1, 0, 0x5555_5555_5555_5555, 1 << 7];
        let added = |pass: fn(usize) -> bool| {
            let mut places = Places::default();
            for (block, mask) in masks.into_iter().enumerate() {
                places.add::<4, 1>(block * WIDTH, mask, |at| pass(block * WIDTH + at));
            }
            places
        };
        let even = (128..192).step_by(2);
        let all: Vec<_> = [0, 63].into_iter().chain(even).chain([199]).collect();
        assert_eq!(added(|_| true).all(0).collect::<Vec<_>>(), all);
        let mut places = added(|at| at % 3 == 0);
        places.push(60);
        places.sort();
        let mut kept: Vec<_> = all.into_iter().filter(|at| at % 3 == 0).chain([60]).collect();
        kept.sort_unstable();
        let from: Vec<_> = kept.iter().map(|at| at + 1000).collect();
        assert_eq!(places.all(1000).collect::<Vec<_>>(), from);
    }
}
