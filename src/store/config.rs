//! What the store is told: which one, where, and its limits.

mod url;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::breaker;

pub use url::{RedisUrl, Topology, UrlError};

/// The mapping store and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    pub backend: Backend,
    /// How long a mapping is kept after it was last used. It is refreshed
    /// once a quarter of this has passed.
    pub ttl: Duration,
    /// The same for what is sent to endpoints that keep it: batches, files. Redis only.
    pub lasting_ttl: Duration,
    /// How long a call may take, per 1,000 mappings.
    pub deadline: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How many lately saved mappings are remembered, so that a resent
    /// conversation does not write them again.
    pub cache_entries: usize,
    /// Bytes of the records of conversations that are remembered, and that wait while the store
    /// is out of reach.
    pub record_bytes: usize,
    /// How many mappings wait in memory while the store is out of reach; the
    /// oldest go first.
    pub queue_entries: usize,
    pub breaker: breaker::Settings,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            ttl: Duration::from_secs(7 * 24 * 60 * 60),
            lasting_ttl: Duration::from_secs(35 * 24 * 60 * 60),
            deadline: Duration::from_millis(150),
            connect_timeout: Duration::from_secs(1),
            cache_entries: 100_000,
            record_bytes: 64 << 20,
            queue_entries: 100_000,
            breaker: breaker::Settings::default(),
        }
    }
}

impl StoreConfig {
    /// The files that hold passwords, by the options that name them.
    #[must_use]
    pub fn password_files(&self) -> Vec<(&'static str, &Path)> {
        let Backend::Redis(redis) = &self.backend else { return Vec::new() };
        let named = [
            ("store.password_file", &redis.password_file),
            ("store.sentinel_password_file", &redis.sentinel_password_file),
        ];
        named.into_iter().filter_map(|(option, path)| Some((option, path.as_deref()?))).collect()
    }
}

/// Where mappings are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// In this process, at most this many; the least recently used go first.
    Memory { entries: usize },
    /// In a Redis of version 7.0 or newer, or a Valkey.
    Redis(Box<RedisConfig>),
}

/// Where a Redis is, who masker is there, and how it is talked to.
///
/// The user needs the commands `HELLO`, `AUTH`, `SELECT`, `SET`, `GET` and
/// `EXPIRE` on `m1:*`; with sentinels `ROLE`, in a cluster `CLUSTER SLOTS`,
/// `ASKING`, `PING` and, to read from replicas, `READONLY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisConfig {
    pub url: RedisUrl,
    /// A file of certificates in PEM to trust instead of the public ones.
    pub ca: Option<PathBuf>,
    /// A certificate to show, and its key, in PEM.
    pub identity: Option<Identity>,
    /// Files that hold the user and the password; they win over the URL
    /// and are read again for each new connection that follows a failure.
    pub username_file: Option<PathBuf>,
    pub password_file: Option<PathBuf>,
    /// The same for the sentinels, which have users of their own.
    pub sentinel_username_file: Option<PathBuf>,
    pub sentinel_password_file: Option<PathBuf>,
    /// Placeholders are revealed by replicas; what one does not know, by its
    /// primary.
    pub read_from_replicas: bool,
    /// A server that evicts is warned of, not refused.
    pub allow_eviction: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl RedisConfig {
    /// Only the URL, without files.
    #[must_use]
    pub const fn new(url: RedisUrl) -> Self {
        Self {
            url,
            ca: None,
            identity: None,
            username_file: None,
            password_file: None,
            sentinel_username_file: None,
            sentinel_password_file: None,
            read_from_replicas: false,
            allow_eviction: false,
        }
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self::Memory { entries: 200_000 }
    }
}
