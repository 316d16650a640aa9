//! Keys that name what a customer made: `DBInstanceIdentifier`, `--function-name`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use serde::Deserialize;

use crate::detect::Kind;
use crate::detect::boundary::ends_escape;
use crate::detect::catalog::{CatalogError, Kinds, parse};
use crate::detect::context::answers::Answers;
use crate::detect::context::bytes::ends_with;
use crate::detect::context::calls::Call;
use crate::detect::context::code::{self, Beginning};
use crate::detect::context::rows::Rows;

const TABLE: &str = include_str!("../patterns/key_names.toml");
const RESOURCES: &str = include_str!("../patterns/terraform.toml");
const OPTIONS: &str = include_str!("../patterns/option_names.toml");
const ANSWERS: &str = include_str!("../patterns/answer_names.toml");

/// No key is longer, with its separators.
pub(super) const LONGEST: usize = 80;
/// How keys end, in small letters; a list adds an `s`.
const ENDINGS: [&[u8]; 5] = [b"name", b"instance", b"id", b"identifier", b"bucket"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    services: String,
    spaced: String,
    alone: HashMap<String, String>,
    beside: HashMap<String, String>,
}

/// What option_names.toml does not hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    members: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    called: BTreeMap<String, String>,
}

/// What a key says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub kind: Kind,
    /// Nobody but AWS uses it.
    pub alone: bool,
    /// Its values may hold spaces.
    pub spaced: bool,
    pub list: bool,
}

/// When a key names something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    Always,
    BesideAws,
    /// On AWS's command line, behind a service.
    Command,
}

#[derive(Debug)]
pub(crate) struct Names {
    /// By the key without case and separators.
    keys: HashMap<Box<[u8]>, Key, BuildHasherDefault<Fast>>,
    services: HashSet<Box<[u8]>>,
    /// By service, operation if it matters, and option: `ssm.parameter.name`.
    pub(super) options: HashMap<Box<[u8]>, Kind>,
    /// By the type of a resource in Terraform.
    pub(super) resources: HashMap<Box<[u8]>, Kind>,
    /// Members of answers, like `options`: wherever they stand in one.
    pub(super) members: HashMap<Box<[u8]>, Kind>,
    /// Those that hold a secret.
    pub(super) held: HashSet<Box<[u8]>>,
    /// By what stands beside a value: `tag.name`.
    pub(super) called: HashMap<Box<[u8]>, Kind>,
    /// What commands print.
    pub(super) answers: Option<Answers>,
    /// What stands in rows of text.
    pub(super) rows: Option<Rows>,
    /// How programs begin to name something.
    pub(super) beginnings: Vec<Beginning>,
    /// And calls whose arguments have names.
    pub(super) calls: Vec<Call>,
}

impl Names {
    pub(super) fn builtin(kinds: &mut Kinds) -> Result<Self, CatalogError> {
        let file: File = parse("key_names", TABLE)?;
        let mut keys = HashMap::default();
        for (groups, alone) in [(file.alone, true), (file.beside, false)] {
            let mut groups: Vec<_> = groups.into_iter().collect();
            groups.sort();
            for (kind, names) in groups {
                let kind = kinds.make(&kind);
                let key = Key { kind, alone, spaced: false, list: false };
                keys.extend(words(&names).map(|name| (name, key)));
            }
        }
        for name in words(&file.spaced) {
            keys.entry(name).and_modify(|key| key.spaced = true);
        }
        let options = by_name(parse("option_names", OPTIONS)?, kinds);
        let resources = by_name(parse("terraform", RESOURCES)?, kinds);
        let answered: Answered = parse("answer_names", ANSWERS)?;
        let held = answered.secrets.values().flat_map(|names| words(names)).collect();
        let members = by_name(answered.members, kinds);
        let called = by_name(answered.called, kinds);
        let services = words(&file.services).collect();
        let (answers, rows) = (Some(Answers::new(kinds)), Some(Rows::new(kinds)));
        let (beginnings, calls) = code::beginnings(kinds)?;
        Ok(Self {
            keys,
            services,
            options,
            resources,
            members,
            held,
            called,
            answers,
            rows,
            beginnings,
            calls,
        })
    }

    /// No key names anything from now on.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.options.clear();
        self.resources.clear();
        self.members.clear();
        self.held.clear();
        self.called.clear();
        self.answers = None;
        self.rows = None;
        self.beginnings.clear();
        self.calls.clear();
    }

    /// The keys and options for each kind, and when they suffice.
    pub(crate) fn by_kind(&self) -> BTreeMap<Kind, Vec<(String, When)>> {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let keys = self.keys.iter().map(|(name, key)| {
            (name, key.kind, if key.alone { When::Always } else { When::BesideAws })
        });
        let options = self
            .options
            .iter()
            .chain(&self.members)
            .map(|(name, kind)| (name, *kind, When::Command));
        for (name, kind, when) in keys.chain(options) {
            let name = String::from_utf8_lossy(name).into_owned();
            all.entry(kind).or_default().push((name, when));
        }
        all.values_mut().for_each(|keys| keys.sort_unstable());
        all
    }

    /// Is this the name of a service on AWS's command line?
    pub(super) fn is_service(&self, name: &[u8]) -> bool {
        self.services.contains(name)
    }

    pub(super) fn key(&self, name: &[u8]) -> Option<Key> {
        if name.len() > LONGEST || !may_end(name) {
            return None;
        }
        let mut letters = [0; LONGEST];
        let mut len = 0;
        for byte in name {
            // What is no letter is written over by what follows.
            if let Some(slot) = letters.get_mut(len) {
                *slot = byte.to_ascii_lowercase();
            }
            len += usize::from(byte.is_ascii_alphanumeric());
        }
        let letters = letters.get(..len)?;
        let found = |name: &[u8], list| self.keys.get(name).map(|&key| Key { list, ..key });
        found(letters, false).or_else(|| found(letters.strip_suffix(b"s")?, true))
    }
}

