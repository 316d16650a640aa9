//! Values at rest: sealed with AES-256-GCM-SIV (RFC 8452) under the tenant's key.
//!
//! ```text
//! sealed = 2 ‖ key id(1) ‖ fingerprint(16) ‖ ciphertext ‖ tag(16)
//! nonce  = the fingerprint's first 12 bytes
//! aad    = 2 ‖ key id(1) ‖ store key(16) ‖ fingerprint(16)
//! ```
//!
//! The fingerprint is the half of the HMAC of which the placeholder shows
//! nothing: 128 bits tell apart what has the same 60 in the placeholder, and
//! more would cost a tenth of the store's memory. It stands open so that two values under one placeholder are
//! told apart without unsealing. It is a keyed hash: it says nothing of the
//! value to whom the master key is unknown. As it is another for each value, it
//! makes the nonce; were it not, GCM-SIV would show only that two values are
//! equal, which the store key shows anyway.
//!
//! Version 1 had no key id, the whole HMAC, and a random nonce of 12 bytes
//! after it. It is opened with the key 0.

use std::fmt;
use std::sync::OnceLock;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::mask::{Mapping, Scope, Value};
use crate::store::StoreKey;

const FIRST: u8 = 1;
const VERSION: u8 = 2;
const FINGERPRINT: usize = 16;
const HMAC: usize = 32;
const NONCE: usize = 12;
const NOT_SEALED: usize = 2 + FINGERPRINT;

#[derive(Debug, Error)]
pub enum SealError {
    #[error("the key that seals is missing")]
    Key,
    #[error("a value is too long to be sealed")]
    Length,
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

/// A stored mapping that cannot be read: damaged, sealed under another key, or
/// written by a newer version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// What is stored where a mapping was about to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Same,
    /// Another value has the same placeholder.
    Other,
    Unreadable,
}

/// Seals and opens one tenant's values.
pub(crate) struct Sealer {
    scope: Scope,
    id: u8,
    /// Of the key that seals, made when it is needed: most calls seal and open nothing.
    cipher: OnceLock<Option<Aes256GcmSiv>>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

/// A sealed value, taken apart.
struct Parts<'a> {
    version: u8,
    id: u8,
    /// All of the HMAC, or its last half.
    fingerprint: &'a [u8],
    nonce: [u8; NONCE],
    text: &'a [u8],
}

impl Sealer {
    pub(crate) fn new(scope: &Scope) -> Self {
        Self { scope: scope.clone(), id: scope.seal_id(), cipher: OnceLock::new() }
    }

    fn cipher(&self) -> Option<&Aes256GcmSiv> {
        let make = || self.scope.seal_key(self.id).map(|key| Aes256GcmSiv::new(key.into()));
        self.cipher.get_or_init(make).as_ref()
    }

