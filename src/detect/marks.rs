//! Where candidates may stand: one pass over the text, sixty-four bytes at a time.
//!
//! Each mark is a necessary condition, cheap to compute from a few sets of bytes; who
//! acts on it looks at the bytes themselves. The cost does not depend on how many
//! patterns there are.

use crate::detect::lanes::Masks;

mod chunk;
mod places;
mod row;

pub(crate) use chunk::{each, each_word};
pub(crate) use row::{Row, Rows};

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
    /// A dot between digits, with another one near.
    pub dots: u64,
    /// A colon behind four letters or digits and before more of what may be an address.
    pub colons: u64,
    /// What may stand between a key and its value.
    pub keys: u64,
    /// The second hyphen of a flag.
    pub flags: u64,
    /// The colon of `://`.
    pub schemes: u64,
    /// The beginning of ten or more capitals and digits: in one block, whether there may be any.
    pub numbers: u64,
    /// The beginning of `1234-5678-9012`.
    pub grouped: u64,
    /// The beginning of 36 or more characters of base64 and hyphens; likewise.
    pub secrets: u64,
    /// The `w` of `passwd` and `password`.
    pub passwords: u64,
    /// A backslash, or what begins a control sequence.
    pub escapes: u64,
    /// How the sign of a prompt ends, before a space.
    pub prompts: u64,
}

impl Marks {
    /// Anything but words, keys and runs.
    #[inline(always)]
    pub(super) fn signs(&self) -> u64 {
        let ids = self.ids | self.uuids | self.regions | self.dots | self.colons | self.schemes;
        let more = self.flags | self.grouped;
        ids | more | self.passwords | self.escapes | self.prompts
    }

    /// Of a run of ten, five are in one of two blocks, of a run of 36, sixteen.
    #[inline(always)]
    pub(super) fn new(before: &Masks, here: &Masks, after: &Masks) -> Self {
        let (word, digit) = (Pair(here.word, after.word), Pair(here.digit, after.digit));
        let (hyphen, dot) = (Pair(here.hyphen, after.hyphen), Pair(here.dot, after.dot));
        let slash = Pair(here.slash, after.slash);
        let word_before = back(here.word, before.word, 1);
        let words = here.word & !word_before;
        let lead = here.lead | here.backslash;
        // An address goes on with a group of at most three digits, and a dot.
        let dot_again = dot.ahead(2) | dot.ahead(3) | dot.ahead(4);
        let digit_next = digit.ahead(1);
        let group = back(here.word, before.word, 2) & back(here.word, before.word, 3);
        let group = group & word_before & back(here.word, before.word, 4);
        let of_group = Pair(here.word | here.colon, after.word | after.colon);
        let (two, digits) = (word.with(word, 1), digit.with(digit, 1));
        let (four, digits) = (two.with(two, 2), digits.with(digits, 2));
        let id = here.hyphen & four.ahead(1);
        let grouped = digits.0 & hyphen.ahead(4) & digits.ahead(5) & hyphen.ahead(9);
        Self {
            words,
            escaped: words & back(lead, before.lead | before.backslash, 1),
            ids: id & four.ahead(5),
            uuids: id & hyphen.ahead(5),
            regions: here.hyphen & digit_next & !word.ahead(2),
            dots: here.dot & back(here.digit, before.digit, 1) & digit_next & dot_again,
            colons: here.colon & group & of_group.ahead(1),
            keys: here.colon | here.sign,
            flags: here.hyphen & back(here.hyphen, before.hyphen, 1) & word.ahead(1),
            schemes: here.colon & slash.ahead(1) & slash.ahead(2),
            numbers: five(here.capital) | five(after.capital),
            grouped: grouped & digits.ahead(10),
            secrets: sixteen(here.base64) | sixteen(after.base64),
            passwords: here.w & back(here.s, before.s, 1) & back(here.s, before.s, 2),
            escapes: here.backslash | here.control,
            prompts: here.prompt & Pair(here.space, after.space).ahead(1),
        }
    }

    /// The beginnings of runs of ten bits and more.
    #[inline(always)]
    fn run_of_ten(before: u64, here: u64, after: u64) -> u64 {
        run_of_ten(Pair(here, after)) & !back(here, before, 1)
    }

    /// Of 36 and more.
    #[inline(always)]
    fn run_of_36(before: u64, here: u64, after: u64) -> u64 {
        run_of_36(Pair(here, after)) & !back(here, before, 1)
    }
}

