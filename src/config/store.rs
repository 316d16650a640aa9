//! Where mappings are kept, and within which bounds.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::redis_url::RedisUrl;

#[derive(Clone, Debug)]
pub struct StoreConfig {
    pub backend: Backend,
    /// How long an unused mapping lives.
    pub ttl: Duration,
    /// The longest that one round trip may take, for each 1,000 mappings.
    pub deadline: Duration,
    pub connect_timeout: Duration,
    /// Mappings remembered in front of Redis.
    pub cache_entries: usize,
    /// Mappings that wait for a Redis that is down.
    pub queue_entries: usize,
    pub breaker: BreakerSettings,
}

#[derive(Clone, Debug)]
pub enum Backend {
    Memory {
        entries: usize,
    },
    Redis {
        url: RedisUrl,
        /// Certificates of authorities, instead of the public ones.
        ca: Option<PathBuf>,
        username_file: Option<PathBuf>,
        password_file: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How often an open breaker lets one call try.
    pub retry_every: Duration,
    /// Successes in a row that close it.
    pub successes: u32,
}
