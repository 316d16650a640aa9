//! The way to the gateway that is verified: plain or over TLS, with what it asks of its clients.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

use crate::config::secret;
use crate::config::secret::SecretError;
use crate::outward::http::{Target, TargetError};

/// Envoy's route to the stand-in.
pub(super) const ROUTE: &str = "/masker-verify";

#[derive(Debug, Args)]
pub(super) struct Way {
    /// The gateway, such as http://localhost:8085 or https://gateway.example
    #[arg(value_name = "URL")]
    url: String,

    /// The authorities that its certificate may be of, instead of the usual ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// A client's certificate, for a gateway that asks for one
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The key of that certificate
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Headers that the gateway asks of its clients, as lines `NAME: VALUE` of a file that nobody
    /// else may read: `x-api-key: …`, `authorization: Bearer …`
    #[arg(long, value_name = "FILE")]
    header_file: Option<PathBuf>,
}

/// No text of a header is in here.
#[derive(Debug, Error)]
pub(in crate::cli) enum WayError {
    #[error("the gateway is http://HOST:PORT or https://HOST[:PORT]; {0:?} is not")]
    Url(String),
    #[error(
        "the URL holds a name or a password, which would be in the report: --header-file holds `authorization: Basic …`"
    )]
    Userinfo,
    #[error("--ca {path:?} {error}")]
    Ca { path: PathBuf, error: TargetError },
    #[error("--cert and --key: {0}")]
    Own(TargetError),
    #[error("--header-file {path:?} {error}")]
    Headers { path: PathBuf, error: SecretError },
    #[error("--header-file {0:?} is open to others; `chmod 600` makes it right")]
    Mode(PathBuf),
    #[error("line {line} of --header-file {path:?} is no `NAME: VALUE`")]
    Line { path: PathBuf, line: usize },
}

/// A gateway that can be asked.
#[derive(Debug)]
pub(super) struct Gateway {
    /// As it was given.
    pub(super) url: String,
    target: Target,
    headers: HeaderMap,
}

impl Gateway {
    pub(super) fn new(way: &Way) -> Result<Self, WayError> {
        let url = way.url.trim_end_matches('/').to_owned();
        if url.contains('@') {
            return Err(WayError::Userinfo);
        }
        let wrong = |error| match (error, &way.ca) {
            (TargetError::Url, _) => WayError::Url(way.url.clone()),
            (TargetError::Own, _) | (_, None) => WayError::Own(TargetError::Own),
            (error, Some(path)) => WayError::Ca { path: path.clone(), error },
        };
        // No path: the route is at the root.
        if url.split("://").nth(1).is_none_or(|rest| rest.contains('/')) {
            return Err(WayError::Url(way.url.clone()));
        }
        let own = way.cert.as_deref().zip(way.key.as_deref());
        let target = Target::known_by(&url, way.ca.as_deref(), own).map_err(wrong)?;
        let headers = way.header_file.as_deref().map_or_else(|| Ok(HeaderMap::new()), headers)?;
        Ok(Self { url, target, headers })
    }

    /// Status and body of the answer.
    pub(super) async fn send(&self, path: &str, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        let path = format!("{ROUTE}{path}");
        let asked = self.target.ask(&path, self.headers.clone(), body.into()).await;
        let (status, body) = asked.map_err(|error| error.to_string())?;
        Ok((status.as_u16(), body))
    }
}

fn headers(path: &Path) -> Result<HeaderMap, WayError> {
    let failed = |error| WayError::Headers { path: path.to_owned(), error };
    let file = secret::open(path).map_err(failed)?;
    let about = file.metadata().map_err(|error| failed(error.into()))?;
    if secret::open_to_others(&about).is_some() {
        return Err(WayError::Mode(path.to_owned()));
    }
    let bytes = secret::read(&file).map_err(failed)?;
    let mut headers = HeaderMap::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let wrong = || WayError::Line { path: path.to_owned(), line: index + 1 };
        let colon = line.iter().position(|&byte| byte == b':').ok_or_else(wrong)?;
        let (name, value) = line.split_at_checked(colon).ok_or_else(wrong)?;
        let name = HeaderName::from_bytes(name.trim_ascii()).map_err(|_| wrong())?;
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let mut value = HeaderValue::from_bytes(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn gateway(url: &str, headers: Option<(&str, u32)>) -> Result<HeaderMap, String> {
        let dir = tempfile::tempdir().unwrap();
        let header_file = headers.map(|(text, mode)| {
            let path = dir.path().join("headers");
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        });
        let way = Way { url: url.to_owned(), ca: None, cert: None, key: None, header_file };
        let made = Gateway::new(&way).map_err(|error| error.to_string())?;
        assert!(!format!("{made:?}").contains("canary"), "{made:?}");
        Ok(made.headers)
    }

    #[test]
    fn what_the_gateway_asks_for_comes_from_a_file() {
        let text = "x-api-key: canary\n\nAuthorization:Bearer canary:1\r\n";
        let headers = gateway("https://gateway.example/", Some((text, 0o600))).unwrap();
        assert_eq!(headers["x-api-key"], "canary");
        assert_eq!(headers["authorization"], "Bearer canary:1");
        for (url, headers, wrong) in [
            ("localhost:8085", None, "is not"),
            ("http://localhost:8085/v1", None, "is not"),
            ("ftp://localhost", None, "is not"),
            ("https://name:canary@localhost", None, "name or a password"),
            ("http://localhost", Some((text, 0o644)), "open to others"),
            ("http://localhost", Some(("a: b\ncanary", 0o600)), "line 2 of"),
            ("http://localhost", Some(("", 0o600)), "is empty"),
        ] {
            let error = gateway(url, headers).unwrap_err();
            assert!(error.contains(wrong) && !error.contains("canary"), "{error}");
        }
    }
}
