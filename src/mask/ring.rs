//! The key ring: what everything else is derived from.
//!
//! ```text
//! masker key ring 1
//! tag 8c1f0a7d…             placeholders; changing it changes them all
//! seal 0 8c1f0a7d…          opens what was sealed under it
//! seal 1 93e4b256… current  seals what is new, too
//! tenant payments 55d0e1…   a salt of its own: without it, all of this tenant's is gone
//! ```
//!
//! A file with nothing but one key, 64 hexadecimal characters or 32 bytes, is a
//! ring whose `tag` and `seal 0` are that key.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::mask::Tenant;

pub(crate) type Key = Zeroizing<[u8; 32]>;

const HEAD: &str = "masker key ring 1";

#[derive(Clone)]
pub struct Ring {
    pub(crate) tag: Key,
    pub(crate) seals: BTreeMap<u8, Key>,
    pub(crate) current: u8,
    pub(crate) salts: BTreeMap<Tenant, Key>,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ring({} seals, {} salts)", self.seals.len(), self.salts.len())
    }
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    #[error("a master key is 64 hexadecimal characters or 32 bytes; this one has {0} bytes")]
    Length(usize),
    #[error("a master key of 64 characters must be hexadecimal; character {0} is not")]
    Digit(usize),
    #[error("a master key of one repeated byte is no key; make one with `masker keys new`")]
    Constant,
    #[error(
        "line {0} of the key ring is neither `tag KEY`, `seal ID KEY [current]` nor `tenant NAME KEY`"
    )]
    Line(usize),
    #[error("line {0} of the key ring says again what an earlier line says")]
    Twice(usize),
    #[error("the key ring needs one `tag` line and one `seal` line that ends with `current`")]
    Incomplete,
}

/// Why a ring is not changed as asked.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RingError {
    #[error("the ring holds 256 seal keys: retire old ones first")]
    Full,
    #[error("the ring has no seal key {0}")]
    NoSeal(u8),
    #[error("seal key {0} seals what is new: use another one first")]
    Current(u8),
    #[error("the ring has a salt of this tenant already")]
    Enrolled,
    #[error("the ring has no salt of this tenant: it cannot be forgotten alone")]
    NotEnrolled,
}

impl Ring {
    /// Reads a ring, or a single key.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        match std::str::from_utf8(bytes).ok().and_then(|text| text.strip_prefix(HEAD)) {
            Some(lines) => read(lines),
            None => Ok(Self::of(key(bytes)?)),
        }
    }

    /// One key for everything.
    #[must_use]
    pub fn of(key: Key) -> Self {
        let seals = BTreeMap::from([(0, key.clone())]);
        Self { tag: key, seals, current: 0, salts: BTreeMap::new() }
    }

    /// As it is read again. Whoever calls this must not print it.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(
            256 + 96 * self.seals.len() + 160 * self.salts.len(),
        ));
        text.push_str(HEAD);
        text.push_str("\ntag ");
        push_hex(&mut text, &self.tag);
        for (id, key) in &self.seals {
            text.push_str(&format!("\nseal {id} "));
            push_hex(&mut text, key);
            if *id == self.current {
                text.push_str(" current");
            }
        }
        for (tenant, salt) in &self.salts {
            text.push_str(&format!("\ntenant {} ", tenant.as_str()));
            push_hex(&mut text, salt);
        }
        text.push('\n');
        text
    }

    /// Adds a seal key, which at first only opens.
    pub fn add(&mut self, key: Key) -> Result<u8, RingError> {
        // Ids grow: what is sealed under a higher one is newer.
        let last = self.seals.keys().next_back().copied().unwrap_or_default();
        let id = last.checked_add(1).ok_or(RingError::Full)?;
        self.seals.insert(id, key);
        Ok(id)
    }

    /// From now on this one seals.
    pub fn make_current(&mut self, id: u8) -> Result<(), RingError> {
        if !self.seals.contains_key(&id) {
            return Err(RingError::NoSeal(id));
        }
        self.current = id;
        Ok(())
    }

    /// Forgets a seal key: what only it opens is gone.
    pub fn retire(&mut self, id: u8) -> Result<(), RingError> {
        if id == self.current {
            return Err(RingError::Current(id));
        }
        self.seals.remove(&id).map(drop).ok_or(RingError::NoSeal(id))
    }

    /// Changes all placeholders.
    pub fn retag(&mut self, key: Key) {
        self.tag = key;
    }

    /// Gives a tenant a salt of its own, and with it new placeholders.
    pub fn enroll(&mut self, tenant: Tenant, salt: Key) -> Result<(), RingError> {
        if self.salts.contains_key(&tenant) {
            return Err(RingError::Enrolled);
        }
        self.salts.insert(tenant, salt);
        Ok(())
    }

    /// Forgets a tenant's salt: nothing that was stored for it can be read again.
    pub fn forget(&mut self, tenant: &Tenant) -> Result<(), RingError> {
        self.salts.remove(tenant).map(drop).ok_or(RingError::NotEnrolled)
    }

    /// Seal keys by id, and which of them seals.
    pub fn seals(&self) -> impl Iterator<Item = (u8, bool)> {
        self.seals.keys().map(|id| (*id, *id == self.current))
    }

    /// Tenants with a salt of their own.
    pub fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.salts.keys()
    }
}

