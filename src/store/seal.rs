//! Values at rest: sealed with AES-256-GCM-SIV (RFC 8452) under the tenant's key.
//!
//! ```text
//! sealed = version(1) ‖ fingerprint(32) ‖ nonce(12) ‖ ciphertext ‖ tag(16)
//! aad    = version(1) ‖ store key(16) ‖ fingerprint(32)
//! ```
//!
//! The fingerprint stands open so that two values under one placeholder are
//! told apart without unsealing. It is a keyed hash: it says nothing of the
//! value to whom the master key is unknown.

use std::fmt;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::mask::{Mapping, Scope, Value};
use crate::store::StoreKey;

const VERSION: u8 = 1;
const FINGERPRINT: usize = 32;
const NONCE: usize = 12;

#[derive(Debug, Error)]
pub enum SealError {
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("a value is too long to be sealed")]
    Length,
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
pub(crate) struct Sealer(Aes256GcmSiv);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    pub(crate) fn new(scope: &Scope) -> Self {
        Self(Aes256GcmSiv::new(scope.seal_key().into()))
    }

    pub(crate) fn seal(&self, key: &StoreKey, mapping: &Mapping) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(SealError::Random)?;
        let msg = mapping.value.expose().as_bytes();
        let aad = aad(key, &mapping.fingerprint);
        let text = self
            .0
            .encrypt(&Nonce::from(nonce), Payload { msg, aad: &aad })
            .map_err(|_| SealError::Length)?;
        let mut sealed = Vec::with_capacity(1 + FINGERPRINT + NONCE + text.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&mapping.fingerprint);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    pub(crate) fn open(&self, key: &StoreKey, sealed: &[u8]) -> Result<Value, Unreadable> {
        let (fingerprint, rest) = split(sealed).ok_or(Unreadable)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE>().ok_or(Unreadable)?;
        let aad = aad(key, fingerprint);
        let value = self
            .0
            .decrypt(&Nonce::from(*nonce), Payload { msg, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| Unreadable)?;
        std::str::from_utf8(&value).map(Value::new).map_err(|_| Unreadable)
    }

    /// Compares what is stored with the mapping that was to be stored there.
    pub(crate) fn compare(&self, key: &StoreKey, sealed: &[u8], mapping: &Mapping) -> Existing {
        match fingerprint(sealed) {
            Some(other) if *other == mapping.fingerprint => Existing::Same,
            // A damaged fingerprint must not look like a collision.
            _ if self.open(key, sealed).is_ok() => Existing::Other,
            _ => Existing::Unreadable,
        }
    }
}

/// The fingerprint of a sealed value, not verified.
pub(crate) fn fingerprint(sealed: &[u8]) -> Option<&[u8; FINGERPRINT]> {
    split(sealed).map(|(fingerprint, _)| fingerprint)
}

fn split(sealed: &[u8]) -> Option<(&[u8; FINGERPRINT], &[u8])> {
    sealed.strip_prefix(&[VERSION])?.split_first_chunk::<FINGERPRINT>()
}

fn aad(key: &StoreKey, fingerprint: &[u8; FINGERPRINT]) -> Vec<u8> {
    [&[VERSION], key.as_slice(), fingerprint].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{MasterKey, Tenant};

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
            assert_eq!(fingerprint(&sealed), Some(&mapping.fingerprint));
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
        assert_ne!(first, second, "each nonce is new");
        let value = mapping.value.expose().as_bytes();
        for part in value.windows(4) {
            assert!(!first.windows(4).any(|bytes| bytes == part));
        }
        assert_eq!(format!("{:?}", Sealer::new(&scope("a"))), "Sealer");
    }
}
