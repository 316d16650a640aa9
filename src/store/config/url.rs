//! Where a Redis is: `redis://`, `redis+sentinel://` and `redis+cluster://`,
//! each with `rediss` for TLS.
//!
//! ```text
//! redis[s]://[user[:password]@]host[:port][/database]
//! redis[s]+sentinel://[user[:password]@]host[:port][,host[:port]…]/primary[/database]
//! redis[s]+cluster://[user[:password]@]host[:port][,host[:port]…]
//! ```

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionAddr, IntoConnectionInfo};
use thiserror::Error;
use zeroize::Zeroizing;

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
/// More addresses than this are a mistake.
const HOSTS: usize = 32;

/// How several Redis servers are one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One server, or one address behind which another may take over.
    Standalone,
    /// Sentinels tell which server is the primary of this name.
    Sentinel {
        primary: String,
    },
    Cluster,
}

impl Topology {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Sentinel { .. } => "sentinel",
            Self::Cluster => "cluster",
        }
    }
}

/// A checked URL. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    topology: Topology,
    tls: bool,
    hosts: Vec<(String, u16)>,
    username: Option<Zeroizing<String>>,
    password: Option<Zeroizing<String>>,
    database: i64,
}

/// The text of a URL may hold a password, so that no error repeats it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UrlError {
    #[error(
        "the store's URL begins with redis://, redis+sentinel:// or redis+cluster://, or with rediss for TLS"
    )]
    Scheme,
    #[error("not a URL of the form redis[s]://[user[:password]@]host[:port][/database]")]
    Form,
    #[error("the path of a Redis URL is the number of a database, such as /0")]
    Database,
    #[error("a Redis URL has neither a query nor a fragment; TLS is always verified")]
    Extra,
    #[error(
        "redis:// names one address; several are redis+sentinel://HOST,HOST/PRIMARY or redis+cluster://HOST,HOST"
    )]
    Hosts,
    #[error("at most {HOSTS} addresses: the others are found through these")]
    TooMany,
    #[error("a Sentinel URL names the primary as the sentinels do: redis+sentinel://HOST/PRIMARY")]
    Primary,
    #[error("a Redis Cluster has only database 0: leave the path out")]
    ClusterPath,
}

impl RedisUrl {
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let (tls, kind) = match scheme.split_once('+').unwrap_or((scheme, "")) {
            ("redis", kind) => (false, kind),
            ("rediss", kind) => (true, kind),
            _ => return Err(UrlError::Scheme),
        };
        if rest.contains(['?', '#']) {
            return Err(UrlError::Extra);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (format!("{login}@"), hosts),
            None => (String::new(), authority),
        };
        let login = Zeroizing::new(login);
        let (topology, database) = topology(kind, path)?;
        let port = if kind == "sentinel" { SENTINEL_PORT } else { PORT };
        let mut found = Vec::new();
        let (mut username, mut password) = (None, None);
        for host in hosts.split(',') {
            let info = Zeroizing::new(format!("redis://{}{host}/", *login));
            let info = info.as_str().into_connection_info().map_err(|_| UrlError::Form)?;
            let ConnectionAddr::Tcp(name, own) = info.addr() else { return Err(UrlError::Form) };
            let named = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
            found.push((name.clone(), if named { *own } else { port }));
            let secret = |text: Option<&str>| text.map(|text| Zeroizing::new(text.to_owned()));
            username = secret(info.redis_settings().username());
            password = secret(info.redis_settings().password());
        }
        match topology {
            Topology::Standalone if found.len() > 1 => Err(UrlError::Hosts),
            _ if found.len() > HOSTS => Err(UrlError::TooMany),
            _ => Ok(Self { topology, tls, hosts: found, username, password, database }),
        }
    }

    #[must_use]
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    #[must_use]
    pub fn hosts(&self) -> &[(String, u16)] {
        &self.hosts
    }

    #[must_use]
    pub const fn database(&self) -> i64 {
        self.database
    }

    /// Does the URL itself name a user?
    #[must_use]
    pub const fn has_username(&self) -> bool {
        self.username.is_some()
    }

    /// Does the URL itself hold a password?
    #[must_use]
    pub const fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Are connections encrypted?
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// User and password. Whoever calls this must not print them.
    pub(crate) fn login(&self) -> (Option<Zeroizing<String>>, Option<Zeroizing<String>>) {
        (self.username.clone(), self.password.clone())
    }
}

