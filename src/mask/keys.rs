//! Tenants, and the keys that a master key gives each of them.
//!
//! ```text
//! salt(tenant)  = the ring's, or HMAC-SHA256(tag key, "masker tenant salt" ‖ 0 ‖ tenant)
//! key(label)    = HKDF-SHA256(salt, tag key).expand(label)     ; RFC 5869
//! seal key(id)  = HKDF-SHA256(salt, seal key of the ring).expand("masker seal v1")
//! tag           = HMAC-SHA256(key("tag"), kind ‖ 0 ‖ value)
//! store key     = HMAC-SHA256(key("store key"), placeholder), first 16 bytes
//! digest(label) = HMAC-SHA256(key("record"), label ‖ 0 ‖ …)        ; see Label
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use polyval::Polyval;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::mask::ring::{Key, KeyError, Ring};
use crate::mask::{Mapping, Placeholder, Value};

type HmacSha256 = Hmac<Sha256>;
/// A keyed hash that is being made.
pub(crate) type Running = HmacSha256;

/// The secret from which everything else is derived. Whoever has it can tell
/// which value a placeholder stands for, by guessing. Cloning shares it.
#[derive(Clone)]
pub struct MasterKey(Arc<Master>);

struct Master {
    ring: Ring,
    /// Of its tag key.
    tag: HmacSha256,
    /// The keys of tenants that were seen lately: to derive them takes as long as to
    /// mask ten values.
    scopes: Mutex<HashMap<Tenant, Scope>>,
}

/// So many tenants' keys are kept.
const SCOPES: usize = 1024;

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

impl MasterKey {
    /// Reads 32 raw bytes, 64 hexadecimal characters with an optional line end, or a ring.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        Ring::parse(bytes).map(Self::of)
    }

    #[must_use]
    pub fn of(ring: Ring) -> Self {
        let tag = mac(&ring.tag);
        Self(Arc::new(Master { ring, tag, scopes: Mutex::default() }))
    }

    /// The tenant of a static API key: a keyed hash, the key itself is not kept.
    #[must_use]
    pub fn key_tenant(&self, api_key: &[u8]) -> Tenant {
        let mac = hmac(&self.0.tag, &[b"masker api key", &[0], api_key]);
        let head = mac.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        Tenant(format!("key-{head:016x}").into())
    }

    /// Tells whether two processes have the same key, and nothing else of it.
    #[must_use]
    pub fn check(&self) -> [u8; 16] {
        let mac = hmac(&self.0.tag, &[b"masker key check"]);
        let mut check = [0; 16];
        for (slot, byte) in check.iter_mut().zip(mac.iter()) {
            *slot = *byte;
        }
        check
    }

    /// All keys of a tenant.
    #[must_use]
    pub fn scope(&self, tenant: &Tenant) -> Scope {
        // Nothing panics while it holds the lock.
        let mut scopes = self.0.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = scopes.get(tenant) {
            return scope.clone();
        }
        if scopes.len() >= SCOPES {
            scopes.clear();
        }
        let scope = self.0.derive(tenant);
        scopes.insert(tenant.clone(), scope.clone());
        scope
    }
}

impl Master {
    fn derive(&self, tenant: &Tenant) -> Scope {
        let ring = &self.ring;
        let salt = match ring.salts.get(tenant) {
            Some(salt) => salt.clone(),
            None => {
                let name = tenant.0.as_bytes();
                hmac(&self.tag, &[b"masker tenant salt", &[0], name])
            }
        };
        let seal = |(id, key): (&u8, &Key)| (*id, expand(&salt, key, "masker seal v1"));
        let record_seal =
            |(id, key): (&u8, &Key)| (*id, expand(&salt, key, "masker record seal v1"));
        Scope(Arc::new(Keys {
            tenant: tenant.clone(),
            tag: mac(&expand(&salt, &ring.tag, "masker tag v1")),
            seals: ring.seals.iter().map(seal).collect(),
            current: ring.current,
            store: mac(&expand(&salt, &ring.tag, "masker store key v1")),
            record: mac(&expand(&salt, &ring.tag, "masker record v1")),
            record_seals: ring.seals.iter().map(record_seal).collect(),
            units: polyval(&expand(&salt, &ring.tag, "masker units v1")),
            resent: polyval(&expand(&salt, &ring.tag, "masker resent v1")),
        }))
    }
}

fn expand(salt: &Key, key: &Key, label: &str) -> Key {
    let mut expanded = Key::default();
    let hkdf = Hkdf::<Sha256>::new(Some(salt.as_slice()), key.as_slice());
    // 32 bytes are one block of HKDF-SHA256, which never is too long.
    let done = hkdf.expand(label.as_bytes(), expanded.as_mut_slice());
    debug_assert!(done.is_ok(), "32 bytes are within the limit of RFC 5869");
    expanded
}

