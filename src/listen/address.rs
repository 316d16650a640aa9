//! Where a listener listens: `127.0.0.1:50051`, `[::1]:50051` or `unix:/run/masker.sock`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// `sockaddr_un.sun_path` has 108 bytes on Linux and 104 on macOS, with a final zero.
const UNIX_PATH_MAX: usize = 103;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    #[error("'{0}' is neither IP:PORT (such as 127.0.0.1:50051 or [::1]:50051) nor unix:PATH")]
    Unreadable(String),
    #[error("the path after 'unix:' must be absolute")]
    Relative,
    #[error("the path of a unix socket has at most {UNIX_PATH_MAX} bytes; this one has {0}")]
    TooLong(usize),
}

impl Address {
    /// Can only processes of this machine connect?
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Some(path) = text.strip_prefix("unix:") else {
            let unreadable = || AddressError::Unreadable(text.to_owned());
            return text.parse().map(Self::Tcp).map_err(|_| unreadable());
        };
        if !path.starts_with('/') {
            return Err(AddressError::Relative);
        }
        if path.len() > UNIX_PATH_MAX {
            return Err(AddressError::TooLong(path.len()));
        }
        Ok(Self::Unix(path.into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, local) in [
            ("127.0.0.1:50051", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("unix:/run/masker.sock", true),
            ("0.0.0.0:50051", false),
            ("[::]:0", false),
            ("10.0.0.1:1", false),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.is_local(), local, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("unix:/{}", "x".repeat(UNIX_PATH_MAX));
        for text in
            ["", "localhost:1", "127.0.0.1", ":1", "1.2.3.4:65536", "unix:", "unix:a", &long]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