fn topology(kind: &str, path: &str) -> Result<(Topology, i64), UrlError> {
    let database = |text: &str| match text {
        "" => Ok(0),
        text => text.parse::<u16>().map(i64::from).map_err(|_| UrlError::Database),
    };
    match kind {
        "" => Ok((Topology::Standalone, database(path)?)),
        "cluster" if path.is_empty() => Ok((Topology::Cluster, 0)),
        "cluster" => Err(UrlError::ClusterPath),
        "sentinel" => {
            let (primary, number) = path.split_once('/').unwrap_or((path, ""));
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
            if primary.is_empty() || !primary.bytes().all(legal) {
                return Err(UrlError::Primary);
            }
            Ok((Topology::Sentinel { primary: primary.to_owned() }, database(number)?))
        }
        _ => Err(UrlError::Scheme),
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
        f.write_str(if self.tls { "rediss" } else { "redis" })?;
        f.write_str(match self.topology {
            Topology::Standalone => "://",
            Topology::Sentinel { .. } => "+sentinel://",
            Topology::Cluster => "+cluster://",
        })?;
        for (number, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            if host.contains(':') {
                write!(f, "{comma}[{host}]:{port}")?;
            } else {
                write!(f, "{comma}{host}:{port}")?;
            }
        }
        match &self.topology {
            Topology::Standalone => write!(f, "/{}", self.database),
            Topology::Sentinel { primary } => write!(f, "/{primary}/{}", self.database),
            Topology::Cluster => Ok(()),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
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
            ("redis://[::1]", Ok("redis://[::1]:6379/0")),
            (
                "redis+sentinel://a,b:7,[::1]/main",
                Ok("redis+sentinel://a:26379,b:7,[::1]:26379/main/0"),
            ),
            ("rediss+sentinel://:canary@a/main/2", Ok("rediss+sentinel://a:26379/main/2")),
            ("redis+cluster://u:canary@a,b:7000/", Ok("redis+cluster://a:6379,b:7000")),
            ("rediss+cluster://a", Ok("rediss+cluster://a:6379")),
            ("http://canary@localhost", Err(UrlError::Scheme)),
            ("redis+other://canary@localhost", Err(UrlError::Scheme)),
            ("localhost:6379", Err(UrlError::Scheme)),
            ("redis://", Err(UrlError::Form)),
            ("redis+cluster://a,,b", Err(UrlError::Form)),
            ("redis://:canary@host:port", Err(UrlError::Form)),
            ("redis://:canary@a,b", Err(UrlError::Hosts)),
            ("redis://:canary@host/name", Err(UrlError::Database)),
            ("redis+sentinel://:canary@host/main/x", Err(UrlError::Database)),
            ("redis+sentinel://:canary@host", Err(UrlError::Primary)),
            ("redis+sentinel://:canary@host/a b", Err(UrlError::Primary)),
            ("redis+cluster://:canary@host/1", Err(UrlError::ClusterPath)),
            ("rediss://:canary@host/#insecure", Err(UrlError::Extra)),
            ("redis://:canary@host/?protocol=resp2", Err(UrlError::Extra)),
        ] {
            let url = RedisUrl::parse(text);
            let printed = format!("{url:?} {:?}", url.as_ref().map(ToString::to_string));
            assert!(!printed.contains("canary"), "{text}: {printed}");
            assert_eq!(url.map(|u| u.to_string()), shown.map(str::to_owned), "{text}");
        }
        let many = format!("redis+cluster://{}", vec!["a"; 33].join(","));
        assert_eq!(RedisUrl::parse(&many), Err(UrlError::TooMany));
    }

    #[test]
    fn a_login_is_decoded() {
        let url = RedisUrl::parse("redis+cluster://us%65r:p%40ss@a,b").unwrap();
        let (username, password) = url.login();
        assert_eq!(username.as_deref().map(String::as_str), Some("user"));
        assert_eq!(password.as_deref().map(String::as_str), Some("p@ss"));
        assert!(!RedisUrl::parse("redis://:x@a").unwrap().has_username());
    }
}