/// For a table that is fixed when the program is built: nobody chooses what is in one list.
#[derive(Debug, Default)]
struct Fast(u64);

impl Hasher for Fast {
    fn write(&mut self, bytes: &[u8]) {
        let mut mix = |part: u64| {
            self.0 = (self.0.rotate_left(5) ^ part).wrapping_mul(0x517c_c1b7_2722_0a95);
        };
        let (eights, rest) = bytes.as_chunks();
        eights.iter().for_each(|eight| mix(u64::from_le_bytes(*eight)));
        mix(rest.iter().fold(1, |all, &byte| all << 8 | u64::from(byte)));
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// The kinds of names that a file lists by kind.
fn by_name(file: BTreeMap<String, String>, kinds: &mut Kinds) -> HashMap<Box<[u8]>, Kind> {
    let mut all = HashMap::new();
    for (kind, names) in file {
        let kind = kinds.make(&kind);
        all.extend(words(&names).map(|name| (name, kind)));
    }
    all
}

fn words(text: &str) -> impl Iterator<Item = Box<[u8]>> {
    text.split_ascii_whitespace().map(|word| word.as_bytes().into())
}

/// Without case and separators.
pub(super) fn plain(name: &[u8]) -> Vec<u8> {
    let letters = name.iter().filter(|b| b.is_ascii_alphanumeric());
    letters.map(u8::to_ascii_lowercase).collect()
}

/// Are these the last words of a name, whatever stands between its words?
pub(super) fn ends_in(name: &[u8], words: &[u8]) -> bool {
    let mut letters = name.iter().rev().filter(|b| b.is_ascii_alphanumeric());
    words.iter().rev().all(|own| letters.next().is_some_and(|b| b.eq_ignore_ascii_case(own)))
        && letters.next().is_some()
}

/// What a list of this name, in small letters, is a list of.
pub(super) fn single(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"s").unwrap_or(name)
}

/// Does this word end like a key? Almost none does.
pub(super) fn may_end(word: &[u8]) -> bool {
    let one = word.strip_suffix(b"s").or_else(|| word.strip_suffix(b"S")).unwrap_or(word);
    ends_like_a_key(four_before(word, word.len()))
        && ENDINGS.iter().any(|ending| ends_with(one, ending))
}

/// How words end that [`ends_like_a_key`] holds for.
pub(crate) const LAST: [&[u8]; 10] =
    [b"id", b"ids", b"name", b"ance", b"fier", b"cket", b"ames", b"nces", b"iers", b"kets"];

/// May a word that ends with these four bytes end like a key?
#[inline(always)]
pub(crate) fn ends_like_a_key(four: u32) -> bool {
    const fn of(text: [u8; 4]) -> u32 {
        u32::from_le_bytes(text)
    }
    let four = four | of([SMALL; 4]);
    let id = four >> 16 == of(*b"id\0\0") || four >> 8 == of(*b"ids\0");
    let (name, instance) = (four == of(*b"name"), four == of(*b"ance"));
    let (identifier, bucket) = (four == of(*b"fier"), four == of(*b"cket"));
    let (names, instances) = (four == of(*b"ames"), four == of(*b"nces"));
    let (identifiers, buckets) = (four == of(*b"iers"), four == of(*b"kets"));
    // Not one after the other: that could not be foretold.
    id | name | instance | identifier | bucket | names | instances | identifiers | buckets
}

/// The four bytes before this place; before the beginning of the text, zeros.
#[inline(always)]
pub(crate) fn four_before(text: &[u8], at: usize) -> u32 {
    let head = text.get(..at).unwrap_or_default();
    match head.last_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => head.iter().fold(0, |all, &byte| all >> 8 | u32::from(byte) << 24),
    }
}

/// What may stand between a key and the sign behind it.
pub(crate) const BEFORE_SIGN: &[u8] = b" \t\"'`\\])*}";
/// No more of it does.
const GAP: usize = 24;

/// Where a key ends before the sign at `at`.
pub(crate) fn key_end(text: &[u8], at: usize) -> usize {
    let head = text.get(at.saturating_sub(GAP)..at).unwrap_or_default();
    at - head.iter().rev().take_while(|b| BEFORE_SIGN.contains(b)).count()
}

/// Where the flag ends whose second hyphen this is: `--db-instance-identifier VALUE …`. Inside a
/// value none begins: each value is read once.
pub(crate) fn flag_end(text: &[u8], hyphen: usize) -> Option<usize> {
    let rest = text.get(hyphen + 1..)?;
    let of_flag = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(b);
    let len = rest.iter().take(LONGEST).take_while(of_flag).count();
    let lead = hyphen.checked_sub(2).and_then(|at| text.get(at));
    let begins =
        |b: &u8| b.is_ascii_whitespace() || !b.is_ascii() || b"\"'`([{*<>,|~&;:=".contains(b);
    (lead.is_none_or(begins) || ends_escape(text, hyphen - 1)).then_some(hyphen + 1 + len)
}

/// Makes capital letters small ones, and signs other signs.
const SMALL: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_in_few_ways() {
        for ending in ENDINGS.iter().map(|ending| String::from_utf8_lossy(ending)) {
            for word in [ending.to_string(), format!("My{ending}s"), ending.to_uppercase() + "S"] {
                assert!(may_end(word.as_bytes()), "{word}");
            }
        }
        for word in ["", "s", "d", "balance", "user", "types", "packet", "prices", "idx"] {
            assert!(!may_end(word.as_bytes()), "{word}");
        }
    }
}
