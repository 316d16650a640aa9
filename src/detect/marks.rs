//! Where candidates may stand: one pass over the text, sixty-four bytes at a time.
//!
//! Each mark is a necessary condition, cheap to compute from a few sets of bytes; who
//! acts on it looks at the bytes themselves. The cost does not depend on how many
//! patterns there are.

use crate::detect::lanes::{Masks, WIDTH};

/// The shortest run of capitals and digits that needs a context.
const NUMBER: u32 = 10;
/// The shortest run of base64 that does.
const SECRET: u32 = 36;

/// Candidates among 64 bytes, as bits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// The beginnings of words: of runs of letters and digits.
    pub words: u64,
    /// Those of them that may begin with an escape.
    pub escaped: u64,
    /// A hyphen before eight letters and digits.
    pub ids: u64,
    /// The first hyphen of what may be a UUID.
    pub uuids: u64,
    /// The hyphen before the last digit of a region's name.
    pub regions: u64,
    /// A dot between digits.
    pub dots: u64,
    /// A colon after a letter or digit.
    pub colons: u64,
    /// What stands between a key and its value.
    pub keys: u64,
    /// The second hyphen of a flag.
    pub flags: u64,
    /// The colon of `://`.
    pub schemes: u64,
    /// The beginning of ten or more capitals and digits.
    pub numbers: u64,
    /// The beginning of `1234-5678-9012`.
    pub grouped: u64,
    /// The beginning of 36 or more characters of base64 and hyphens.
    pub secrets: u64,
    /// The `w` of `passwd` and `password`.
    pub passwords: u64,
    /// A backslash.
    pub escapes: u64,
}

/// Calls `hit` for each 64 bytes with their beginning.
pub(crate) fn each(text: &[u8], mut hit: impl FnMut(usize, &Marks)) {
    let mut before = Masks::default();
    let mut here = Masks::at(text, 0);
    let mut from = 0;
    while from < text.len() {
        let next = from + WIDTH;
        let after = if next < text.len() { Masks::at(text, next) } else { Masks::default() };
        hit(from, &Marks::new(&before, &here, &after));
        (before, here) = (here, after);
        from = next;
    }
}

impl Marks {
    /// Is there anything but words?
    #[inline]
    pub(crate) fn has_signs(&self) -> bool {
        let ids = self.ids | self.uuids | self.regions | self.dots | self.colons | self.schemes;
        let ids = ids | self.keys | self.flags;
        ids | self.numbers | self.grouped | self.secrets | self.passwords | self.escapes != 0
    }

    #[inline]
    fn new(before: &Masks, here: &Masks, after: &Masks) -> Self {
        let beside = back(here.word, before.word, 1);
        let word = wide(here.word, after.word);
        let four = run(word, 4);
        let eight = low(and_next(four, 4) >> 1);
        let fours = run(wide(here.digit, after.digit), 4);
        let hyphen = wide(here.hyphen, after.hyphen);
        let grouped = fours & hyphen >> 4 & fours >> 5 & hyphen >> 9 & fours >> 10;
        let number = low(run(wide(here.capital, after.capital), NUMBER));
        let secret = low(run(wide(here.base64, after.base64), SECRET));
        let digit_next = ahead(here.digit, after.digit, 1);
        let slashes = ahead(here.slash, after.slash, 1) & ahead(here.slash, after.slash, 2);
        let words = here.word & !beside;
        Self {
            words,
            escaped: words & back(here.lead, before.lead, 1),
            ids: here.hyphen & eight,
            uuids: here.hyphen & low(four >> 1) & low(hyphen >> 5),
            regions: here.hyphen & digit_next & !ahead(here.word, after.word, 2),
            dots: here.dot & digit_next & back(here.digit, before.digit, 1),
            colons: here.colon & beside,
            keys: here.sign,
            flags: here.hyphen
                & back(here.hyphen, before.hyphen, 1)
                & ahead(here.word, after.word, 1),
            schemes: here.colon & slashes,
            numbers: number & !back(here.capital, before.capital, 1),
            grouped: low(grouped),
            secrets: secret & !back(here.base64, before.base64, 1),
            passwords: here.w & back(here.s, before.s, 1) & back(here.s, before.s, 2),
            escapes: here.backslash,
        }
    }
}