fn hmac(keyed: &HmacSha256, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// An HMAC that has read its key: half of what a short message costs.
fn mac(key: &Key) -> HmacSha256 {
    // The block size of SHA-256 is 64 bytes; RFC 2104 pads a shorter key with zeros.
    let mut block = Zeroizing::new([0; 64]);
    for (slot, byte) in block.iter_mut().zip(key.iter()) {
        *slot = *byte;
    }
    <HmacSha256 as KeyInit>::new(&(*block).into())
}

fn polyval(key: &Key) -> Polyval {
    let half = key.first_chunk::<16>().copied().unwrap_or_default();
    Polyval::new(&half.into())
}

/// Whose mappings these are. One tenant can neither restore, guess nor
/// recognize another's placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Arc<str>);

#[derive(Debug, Error, PartialEq, Eq)]
#[error("a tenant's name has 1 to 64 characters of a-z, A-Z, 0-9, '.', '_' and '-'")]
pub struct TenantError;

impl Tenant {
    /// A name from the configuration or from the header `x-masker-tenant`.
    pub fn named(name: &str) -> Result<Self, TenantError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if (1..=64).contains(&name.len()) && name.bytes().all(legal) {
            Ok(Self(name.into()))
        } else {
            Err(TenantError)
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self("default".into())
    }
}

/// All of them are overwritten when they are dropped.
struct Keys {
    tenant: Tenant,
    tag: HmacSha256,
    /// By their ids; one of them seals, all of them open.
    seals: Vec<(u8, Key)>,
    current: u8,
    store: HmacSha256,
    record: HmacSha256,
    record_seals: Vec<(u8, Key)>,
    resent: Polyval,
    units: Polyval,
}

/// What a digest is of: digests of two kinds never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The client's name of a session.
    Session,
    /// A conversation of it.
    Conversation,
    /// A message.
    Message,
    /// A block of an answer.
    Block,
    /// A record, for its nonce.
    Record,
}

impl Label {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Session => b"session",
            Self::Conversation => b"conversation",
            Self::Message => b"message",
            Self::Block => b"block",
            Self::Record => b"record",
        }
    }
}

/// A tenant's keys. Cloning shares them; the last drop overwrites them.
#[derive(Clone)]
pub struct Scope(Arc<Keys>);

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.0.tenant.as_str())
    }
}

