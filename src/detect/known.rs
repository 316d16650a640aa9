//! Names that a document has taught so far: masked wherever they stand alone.
//!
//! A filter over the first bytes of words passes over most of them, so that the cost
//! does not grow with the number of names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Bound, Range};

use memchr::memmem::Finder;

use crate::detect::boundary::{begins_word, left_of, right_of};
use crate::detect::catalog::Catalog;
use crate::detect::classes::is_region;
use crate::detect::literals::{FewHeads, Heads, eight};
use crate::detect::marks;
use crate::detect::{Finding, Kind, Rank};

/// Shorter names are words.
const SHORTEST: usize = 5;
/// Bits of the filter for each name, at least.
const BITS_PER_NAME: usize = 64;
const FIRST_BITS: usize = 1 << 12;
/// So many names, of which none is longer, are looked for one by one.
const FEW: usize = 4;
const SHORT: usize = 64;

#[derive(Clone, Default)]
pub struct Known {
    names: BTreeMap<Box<[u8]>, Kind>,
    longest: usize,
    /// How many signs stand before the first word of a name: mostly none.
    leads: BTreeSet<usize>,
    all: Beginnings,
    /// Of the names since [`Known::begin_units`].
    fresh: Beginnings,
    fresh_heads: Option<FewHeads>,
    /// The same names, with what stands before the first word, unless they are `many`.
    few: Vec<(Finder<'static>, usize)>,
    many: bool,
    /// The first four bytes of all names, and of the catalog's literals. None, while
    /// nothing is known.
    heads: Option<Heads>,
}

/// How names begin, from their first word on.
#[derive(Clone, Default)]
struct Beginnings {
    /// By eight bytes, of names that are so long.
    long: Filter<8>,
    /// By five.
    short: Filter<5>,
    /// The first bytes of words behind which a name ends before a filter could tell.
    firsts: [u64; 4],
    any: bool,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Known({} names)", self.names.len())
    }
}

impl Known {
    /// Remembers a name, to be found beside what `catalog` finds. False if it is too weak
    /// to be masked alone, a word of AWS's own, or known.
    pub fn learn(&mut self, catalog: &Catalog, name: &str, kind: Kind) -> bool {
        let bytes = name.as_bytes();
        let own = catalog.arns.is_term(name) || is_region(bytes);
        if !is_strong(bytes) || own || self.names.contains_key(bytes) {
            return false;
        }
        self.names.insert(bytes.into(), kind);
        self.longest = self.longest.max(bytes.len());
        self.leads.insert(lead(bytes));
        let word = bytes.get(lead(bytes)..).unwrap_or_default();
        self.all.add(word);
        self.fresh.add(word);
        self.heads.get_or_insert_with(|| catalog.literals.filter.clone()).mark_name(word);
        self.fresh_heads.get_or_insert_default().mark_name(word);
        self.many |= self.few.len() >= FEW || bytes.len() > SHORT;
        if !self.many {
            self.few.push((Finder::new(bytes).into_owned(), lead(bytes)));
        }
        true
    }

    /// From here on, names are news until the next units are looked at.
    pub fn begin_units(&mut self) {
        if self.fresh.any {
            self.fresh = Beginnings::default();
            self.fresh_heads.iter_mut().for_each(FewHeads::clear);
            self.few.clear();
            self.many = false;
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    #[must_use]
    pub fn contains(&self, name: &str) -> Option<Kind> {
        self.names.get(name.as_bytes()).copied()
    }

    /// All names, in an order that does not depend on when they were learned.
    pub fn names(&self) -> impl Iterator<Item = (&str, Kind)> {
        let text = |name| std::str::from_utf8(name).unwrap_or_default();
        self.names.iter().map(move |(name, &kind)| (text(name), kind))
    }

    /// What a word begins with that is worth a look.
    #[inline]
    pub(crate) fn heads<'a>(&'a self, catalog: &'a Catalog) -> &'a Heads {
        self.heads.as_ref().unwrap_or(&catalog.literals.filter)
    }

    /// May a name begin with the word whose first eight bytes are these?
    #[inline]
    pub(crate) fn may_begin(&self, head: u64) -> bool {
        self.all.may_begin(head)
    }

    /// Adds the known names that stand in the gaps between `taken`, which is sorted.
    ///
    /// `words` are the beginnings of words at which a name may stand that was known
    /// before the unit began: see [`Catalog::scan_beside`]. For those that the unit
    /// itself taught, the text is read again.
    ///
    /// [`Catalog::scan_beside`]: crate::detect::Catalog::scan_beside
    pub fn find(
        &self,
        text: &str,
        mut words: Vec<usize>,
        taken: &[Range<usize>],
        out: &mut Vec<Finding>,
    ) {
        let bytes = text.as_bytes();
        let mut search = Search { known: self, text: bytes, taken, from: 0, out };
        if !self.many {
            self.few.iter().for_each(|(name, lead)| occurrences(bytes, name, *lead, &mut words));
        } else if let Some(heads) = &self.fresh_heads {
            marks::each_word(bytes, heads, |word| {
                if self.fresh.may_begin(eight(bytes, word)) {
                    words.push(word);
                }
            });
        }
        words.sort_unstable();
        words.into_iter().for_each(|word| search.look_up(word));
    }

    /// The longest name at `start` that ends no later than `end`.
    fn name_at(&self, text: &[u8], start: usize, end: usize) -> Option<(usize, Kind)> {
        let rest = text.get(start..end.min(start + self.longest))?;
        let mut rest = left_of(text, start).then_some(rest)?;
        // The greatest name that is not greater than the text either begins the text, or
        // has in common with it all that a shorter one can have.
        loop {
            let not_greater = (Bound::Unbounded, Bound::Included(rest));
            let (name, &kind) = self.names.range::<[u8], _>(not_greater).next_back()?;
            let common = name.iter().zip(rest).take_while(|(a, b)| a == b).count();
            if common == name.len() && right_of(text, start + common) {
                return Some((common, kind));
            }
            rest = rest.get(..common.min(name.len() - 1))?;
        }
    }
}

/// Adds the first words of a name where they are those of words of the text.
fn occurrences(text: &[u8], name: &Finder<'_>, lead: usize, words: &mut Vec<usize>) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| name.find(rest)) {
        let word = from + at + lead;
        if begins_word(text, word) {
            words.push(word);
        }
        // One may begin in another.
        from += at + 1;
    }
}

/// One search through one text.
struct Search<'a> {
    known: &'a Known,
    text: &'a [u8],
    /// What is left of the spans that are never touched.
    taken: &'a [Range<usize>],
    /// Up to here names are found already.
    from: usize,
    out: &'a mut Vec<Finding>,
}