fn read(lines: &str) -> Result<Ring, KeyError> {
    let (mut tag, mut current) = (None, None);
    let (mut seals, mut salts) = (BTreeMap::new(), BTreeMap::new());
    for (line, number) in lines.lines().zip(1..) {
        let wrong = || KeyError::Line(number);
        let words: Vec<_> = line.split_whitespace().collect();
        let twice = match words.as_slice() {
            [] => false,
            [comment, ..] if comment.starts_with('#') => false,
            ["tag", hex] => tag.replace(hex_key(hex.as_bytes()).map_err(|_| wrong())?).is_some(),
            ["seal", id, hex, rest @ ..] => {
                let id: u8 = id.parse().map_err(|_| wrong())?;
                let again = match rest {
                    [] => false,
                    ["current"] => current.replace(id).is_some(),
                    _ => return Err(wrong()),
                };
                let key = hex_key(hex.as_bytes()).map_err(|_| wrong())?;
                seals.insert(id, key).is_some() || again
            }
            ["tenant", name, hex] => {
                let tenant = Tenant::named(name).map_err(|_| wrong())?;
                let salt = hex_key(hex.as_bytes()).map_err(|_| wrong())?;
                salts.insert(tenant, salt).is_some()
            }
            _ => return Err(wrong()),
        };
        if twice {
            return Err(KeyError::Twice(number));
        }
    }
    match (tag, current) {
        (Some(tag), Some(current)) => Ok(Ring { tag, seals, current, salts }),
        _ => Err(KeyError::Incomplete),
    }
}

/// 32 raw bytes, or 64 hexadecimal characters with an optional line end.
fn key(bytes: &[u8]) -> Result<Key, KeyError> {
    if bytes.len() == 32 {
        let mut key = Key::default();
        key.copy_from_slice(bytes);
        return not_constant(key);
    }
    hex_key(bytes.trim_ascii_end())
}

fn hex_key(text: &[u8]) -> Result<Key, KeyError> {
    if text.len() != 64 {
        return Err(KeyError::Length(text.len()));
    }
    let mut key = Key::default();
    for (at, &byte) in text.iter().enumerate() {
        let digit = char::from(byte).to_digit(16).ok_or(KeyError::Digit(at + 1))?;
        let digit = u8::try_from(digit).map_err(|_| KeyError::Digit(at + 1))?;
        if let Some(slot) = key.get_mut(at / 2) {
            *slot = *slot << 4 | digit;
        }
    }
    not_constant(key)
}

fn not_constant(key: Key) -> Result<Key, KeyError> {
    let constant = key.first().is_some_and(|first| key.iter().all(|byte| byte == first));
    if constant { Err(KeyError::Constant) } else { Ok(key) }
}

fn push_hex(text: &mut String, key: &Key) {
    for half in key.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.extend(char::from_digit(half.into(), 16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(byte: u8) -> Key {
        let mut key = Key::default();
        for (slot, n) in key.iter_mut().zip(byte..) {
            *slot = n;
        }
        key
    }

    #[test]
    fn a_ring_is_written_and_read() {
        let mut ring = Ring::of(made(1));
        assert_eq!(ring.add(made(2)), Ok(1));
        ring.make_current(1).unwrap();
        ring.enroll(Tenant::named("payments").unwrap(), made(3)).unwrap();
        let text = ring.text();
        let again = Ring::parse(text.as_bytes()).unwrap();
        assert_eq!(*again.text(), *text);
        assert_eq!(again.seals().collect::<Vec<_>>(), [(0, false), (1, true)]);
        let plain = Ring::parse(made(1).as_slice()).unwrap();
        assert_eq!((plain.tag, plain.current), (ring.tag.clone(), 0));
        assert_eq!(format!("{ring:?}"), "Ring(2 seals, 1 salts)");
    }

    #[test]
    fn only_what_is_not_needed_is_forgotten() {
        let mut ring = Ring::of(made(1));
        let tenant = Tenant::named("a").unwrap();
        assert_eq!(ring.retire(0), Err(RingError::Current(0)));
        assert_eq!(ring.make_current(7), Err(RingError::NoSeal(7)));
        assert_eq!(ring.forget(&tenant), Err(RingError::NotEnrolled));
        ring.enroll(tenant.clone(), made(3)).unwrap();
        assert_eq!(ring.enroll(tenant.clone(), made(4)), Err(RingError::Enrolled));
        ring.forget(&tenant).unwrap();
        for id in 1..=255 {
            assert_eq!(ring.add(made(2)), Ok(id));
        }
        assert_eq!(ring.add(made(2)), Err(RingError::Full));
    }

    #[test]
    fn what_is_wrong_is_named_without_keys() {
        let hex = "0123456789abcdef".repeat(4);
        let good = format!("tag {hex}\nseal 1 {hex} current\n");
        for (lines, wrong) in [
            (format!("\n# a comment\n\n{good}"), None),
            (format!("\ntag {hex}\nseal 1 {hex}"), Some(KeyError::Incomplete)),
            (format!("\nseal 1 {hex} current"), Some(KeyError::Incomplete)),
            (format!("\n{good}tag {hex}"), Some(KeyError::Twice(4))),
            (format!("\n{good}seal 1 {hex}"), Some(KeyError::Twice(4))),
            (format!("\n{good}seal 2 {hex} current"), Some(KeyError::Twice(4))),
            (format!("\n{good}seal 256 {hex}"), Some(KeyError::Line(4))),
            (format!("\n{good}seal 2 {hex} old"), Some(KeyError::Line(4))),
            (format!("\n{good}tenant a b {hex}"), Some(KeyError::Line(4))),
            (format!("\n{good}tenant a {hex}0"), Some(KeyError::Line(4))),
            (format!("\n{good}other"), Some(KeyError::Line(4))),
        ] {
            let found = Ring::parse(format!("{HEAD}{lines}").as_bytes());
            assert_eq!(found.as_ref().err(), wrong.as_ref(), "{lines}");
            assert!(!format!("{found:?}").contains("0123456789"));
        }
    }
}