impl Scope {
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.0.tenant
    }

    /// The mapping of a value: always the same for the same kind and value.
    #[must_use]
    pub fn mapping(&self, secret: bool, kind: &str, value: &str) -> Mapping {
        let mac = hmac(&self.0.tag, &[kind.as_bytes(), &[0], value.as_bytes()]);
        Mapping {
            placeholder: Placeholder::new(secret, kind, &mac),
            value: Value::new(value),
            fingerprint: *mac,
        }
    }

    /// What a placeholder's mapping is called in the store: shows neither the
    /// placeholder nor the tenant.
    #[must_use]
    pub fn store_key(&self, placeholder: &Placeholder) -> [u8; 16] {
        self.old_store_key(placeholder.as_str())
    }

    /// The same for a name of the system before masker, which is no placeholder of ours.
    #[must_use]
    pub fn old_store_key(&self, name: &str) -> [u8; 16] {
        let mac = hmac(&self.0.store, &[name.as_bytes()]);
        let mut key = [0; 16];
        for (slot, byte) in key.iter_mut().zip(mac.iter()) {
            *slot = *byte;
        }
        key
    }

    /// A keyed hash of parts, each of which has a length of its own or is the last.
    #[must_use]
    pub fn digest(&self, label: Label, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.running(label);
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }

    /// [`Scope::digest`], begun.
    pub(crate) fn running(&self, label: Label) -> Running {
        let mut mac = self.0.record.clone();
        mac.update(label.name());
        mac.update(&[0]);
        mac
    }

    /// A key that opens records that were sealed under this id: see [`Scope::seal_id`].
    #[must_use]
    pub fn record_seal_key(&self, id: u8) -> Option<&[u8; 32]> {
        self.0.record_seals.iter().find(|(own, _)| *own == id).map(|(_, key)| &**key)
    }

    /// A keyed hash (POLYVAL, RFC 8452) for what came before. Two texts share one with a
    /// probability of their blocks over 2^128, for whoever does not see hashes: they never
    /// leave the process.
    pub(super) fn resent(&self) -> Polyval {
        self.0.resent.clone()
    }

    /// The same for the units of conversations: what is kept of it is sealed.
    pub(super) fn units(&self) -> Polyval {
        self.0.units.clone()
    }

    /// The id of the key that seals values at rest.
    #[must_use]
    pub fn seal_id(&self) -> u8 {
        self.0.current
    }

    /// A key that opens what was sealed under this id.
    #[must_use]
    pub fn seal_key(&self, id: u8) -> Option<&[u8; 32]> {
        self.0.seals.iter().find(|(own, _)| *own == id).map(|(_, key)| &**key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> MasterKey {
        MasterKey::parse(&[b"0123456789abcdef".as_slice(); 4].concat()).unwrap()
    }

    #[test]
    fn keys_are_hex_or_raw() {
        let raw: Vec<u8> = (0..32).collect();
        let hex: String = raw.iter().map(|b| format!("{b:02X}")).collect();
        let of = |bytes: &[u8]| {
            let key = MasterKey::parse(bytes).unwrap();
            key.scope(&Tenant::default()).mapping(false, "EC2", "x").placeholder
        };
        assert_eq!(of(&raw), of(hex.as_bytes()));
        assert_eq!(of(&raw), of(format!("{hex}\r\n").as_bytes()));
        assert_eq!(MasterKey::parse(b"short").unwrap_err(), KeyError::Length(5));
        let bad = format!("{}g", hex.split_at(63).0);
        assert_eq!(MasterKey::parse(bad.as_bytes()).unwrap_err(), KeyError::Digit(64));
        assert_eq!(MasterKey::parse(&[0; 32]).unwrap_err(), KeyError::Constant);
    }

    #[test]
    fn placeholders_depend_on_tenant_kind_and_value_only() {
        let scope = |name: &str| master().scope(&Tenant::named(name).unwrap());
        let a = scope("a").mapping(false, "EC2", "i-1");
        assert_eq!(a, scope("a").mapping(false, "EC2", "i-1"));
        for other in [
            scope("b").mapping(false, "EC2", "i-1"),
            scope("a").mapping(false, "EC2", "i-2"),
            scope("a").mapping(false, "EBS", "i-1"),
        ] {
            assert_ne!(a.placeholder, other.placeholder);
            assert_ne!(a.fingerprint, other.fingerprint);
        }
        assert_ne!(scope("a").store_key(&a.placeholder), scope("b").store_key(&a.placeholder));
        assert_ne!(scope("a").seal_key(0), scope("b").seal_key(0));
    }

    #[test]
    fn an_api_key_does_not_show_in_its_tenant() {
        let tenant = master().key_tenant(b"sk-ant-api03-canary");
        assert_eq!(tenant, master().key_tenant(b"sk-ant-api03-canary"));
        assert!(tenant.as_str().starts_with("key-") && tenant.as_str().len() == 20);
        assert!(Tenant::named(tenant.as_str()).is_ok());
        assert_eq!(Tenant::named("a b"), Err(TenantError));
        assert_eq!(Tenant::named(""), Err(TenantError));
    }

    #[test]
    fn seal_keys_change_no_placeholder_and_salts_change_all() {
        let plain = b"0123456789abcdef".repeat(4);
        let mut ring = Ring::parse(&plain).unwrap();
        let tenant = Tenant::named("a").unwrap();
        let of = |ring: &Ring| MasterKey::of(ring.clone()).scope(&tenant);
        let before = of(&ring).mapping(false, "EC2", "i-1");
        let id = ring.add(Zeroizing::new([7; 32])).unwrap();
        ring.make_current(id).unwrap();
        let rotated = of(&ring);
        assert_eq!(rotated.mapping(false, "EC2", "i-1"), before);
        assert_eq!(
            rotated.store_key(&before.placeholder),
            of(&ring).store_key(&before.placeholder)
        );
        assert_eq!(rotated.seal_id(), 1);
        assert_eq!(rotated.seal_key(0), master().scope(&tenant).seal_key(0));
        assert_ne!(rotated.seal_key(0), rotated.seal_key(1));
        assert_eq!(rotated.seal_key(2), None);
        ring.enroll(tenant.clone(), Zeroizing::new([9; 32])).unwrap();
        let enrolled = of(&ring);
        assert_ne!(enrolled.mapping(false, "EC2", "i-1").placeholder, before.placeholder);
        assert_ne!(enrolled.seal_key(1), rotated.seal_key(1));
        let other = Tenant::default();
        let of = |ring: &Ring| MasterKey::of(ring.clone()).scope(&other);
        assert_eq!(
            of(&ring).mapping(false, "EC2", "i-1"),
            master().scope(&other).mapping(false, "EC2", "i-1")
        );
    }
}