/// Bits of the bytes so many places before.
#[inline]
pub(crate) fn back(here: u64, before: u64, places: u32) -> u64 {
    here << places | before >> (64 - places)
}

/// Bits of the bytes so many places behind.
#[inline]
fn ahead(here: u64, after: u64, places: u32) -> u64 {
    here >> places | after << (64 - places)
}

#[inline]
fn wide(here: u64, after: u64) -> u128 {
    u128::from(here) | u128::from(after) << 64
}

/// Where a run of at least `length` set bits begins or goes on: bits whose next
/// `length - 1` are set too.
fn run(set: u128, length: u32) -> u128 {
    let mut found = set;
    let mut have = 1;
    while have < length {
        let more = have.min(length - have);
        found = and_next(found, more);
        have += more;
    }
    found
}

fn and_next(set: u128, places: u32) -> u128 {
    set & set >> places
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low(bits: u128) -> u64 {
    bits as u64
}

/// The positions of the bits that are set.
pub(crate) fn bits(from: usize, mask: u64) -> impl Iterator<Item = usize> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let place = usize::try_from(rest.trailing_zeros()).unwrap_or_default();
        (rest != 0).then(|| {
            rest &= rest - 1;
            from + place
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginnings of what `pick` marks in `text`, put at every place of a block.
    fn marked(text: &str, pick: fn(&Marks) -> u64) -> Vec<usize> {
        let mut first = None;
        for lead in 0..130 {
            let padded = format!("{}{text}", " ".repeat(lead));
            let mut found = Vec::new();
            each(padded.as_bytes(), |from, marks| found.extend(bits(from, pick(marks))));
            let found: Vec<_> = found.into_iter().map(|at| at - lead).collect();
            let expected = first.get_or_insert_with(|| found.clone());
            assert_eq!(found, *expected, "{text} at {lead}");
        }
        first.unwrap_or_default()
    }

    #[test]
    fn candidates_are_marked_at_any_place() {
        type Case = (&'static str, fn(&Marks) -> u64, &'static [usize]);
        let cases: [Case; 21] = [
            ("ab cd-e é1", |m| m.words, &[0, 3, 6, 10]),
            ("i-0123456789", |m| m.ids, &[1]),
            ("i-0123456", |m| m.ids, &[]),
            ("i-01234567 a-b", |m| m.ids, &[1]),
            ("1234abcd-12ab-34cd-56ef-1234567890ab", |m| m.uuids, &[8, 13, 18]),
            ("us-east-1_x us-east-12", |m| m.regions, &[7]),
            ("1.2 a.3 4.b .5", |m| m.dots, &[1]),
            ("a:b ::c", |m| m.colons, &[1]),
            ("s3://x http:/y", |m| m.schemes, &[2]),
            ("a: b=c |d> e", |m| m.keys, &[1, 4, 7, 9]),
            ("--a -b -- c", |m| m.flags, &[1]),
            ("Z123456789 Z12345678", |m| m.numbers, &[0]),
            ("123456789012", |m| m.numbers, &[0]),
            ("1234-5678-9012", |m| m.grouped, &[0]),
            ("1234-5678-901", |m| m.grouped, &[]),
            ("0123456789abcdef0123456789abcdef0123", |m| m.secrets, &[0]),
            ("0123456789abcdef0123456789abcdef012", |m| m.secrets, &[]),
            ("password PASSWD", |m| m.passwords, &[4, 13]),
            ("swswss", |m| m.passwords, &[]),
            (r"a\u0069", |m| m.escapes, &[1]),
            ("", |m| m.words, &[]),
        ];
        for (text, pick, places) in cases {
            assert_eq!(marked(text, pick), places, "{text}");
        }
    }
}
