//! What the store is told: which one, where, and its limits.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::breaker;

/// The mapping store and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    pub backend: Backend,
    /// How long a mapping is kept after it was last used. It is refreshed
    /// once an eighth of this has passed.
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
            queue_entries: 100_000,
            breaker: breaker::Settings::default(),
        }
    }
}

/// Where mappings are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// In this process, at most this many; the least recently used go first.
    Memory { entries: usize },
    /// In a Redis of version 7.0 or newer. The user needs the commands
    /// `HELLO`, `AUTH`, `SELECT`, `SET`, `GET` and `EXPIRE` on `m1:*`.
    Redis {
        url: RedisUrl,
        /// A file of certificates in PEM to trust instead of the public ones.
        ca: Option<PathBuf>,
        /// Files that hold the user and the password; they win over the URL
        /// and are read again for each new connection that follows a failure.
        username_file: Option<PathBuf>,
        password_file: Option<PathBuf>,
    },
}

impl Default for Backend {
    fn default() -> Self {
        Self::Memory { entries: 200_000 }
    }
}

/// A checked `redis://` or `rediss://` URL. Neither `Debug` nor `Display`
/// shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    url: Zeroizing<String>,
    shown: String,
    tls: bool,
}

/// The text of a URL may hold a password, so that no error repeats it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UrlError {
    #[error("the store's URL begins with redis:// or rediss://")]
    Scheme,
    #[error("not a URL of the form redis[s]://[user[:password]@]host[:port][/database]")]
    Form,
    #[error("the path of a Redis URL is the number of a database, such as /0")]
    Database,
    #[error("a Redis URL has neither a query nor a fragment; TLS is always verified")]
    Extra,
}

impl RedisUrl {
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let tls = text.starts_with("rediss://");
        if !tls && !text.starts_with("redis://") {
            return Err(UrlError::Scheme);
        }
        let url = redis::parse_redis_url(text).ok_or(UrlError::Form)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::Extra);
        }
        let path = url.path().trim_matches('/');
        if !path.is_empty() && path.parse::<u16>().is_err() {
            return Err(UrlError::Database);
        }
        let info = text.into_connection_info().map_err(|_| UrlError::Form)?;
        let (ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. }) =
            info.addr()
        else {
            return Err(UrlError::Form);
        };
        let scheme = if tls { "rediss" } else { "redis" };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let shown = format!("{scheme}://{host}:{port}/{}", info.redis_settings().db());
        Ok(Self { url: Zeroizing::new(text.to_owned()), shown, tls })
    }

    /// Does the URL itself name a user?
    #[must_use]
    pub fn has_username(&self) -> bool {
        redis::parse_redis_url(&self.url).is_some_and(|url| !url.username().is_empty())
    }

    /// Does the URL itself hold a password?
    #[must_use]
    pub fn has_password(&self) -> bool {
        redis::parse_redis_url(&self.url).is_some_and(|url| url.password().is_some())
    }

    /// Is the connection encrypted?
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The URL with its password. Whoever calls this must not print it.
    pub(crate) fn expose(&self) -> &str {
        &self.url
    }
}

impl FromStr for RedisUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked_and_passwords_hidden() {
        for (text, shown) in [
            ("redis://localhost", Ok("redis://localhost:6379/0")),
            ("redis://:canary@127.0.0.1:7000/3", Ok("redis://127.0.0.1:7000/3")),
            ("rediss://user:can%61ry@redis.example/", Ok("rediss://redis.example:6379/0")),
            ("redis://canary:canary@[::1]:1", Ok("redis://[::1]:1/0")),
            ("http://canary@localhost", Err(UrlError::Scheme)),
            ("localhost:6379", Err(UrlError::Scheme)),
            ("redis://", Err(UrlError::Form)),
            ("redis://:canary@host:port", Err(UrlError::Form)),
            ("redis://:canary@host/name", Err(UrlError::Database)),
            ("rediss://:canary@host/#insecure", Err(UrlError::Extra)),
            ("redis://:canary@host/?protocol=resp2", Err(UrlError::Extra)),
        ] {
            let url = RedisUrl::parse(text);
            let printed = format!("{url:?} {:?}", url.as_ref().map(ToString::to_string));
            assert!(!printed.contains("canary"), "{text}: {printed}");
            assert_eq!(url.map(|u| u.to_string()), shown.map(str::to_owned), "{text}");
        }
    }
}