    pub(crate) fn seal(&self, key: &StoreKey, mapping: &Mapping) -> Result<Vec<u8>, SealError> {
        let msg = mapping.value.expose().as_bytes();
        let fingerprint = half(&mapping.fingerprint);
        let aad = aad(VERSION, self.id, key, fingerprint);
        let nonce = Nonce::from(nonce(fingerprint));
        let cipher = self.cipher().ok_or(SealError::Key)?;
        let text =
            cipher.encrypt(&nonce, Payload { msg, aad: &aad }).map_err(|_| SealError::Length)?;
        let mut sealed = Vec::with_capacity(NOT_SEALED + text.len());
        sealed.extend_from_slice(&[VERSION, self.id]);
        sealed.extend_from_slice(fingerprint);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    pub(crate) fn open(&self, key: &StoreKey, sealed: &[u8]) -> Result<Value, Unreadable> {
        let parts = split(sealed).ok_or(Unreadable)?;
        let older;
        let cipher = if parts.id == self.id {
            self.cipher()
        } else {
            older = self.scope.seal_key(parts.id).map(|key| Aes256GcmSiv::new(key.into()));
            older.as_ref()
        };
        let aad = aad(parts.version, parts.id, key, parts.fingerprint);
        let value = cipher
            .ok_or(Unreadable)?
            .decrypt(&Nonce::from(parts.nonce), Payload { msg: parts.text, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| Unreadable)?;
        std::str::from_utf8(&value).map(Value::new).map_err(|_| Unreadable)
    }

    /// Compares what is stored with the mapping that was to be stored there.
    pub(crate) fn compare(&self, key: &StoreKey, sealed: &[u8], mapping: &Mapping) -> Existing {
        if is_of(sealed, &mapping.fingerprint) {
            Existing::Same
        } else if self.open(key, sealed).is_ok() {
            // A damaged fingerprint must not look like a collision.
            Existing::Other
        } else {
            Existing::Unreadable
        }
    }
}

/// Does it say that it is of the value with this HMAC? Not verified.
pub(crate) fn is_of(sealed: &[u8], hmac: &[u8; HMAC]) -> bool {
    split(sealed).is_some_and(|parts| {
        let own = hmac.get(HMAC - parts.fingerprint.len()..).unwrap_or_default();
        parts.fingerprint.ct_eq(own).into()
    })
}

/// The half of which a placeholder shows nothing.
fn half(hmac: &[u8; HMAC]) -> &[u8] {
    hmac.get(HMAC - FINGERPRINT..).unwrap_or_default()
}

/// Was it sealed under an older key, or in an older form, than the other?
pub(crate) fn is_older(sealed: &[u8], other: &[u8]) -> bool {
    let age = |sealed| split(sealed).map(|parts| (parts.version, parts.id));
    matches!((age(sealed), age(other)), (Some(one), Some(other)) if one < other)
}

/// The number of the key under which it says that it was sealed. Not verified.
pub(crate) fn id(sealed: &[u8]) -> Option<u8> {
    split(sealed).map(|parts| parts.id)
}

fn split(sealed: &[u8]) -> Option<Parts<'_>> {
    let (&version, rest) = sealed.split_first()?;
    match version {
        FIRST => {
            let (fingerprint, rest) = rest.split_at_checked(HMAC)?;
            let (nonce, text) = rest.split_first_chunk()?;
            Some(Parts { version, id: 0, fingerprint, nonce: *nonce, text })
        }
        VERSION => {
            let (&id, rest) = rest.split_first()?;
            let (fingerprint, text) = rest.split_at_checked(FINGERPRINT)?;
            Some(Parts { version, id, fingerprint, nonce: nonce(fingerprint), text })
        }
        _ => None,
    }
}

fn nonce(fingerprint: &[u8]) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    for (slot, byte) in nonce.iter_mut().zip(fingerprint) {
        *slot = *byte;
    }
    nonce
}