impl Search<'_> {
    /// The name whose first word begins here.
    fn look_up(&mut self, word: usize) {
        if word < self.from {
            return;
        }
        while let Some((span, rest)) = self.taken.split_first()
            && span.end <= word
        {
            self.from = self.from.max(span.end);
            self.taken = rest;
        }
        let end = self.taken.first().map_or(self.text.len(), |span| span.start);
        let starts = self.known.leads.iter().rev().filter_map(|lead| word.checked_sub(*lead));
        for start in starts.filter(|&start| start >= self.from) {
            if let Some((len, kind)) = self.known.name_at(self.text, start, end) {
                let span = start..start + len;
                self.from = span.end;
                self.out.push(Finding { span, kind, rank: Rank::Known, teach: false });
                return;
            }
        }
    }
}

/// Can this name be masked without a key or an ARN around it?
fn is_strong(name: &[u8]) -> bool {
    let special = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase() || b"-_.".contains(b);
    name.len() >= SHORTEST && name.iter().any(special) && lead(name) < name.len()
}

/// How many bytes stand before the first word of a name.
fn lead(name: &[u8]) -> usize {
    name.iter().position(u8::is_ascii_alphanumeric).unwrap_or(name.len())
}

impl Beginnings {
    /// Adds a name, without what stands before its first word.
    fn add(&mut self, name: &[u8]) {
        self.any = true;
        match name {
            [_, _, _, _, _, _, _, _, ..] => self.long.add(name),
            [_, _, _, _, _, ..] => self.short.add(name),
            [first, ..] => {
                if let Some(word) = self.firsts.get_mut(usize::from(first >> 6)) {
                    *word |= 1 << (first & 63);
                }
            }
            [] => {}
        }
    }

    #[inline]
    fn may_begin(&self, head: u64) -> bool {
        self.long.may_hold(head)
            || self.short.may_hold(head)
            || (self.firsts != [0; 4] && self.may_begin_short(head))
    }

    #[cold]
    fn may_begin_short(&self, head: u64) -> bool {
        let [first, ..] = head.to_le_bytes();
        self.firsts.get(usize::from(first >> 6)).is_some_and(|word| word >> (first & 63) & 1 == 1)
    }
}

/// A set of heads that may hold more than was added: a Bloom filter by `BYTES` bytes.
#[derive(Clone, Default)]
struct Filter<const BYTES: u32> {
    heads: BTreeSet<u64>,
    words: Vec<u64>,
}

impl<const BYTES: u32> Filter<BYTES> {
    fn add(&mut self, name: &[u8]) {
        let head = Self::cut(eight(name, 0));
        if !self.heads.insert(head) {
            return;
        }
        if self.heads.len() * BITS_PER_NAME > self.words.len() * 64 {
            let bits = (self.words.len() * 64 * 4).max(FIRST_BITS);
            self.words = vec![0; bits / 64];
            self.heads.iter().for_each(|&head| mark(&mut self.words, head));
        } else {
            mark(&mut self.words, head);
        }
    }

    #[inline]
    fn may_hold(&self, head: u64) -> bool {
        let (index, bit) = place(Self::cut(head), self.words.len());
        self.words.get(index).is_some_and(|word| word & bit != 0)
    }

    #[inline]
    fn cut(head: u64) -> u64 {
        head & (u64::MAX >> (64 - 8 * BYTES))
    }
}