/// Where five set bits begin.
#[inline(always)]
fn five(here: u64) -> u64 {
    let two = here & here >> 1;
    two & two >> 2 & here >> 4
}

/// Where sixteen do.
#[inline(always)]
fn sixteen(here: u64) -> u64 {
    let two = here & here >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    eight & eight >> 8
}

#[inline(always)]
fn run_of_ten(set: Pair) -> u64 {
    let two = set.with(set, 1);
    let four = two.with(two, 2);
    let eight = four.with(four, 4);
    eight.0 & two.ahead(8)
}

#[inline(always)]
fn run_of_36(set: Pair) -> u64 {
    let two = set.with(set, 1);
    let four = two.with(two, 2);
    let eight = four.with(four, 4);
    let sixteen = eight.with(eight, 8);
    sixteen.with(sixteen, 16).0 & four.ahead(32)
}

/// The bits of a block and of the one behind it.
#[derive(Clone, Copy)]
struct Pair(u64, u64);

impl Pair {
    /// Bits of the bytes so many places behind.
    #[inline(always)]
    fn ahead(self, places: u32) -> u64 {
        self.0 >> places | self.1 << (64 - places)
    }

    /// Those that are set here and, so many places behind, there. What lies behind both
    /// blocks counts as not set.
    #[inline(always)]
    fn with(self, there: Self, places: u32) -> Self {
        Self(self.0 & there.ahead(places), self.1 & there.1 >> places)
    }
}

/// Bits of the bytes so many places before.
#[inline]
fn back(here: u64, before: u64, places: u32) -> u64 {
    here << places | before >> (64 - places)
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
    use crate::detect::literals::Heads;

    /// The beginnings of what `pick` marks in `text`, put at every place of a block.
    fn marked(text: &str, pick: fn(&Rows) -> &Row) -> Vec<usize> {
        let mut first = None;
        for lead in 0..130 {
            let padded = format!("{}{text}", " ".repeat(lead));
            let mut found = Vec::new();
            each(padded.as_bytes(), &Heads::default(), |chunk| {
                found.extend(pick(&chunk.marks).places(chunk.from));
            });
            let found: Vec<_> = found.into_iter().map(|at| at - lead).collect();
            let expected = first.get_or_insert_with(|| found.clone());
            assert_eq!(found, *expected, "{text} at {lead}");
        }
        first.unwrap_or_default()
    }

    #[test]
    fn candidates_are_marked_at_any_place() {
        type Case = (&'static str, fn(&Rows) -> &Row, &'static [usize]);
        let cases: [Case; 24] = [
            ("ab cd-e é1", |m| &m.words, &[0, 3, 6, 10]),
            ("i-0123456789", |m| &m.ids, &[1]),
            ("i-0123456", |m| &m.ids, &[]),
            ("i-01234567 a-b", |m| &m.ids, &[1]),
            ("1234abcd-12ab-34cd-56ef-1234567890ab", |m| &m.uuids, &[8, 13, 18]),
            ("us-east-1_x us-east-12", |m| &m.regions, &[7]),
            ("1.2.3 a.3. 4.b .5.", |m| &m.dots, &[1, 3]),
            ("1.2345.6 123.4", |m| &m.dots, &[]),
            ("fd12:1 fd12::1 12:1 fd12: x", |m| &m.colons, &[4, 11]),
            ("s3://x http:/y", |m| &m.schemes, &[2]),
            ("a: b=c |d> e", |m| &m.keys, &[1, 4, 7, 9]),
            ("--a -b -- c", |m| &m.flags, &[1]),
            ("Z123456789 Z12345678", |m| &m.numbers, &[0]),
            ("123456789012", |m| &m.numbers, &[0]),
            ("1234-5678-9012", |m| &m.grouped, &[0]),
            ("1234-5678-901", |m| &m.grouped, &[]),
            ("0123456789abcdef0123456789abcdef0123", |m| &m.secrets, &[0]),
            ("0123456789abcdef0123456789abcdef012", |m| &m.secrets, &[]),
            ("password PASSWD", |m| &m.passwords, &[4, 13]),
            ("swswss", |m| &m.passwords, &[]),
            (r"a\u0069", |m| &m.escapes, &[1]),
            ("a\x1b[m", |m| &m.escapes, &[1]),
            ("$ x $x # ❯ % > ", |m| &m.prompts, &[0, 7, 11, 13, 15]),
            ("", |m| &m.words, &[]),
        ];
        for (text, pick, places) in cases {
            assert_eq!(marked(text, pick), places, "{text}");
        }
    }
}
