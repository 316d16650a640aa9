//! A small HTTP client: one request on a connection of its own, over TLS where the URL says
//! `https`. No error holds the URL, whose path may be a secret.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// For connecting, sending and what is wanted of the answer together.
const TIME: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const LARGEST: usize = 16 << 20;

/// Why somebody cannot be told anything.
#[derive(Debug, Error)]
pub enum TargetError {
    #[error("is no URL; write https://HOST[:PORT]/PATH, or http:// where nothing is secret")]
    Url,
    #[error("cannot be read: {0}")]
    File(#[source] io::Error),
    #[error("holds no certificate in PEM")]
    Certificate,
    #[error("has no certificate and key in PEM that belong together")]
    Own,
    #[error("holds no token that can be sent")]
    Token,
    #[error("goes over http:// to another machine, where everybody on the way can read it")]
    Plaintext,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum HttpError {
    #[error("no answer within {TIME:?}")]
    Slow,
    #[error("cannot be reached ({0})")]
    Connection(io::ErrorKind),
    #[error("it does not speak HTTP")]
    Protocol,
    #[error("it answered {0}")]
    Status(StatusCode),
}

impl HttpError {
    /// May another attempt go better?
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Status(status) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Slow | Self::Connection(_) | Self::Protocol => true,
        }
    }
}

/// Where to, and how. Cloning is cheap.
#[derive(Clone)]
pub struct Target {
    host: String,
    port: u16,
    path: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    authorization: Option<HeaderValue>,
}

impl PartialEq for Target {
    /// The certificates that it trusts are not compared.
    fn eq(&self, other: &Self) -> bool {
        let own = |target: &Self| (target.port, target.tls.is_some(), target.authorization.clone());
        (&self.host, &self.path, own(self)) == (&other.host, &other.path, own(other))
    }
}

impl Eq for Target {}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.host)
    }
}

impl Target {
    /// The system's usual authorities are trusted, or those in `ca` alone.
    pub fn new(url: &str, ca: Option<&Path>) -> Result<Self, TargetError> {
        Self::known_by(url, ca, None)
    }

    /// The same; the certificate and the key in these files are shown to who asks for them.
    pub fn known_by(
        url: &str,
        ca: Option<&Path>,
        own: Option<(&Path, &Path)>,
    ) -> Result<Self, TargetError> {
        let uri: Uri = url.trim().parse().map_err(|_| TargetError::Url)?;
        let host = uri.host().ok_or(TargetError::Url)?.to_owned();
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {
                let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(bare).map_err(|_| TargetError::Url)?;
                Some((connector(ca, own)?, name))
            }
            Some(scheme) if *scheme == Scheme::HTTP => None,
            _ => return Err(TargetError::Url),
        };
        let port = uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { host, port, path, tls, authorization: None })
    }

    /// Shows this token, if the way is safe.
    pub fn bearer(self, token: &str) -> Result<Self, TargetError> {
        if self.tls.is_none() && !matches!(self.host.as_str(), "127.0.0.1" | "[::1]" | "localhost")
        {
            return Err(TargetError::Plaintext);
        }
        let text = Zeroizing::new(format!("Bearer {}", token.trim()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| TargetError::Token)?;
        value.set_sensitive(true);
        Ok(Self { authorization: Some(value), ..self })
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends one body, and waits until it is accepted.
    pub async fn post(&self, body: Bytes) -> Result<(), HttpError> {
        let status = timeout(TIME, self.send(body)).await.map_err(|_| HttpError::Slow)??;
        if status.is_success() { Ok(()) } else { Err(HttpError::Status(status)) }
    }

    async fn send(&self, body: Bytes) -> Result<StatusCode, HttpError> {
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        Ok(self.exchange(&self.path, headers, body, false).await?.0)
    }

    /// Sends one body to another path, and waits for all of the answer.
    pub async fn ask(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        timeout(TIME, self.exchange(path, headers, body, true))
            .await
            .map_err(|_| HttpError::Slow)?
    }

    async fn exchange(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        whole: bool,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let failed = |error: io::Error| HttpError::Connection(error.kind());
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.port)).await.map_err(failed)?;
        match &self.tls {
            None => self.request(stream, path, headers, body, whole).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(failed)?;
                self.request(stream, path, headers, body, whole).await
            }
        }
    }

    async fn request(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        whole: bool,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|_| HttpError::Protocol)?;
        let driven = tokio::spawn(connection);
        let agent = concat!("masker/", env!("CARGO_PKG_VERSION"));
        let request = Request::post(path)
            .header(header::HOST, format!("{}:{}", self.host, self.port))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, agent);
        let mut request = request.body(Full::new(body)).map_err(|_| HttpError::Protocol)?;
        request.headers_mut().extend(headers);
        let answer = async {
            let answer = sender.send_request(request).await.ok()?;
            let status = answer.status();
            if !whole {
                return Some((status, Bytes::new()));
            }
            let body = Limited::new(answer.into_body(), LARGEST).collect().await.ok()?;
            Some((status, body.to_bytes()))
        };
        let answer = answer.await.ok_or(HttpError::Protocol);
        driven.abort();
        answer
    }
}

fn connector(ca: Option<&Path>, own: Option<(&Path, &Path)>) -> Result<TlsConnector, TargetError> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let pem = std::fs::read(path).map_err(TargetError::File)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| TargetError::Certificate)?;
                roots.add(certificate).map_err(|_| TargetError::Certificate)?;
            }
        }
    }
    if roots.is_empty() {
        return Err(TargetError::Certificate);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TargetError::Certificate)?
        .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some((certificates, key)) => {
            let wrong = |_| TargetError::Own;
            let chain = CertificateDer::pem_file_iter(certificates).map_err(wrong)?;
            let chain = chain.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(wrong)?;
            config.with_client_auth_cert(chain, key).map_err(|_| TargetError::Own)?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked_and_never_shown() {
        for (url, wrong) in [
            ("https://hooks.example/services/canary", None),
            ("http://127.0.0.1:9/x?y=canary", None),
            ("https://[::1]:8443/canary", None),
            ("ftp://hooks.example/canary", Some("is no URL")),
            ("/services/canary", Some("is no URL")),
            ("https://", Some("is no URL")),
        ] {
            let target = Target::new(url, None).map_err(|error| error.to_string());
            assert!(!format!("{target:?}").contains("canary"), "{target:?}");
            match (target, wrong) {
                (Ok(target), None) => assert!(!target.host().is_empty()),
                (Err(error), Some(wrong)) => assert!(error.starts_with(wrong), "{error}"),
                (target, _) => panic!("{url}: {target:?}"),
            }
        }
        let bearer = |url: &str, token: &str| {
            let made = Target::new(url, None).unwrap().bearer(token);
            made.map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(bearer("http://127.0.0.1:9/", "t"), Ok(()));
        assert_eq!(bearer("https://hooks.example/", "t\n"), Ok(()));
        assert!(bearer("https://hooks.example/", "t\u{7}t").unwrap_err().contains("no token"));
        assert!(bearer("http://hooks.example/", "t").unwrap_err().contains("everybody"));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (status, passes) in [(500, true), (503, true), (429, true), (400, false), (404, false)]
        {
            let error = HttpError::Status(StatusCode::from_u16(status).unwrap());
            assert_eq!(error.passes(), passes, "{status}");
        }
        assert!(HttpError::Slow.passes());
    }
}
