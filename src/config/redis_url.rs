//! The address of a Redis: `redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

const PORT: u16 = 6379;

/// A Redis and how to log in. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    pub database: i64,
    pub username: Option<String>,
    pub password: Option<Zeroizing<String>>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum UrlError {
    #[error(
        "the scheme {0:?} is unknown: a store is \"memory\", \"redis://HOST:PORT\" or \"rediss://HOST:PORT\" (TLS)"
    )]
    Scheme(String),
    #[error("a store is \"memory\", \"redis://HOST:PORT\" or \"rediss://HOST:PORT\" (TLS)")]
    NoUrl,
    #[error("the Redis address names no host: write redis://HOST:PORT")]
    Host,
    #[error("the port of the Redis address is not a number from 1 to 65535")]
    Port,
    #[error("the database of the Redis address is not a number: write redis://HOST:PORT/0")]
    Database,
    #[error("the Redis address holds a broken percent escape in its user or password")]
    Escape,
    #[error("the Redis address has a query or fragment, which masker does not know: leave it out")]
    Query,
}

impl RedisUrl {
    /// Is the connection encrypted?
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    #[must_use]
    pub const fn has_username(&self) -> bool {
        self.username.is_some()
    }

    #[must_use]
    pub const fn has_password(&self) -> bool {
        self.password.is_some()
    }

    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoUrl)?;
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            // A scheme is short and plain; anything else might be part of a password.
            _ if scheme.len() <= 20
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) =>
            {
                return Err(UrlError::Scheme(scheme.to_owned()));
            }
            _ => return Err(UrlError::NoUrl),
        };
        // An unescaped '@' may stand in a password: the last one ends it.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        if place.contains(['?', '#']) {
            return Err(UrlError::Query);
        }
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let database = match database {
            "" => 0,
            digits => digits.parse::<u16>().map_err(|_| UrlError::Database)?.into(),
        };
        let (host, port) = host_and_port(authority)?;
        let (username, password) = match login {
            None => (None, None),
            Some(login) => user_and_password(login)?,
        };
        Ok(Self { tls, host, port, database, username, password })
    }
}

fn host_and_port(authority: &str) -> Result<(String, u16), UrlError> {
    let (host, port) = match authority.strip_prefix('[') {
        // RFC 3986, section 3.2.2: an IPv6 address stands in brackets.
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(UrlError::Host)?;
            (
                host,
                if after.is_empty() {
                    None
                } else {
                    Some(after.strip_prefix(':').ok_or(UrlError::Port)?)
                },
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(UrlError::Host);
    }
    let port = match port {
        None => PORT,
        Some(digits) => digits.parse().ok().filter(|&port| port > 0).ok_or(UrlError::Port)?,
    };
    Ok((host.to_owned(), port))
}

type Login = (Option<String>, Option<Zeroizing<String>>);

fn user_and_password(login: &str) -> Result<Login, UrlError> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let username = if user.is_empty() { None } else { Some(unescape(user)?.to_string()) };
    let password = password.filter(|text| !text.is_empty()).map(unescape).transpose()?;
    Ok((username, password))
}

/// Decodes `%2F` and its like (RFC 3986, section 2.1).
fn unescape(text: &str) -> Result<Zeroizing<String>, UrlError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = digit().zip(digit()).ok_or(UrlError::Escape)?;
        bytes.push(u8::try_from(high << 4 | low).map_err(|_| UrlError::Escape)?);
    }
    std::str::from_utf8(&bytes)
        .map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|_| UrlError::Escape)
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let host = &self.host;
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{}/{}", self.port, self.database)
        } else {
            write!(f, "{scheme}://{host}:{}/{}", self.port, self.database)
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
    fn addresses() {
        for (text, shown, user, password) in [
            ("redis://cache", "redis://cache:6379/0", None, None),
            ("rediss://cache:6380/2", "rediss://cache:6380/2", None, None),
            ("redis://[::1]:7000", "redis://[::1]:7000/0", None, None),
            ("redis://[::1]", "redis://[::1]:6379/0", None, None),
            ("redis://:canary@h", "redis://h:6379/0", None, Some("canary")),
            ("redis://me:can%40ary@h:1/", "redis://h:1/0", Some("me"), Some("can@ary")),
            ("redis://me:a@b:c@h", "redis://h:6379/0", Some("me"), Some("a@b:c")),
            ("redis://me@h", "redis://h:6379/0", Some("me"), None),
        ] {
            let url = RedisUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(url.username.as_deref(), user, "{text}");
            assert_eq!(url.password.as_ref().map(|p| p.as_str()), password, "{text}");
            assert!(!format!("{url:?}").contains("canary"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (text, wrong) in [
            ("redis-sentinel://:canary@h", UrlError::Scheme("redis-sentinel".into())),
            ("cache:6379", UrlError::NoUrl),
            ("", UrlError::NoUrl),
            ("canary!://h", UrlError::NoUrl),
            ("redis://", UrlError::Host),
            ("redis://:canary@", UrlError::Host),
            ("redis://h:x", UrlError::Port),
            ("redis://h:0", UrlError::Port),
            ("redis://[::1]x", UrlError::Port),
            ("redis://h/x", UrlError::Database),
            ("redis://:canary%4@h", UrlError::Escape),
            ("redis://:canary@h?db=1", UrlError::Query),
        ] {
            let found = RedisUrl::parse(text).unwrap_err();
            assert!(!found.to_string().contains("canary"));
            assert_eq!(found, wrong, "{text}");
        }
    }
}