fn aad(version: u8, id: u8, key: &StoreKey, fingerprint: &[u8]) -> Vec<u8> {
    match version {
        FIRST => [&[FIRST], key.as_slice(), fingerprint].concat(),
        _ => [&[version, id], key.as_slice(), fingerprint].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{MasterKey, Ring, Tenant};

    const CANARY: &str = "i-0123456789abcdef0";

    fn scope(tenant: &str) -> Scope {
        let master = MasterKey::parse(&(0..32).collect::<Vec<u8>>()).unwrap();
        master.scope(&Tenant::named(tenant).unwrap())
    }

    fn sealed(scope: &Scope) -> (StoreKey, Mapping, Vec<u8>) {
        let mapping = scope.mapping(false, "EC2", CANARY);
        let key = scope.store_key(&mapping.placeholder);
        let sealed = Sealer::new(scope).seal(&key, &mapping).unwrap();
        (key, mapping, sealed)
    }

    #[test]
    fn a_value_comes_back() {
        let scope = scope("a");
        for value in ["x", CANARY, "пароль", &"long ".repeat(10_000)] {
            let mapping = scope.mapping(false, "EC2", value);
            let key = scope.store_key(&mapping.placeholder);
            let sealed = Sealer::new(&scope).seal(&key, &mapping).unwrap();
            assert!(is_of(&sealed, &mapping.fingerprint));
            assert!(!is_of(&sealed, &[7; 32]));
            assert_eq!(Sealer::new(&scope).open(&key, &sealed).unwrap().expose(), value);
        }
    }

    #[test]
    fn nobody_else_opens_it() {
        let (key, _, sealed) = sealed(&scope("a"));
        assert_eq!(Sealer::new(&scope("b")).open(&key, &sealed).unwrap_err(), Unreadable);
        assert_eq!(Sealer::new(&scope("a")).open(&[0; 16], &sealed).unwrap_err(), Unreadable);
    }

    #[test]
    fn any_damage_is_seen() {
        let scope = scope("a");
        let (key, mapping, sealed) = sealed(&scope);
        let sealer = Sealer::new(&scope);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(sealer.open(&key, &damaged).unwrap_err(), Unreadable, "byte {at}");
            let other = sealer.compare(&key, &damaged, &mapping);
            assert_ne!(other, Existing::Other, "byte {at}");
            assert_eq!(sealer.open(&key, &sealed[..at]).unwrap_err(), Unreadable, "cut at {at}");
        }
    }

    #[test]
    fn collisions_are_told_from_damage() {
        let scope = scope("a");
        let (key, mapping, sealed) = sealed(&scope);
        let sealer = Sealer::new(&scope);
        assert_eq!(sealer.compare(&key, &sealed, &mapping), Existing::Same);
        let other = Mapping { fingerprint: [7; 32], ..mapping.clone() };
        assert_eq!(sealer.compare(&key, &sealed, &other), Existing::Other);
        assert_eq!(sealer.compare(&key, b"", &other), Existing::Unreadable);
        let newer = [&[VERSION + 1], &sealed[1..]].concat();
        assert_eq!(sealer.compare(&key, &newer, &mapping), Existing::Unreadable);
    }

    #[test]
    fn nothing_of_the_value_shows() {
        let (_, mapping, first) = sealed(&scope("a"));
        let (_, _, second) = sealed(&scope("a"));
        assert_eq!(first, second, "what a replica sealed, another seals alike");
        let value = mapping.value.expose().as_bytes();
        for part in value.windows(4) {
            assert!(!first.windows(4).any(|bytes| bytes == part));
        }
        assert_eq!(format!("{:?}", Sealer::new(&scope("a"))), "Sealer");
    }

    #[test]
    fn older_keys_and_the_older_form_are_opened() {
        let mut ring = Ring::parse(&(0..32).collect::<Vec<u8>>()).unwrap();
        let tenant = Tenant::named("a").unwrap();
        let at = |ring: &Ring| MasterKey::of(ring.clone()).scope(&tenant);
        let (key, mapping, old) = sealed(&at(&ring));
        let id = ring.add(Zeroizing::new([7; 32])).unwrap();
        let adding = at(&ring);
        assert_eq!(sealed(&adding).2, old, "the new key only opens");
        ring.make_current(id).unwrap();
        let new = sealed(&at(&ring)).2;
        assert!(is_older(&old, &new) && !is_older(&new, &old) && !is_older(&new, &new));
        for (scope, sealed) in [(&at(&ring), &old), (&adding, &new)] {
            let sealer = Sealer::new(scope);
            assert_eq!(sealer.open(&key, sealed).unwrap().expose(), CANARY);
            assert_eq!(sealer.compare(&key, sealed, &mapping), Existing::Same);
        }
        ring.retire(0).unwrap();
        assert_eq!(Sealer::new(&at(&ring)).open(&key, &old).unwrap_err(), Unreadable);

        // Version 1, as an earlier masker wrote it.
        let cipher = Aes256GcmSiv::new(adding.seal_key(0).unwrap().into());
        let aad = [&[FIRST], key.as_slice(), &mapping.fingerprint].concat();
        let payload = Payload { msg: CANARY.as_bytes(), aad: &aad };
        let text = cipher.encrypt(&Nonce::from([5; NONCE]), payload).unwrap();
        let first = [&[FIRST], mapping.fingerprint.as_slice(), &[5; NONCE], &text].concat();
        assert_eq!(Sealer::new(&adding).open(&key, &first).unwrap().expose(), CANARY);
        assert!(is_older(&first, &old));
    }
}