fn mark(words: &mut [u64], head: u64) {
    let (index, bit) = place(head, words.len());
    if let Some(word) = words.get_mut(index) {
        *word |= bit;
    }
}

/// The bit for a head, by multiplicative hashing: only the high bits of the product
/// depend on all of the head. `words` is a power of two.
#[inline]
fn place(head: u64, words: usize) -> (usize, u64) {
    let hash = (head ^ head >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = usize::try_from(hash >> 40).unwrap_or_default() & words.wrapping_sub(1);
    (word, 1 << (hash >> 58))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::detect::Settings;

    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::builtin(&Settings::default()).unwrap());

    fn known(names: &[&str]) -> Known {
        let mut known = Known::default();
        for name in names {
            assert!(known.learn(&CATALOG, name, Kind(7)), "{name}");
        }
        known
    }

    #[test]
    fn weak_names_are_not_learned() {
        let mut known = Known::default();
        for name in ["", "app", "a-1", "users", "production", "log-group", "us-gov-west-1"] {
            assert!(!known.learn(&CATALOG, name, Kind(0)), "{name}");
        }
        for name in ["my-app", "Users", "prod1", "a.b.c", "123456789012"] {
            assert!(known.learn(&CATALOG, name, Kind(0)), "{name}");
            assert!(!known.learn(&CATALOG, name, Kind(0)), "{name} again");
            assert_eq!(known.contains(name), Some(Kind(0)));
        }
    }

    #[test]
    fn names_are_found_where_they_stand_alone() {
        let known =
            known(&["prod-data", "prod-data-lake", "MyRole", "123456789012", "/!!-1", "$.ab2"]);
        for (text, found) in [
            ("prod-data", vec!["prod-data"]),
            ("prod-data-lake x", vec!["prod-data-lake"]),
            ("prod-data-x prod-dataset", vec!["prod-data"]),
            ("xprod-data MyRoles", vec![]),
            ("\"MyRole\":/MyRole/", vec!["MyRole", "MyRole"]),
            ("\\nMyRole\\\\n123456789012", vec!["MyRole", "123456789012"]),
            ("%2FMyRole \u{1b}[1;32mMyRole", vec!["MyRole", "MyRole"]),
            ("é MyRole입니다", vec!["MyRole"]),
            ("a //!!-1/b !!-1", vec!["/!!-1"]),
            ("x-$.ab2 x$.ab2", vec!["$.ab2"]),
            ("prod-data-lak prod-data-l prod-dat", vec!["prod-data", "prod-data"]),
        ] {
            let mut out = Vec::new();
            known.find(text, Vec::new(), &[], &mut out);
            let spans: Vec<_> = out.iter().map(|f| text.get(f.span.clone()).unwrap()).collect();
            assert_eq!(spans, found, "{text}");
        }
    }

    #[test]
    fn names_of_earlier_units_are_found_by_their_words() {
        let mut known = known(&["MyRole", "prod-data"]);
        known.begin_units();
        let text = "MyRole prod-data prod-dat MyRole2";
        let mut out = Vec::new();
        known.find(text, Vec::new(), &[], &mut out);
        assert_eq!(out, []);
        let words: Vec<_> =
            (0..text.len()).filter(|&at| known.may_begin(eight(text.as_bytes(), at))).collect();
        assert_eq!(words, [0, 7, 17, 26]);
        known.learn(&CATALOG, "prod-dat", Kind(7));
        known.find(text, words, &[], &mut out);
        let starts: Vec<_> = out.iter().map(|found| found.span.start).collect();
        assert_eq!(starts, [0, 7, 17]);
    }

    #[test]
    fn few_names_are_found_where_many_are() {
        let few = known(&["a-1-a", "MyRole", "/!!-1"]);
        let mut many = few.clone();
        many.many = true;
        for text in [
            "xa-1-a-1-a-1-a a-1-a-1-a",
            "\\nMyRole %2FMyRole $252FMyRole \\u000aMyRole \u{1b}[1;32mMyRole \\x41MyRole",
            "[1mMyRole ;MyRole ?a-1-a \\\\a-1-a //!!-1 x/!!-1/!!-1",
        ] {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            few.find(text, Vec::new(), &[], &mut one);
            many.find(text, Vec::new(), &[], &mut other);
            assert_eq!(one, other, "{text}");
            assert!(!one.is_empty());
        }
    }

    #[test]
    fn what_is_taken_stays() {
        let mut out = Vec::new();
        known(&["MyRole"]).find("MyRole MyRole MyRole", Vec::new(), &[0..6, 9..11], &mut out);
        assert_eq!(out.iter().map(|f| (f.span.start, f.span.end)).collect::<Vec<_>>(), [(14, 20)]);
    }

    #[test]
    fn many_names_are_all_found() {
        let names: Vec<String> = (0..5000).map(|n| format!("name-{n:05}")).collect();
        let mut known = Known::default();
        for name in &names {
            assert!(known.learn(&CATALOG, name, Kind(1)));
        }
        let mut out = Vec::new();
        known.find(&names.join(" "), Vec::new(), &[], &mut out);
        assert_eq!(out.len(), names.len());
    }
}
