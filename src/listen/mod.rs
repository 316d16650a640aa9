//! Listeners: TCP or unix socket, with or without TLS, as streams of connections.

mod address;
mod conn;
mod expiry;
mod incoming;
mod tls;

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::Stream;
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::time;

pub use address::{Address, AddressError};
pub use conn::{Conn, Peer, PeerAddress};
pub(crate) use tls::Stamp;
pub use tls::{Tls, TlsError};

pub use expiry::expiry;
pub use incoming::Places;

use incoming::Listener;
use tls::Certificates;

/// How long a unix socket that exists has to answer before it counts as in use.
const PROBE_TIME: Duration = Duration::from_secs(1);
/// The owner and the group may connect.
const SOCKET_MODE: u32 = 0o660;

/// A listener as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub address: Address,
    pub tls: Option<Tls>,
}

#[derive(Debug, Error)]
pub enum ListenError {
    #[error("cannot listen on {0}: it is in use; does masker run already?")]
    InUse(Address),
    #[error("cannot listen on {0}: permission denied")]
    Denied(Address),
    #[error("cannot listen on {address}")]
    Bind { address: Address, source: io::Error },
    #[error("cannot listen on unix:{}: a file that is no socket is there", .0.display())]
    NotASocket(PathBuf),
    #[error("cannot listen on {address} with TLS")]
    Tls { address: Address, source: TlsError },
}

/// A bound listener. Connections wait in the system's queue until
/// [`Bound::incoming`] is polled.
pub struct Bound {
    address: Address,
    listener: Listener,
    certificates: Option<Arc<Certificates>>,
    places: Places,
}

/// Binds and reads the certificates. A unix socket that nobody answers on is replaced.
pub async fn bind(listen: &Listen) -> Result<Bound, ListenError> {
    let failed = |source: io::Error| of_bind(listen.address.clone(), source);
    let certificates = match listen.tls.clone() {
        None => None,
        Some(files) => Some(Arc::new(
            Certificates::load(files)
                .map_err(|source| ListenError::Tls { address: listen.address.clone(), source })?,
        )),
    };
    let (address, listener) = match &listen.address {
        Address::Tcp(address) => {
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            (Address::Tcp(address), Listener::Tcp(listener))
        }
        Address::Unix(path) => {
            remove_stale(path).await?;
            let listener = UnixListener::bind(path).map_err(failed)?;
            let file = SocketFile::own(path).map_err(failed)?;
            (listen.address.clone(), Listener::Unix { listener, _file: file })
        }
    };
    Ok(Bound { address, listener, certificates, places: Places::default() })
}

impl Bound {
    /// Where it listens: port 0 is resolved.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address.clone()
    }

    /// The TCP address, if it is one.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Tcp(address) => Some(address),
            Address::Unix(_) => None,
        }
    }

    /// Tells how many connections are open, also after [`Bound::incoming`].
    #[must_use]
    pub fn places(&self) -> Places {
        self.places.clone()
    }

    /// The connections, for tonic's `serve_with_incoming`. The stream ends when
    /// it is dropped; handshakes and reloading of certificates end with it.
    /// Must be called within a tokio runtime.
    pub fn incoming(self) -> impl Stream<Item = io::Result<Conn>> + Send + use<> {
        incoming::incoming(self.listener, self.certificates, self.places)
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bound({})", self.address)
    }
}

/// A socket's file, removed when the listener goes, unless another one is there by then.
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn own(path: &Path) -> io::Result<Self> {
        fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the socket");
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

fn of_bind(address: Address, source: io::Error) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        io::ErrorKind::PermissionDenied => ListenError::Denied(address),
        _ => ListenError::Bind { address, source },
    }
}

/// Removes the socket that a killed process left: one that refuses to connect.
async fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let failed = |source| of_bind(Address::Unix(path.to_owned()), source);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(meta) if !meta.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match time::timeout(PROBE_TIME, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(Err(error)) => Err(failed(error)),
        Ok(Ok(_)) | Err(_) => Err(ListenError::InUse(Address::Unix(path.to_owned()))),
    }
}

/// Can the certificate, its key and the authorities of clients be used?
pub fn check(tls: &Tls) -> Result<(), TlsError> {
    Certificates::load(tls.clone()).map(drop)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::StreamExt;
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use tonic::transport::server::Connected;

    use super::tls::Refresh;
    use super::tls::tests::{Authority, Files};
    use super::*;

    fn plain(address: &str) -> Listen {
        Listen { address: address.parse().unwrap(), tls: None }
    }

    /// Answers each connection with `<what it sent>` and who it was.
    async fn serve(bound: Bound) {
        let mut incoming = pin!(bound.incoming());
        while let Some(conn) = incoming.next().await {
            let mut conn = conn.unwrap();
            let mut text = [0; 4];
            if conn.read_exact(&mut text).await.is_ok() {
                let peer = conn.connect_info().to_string();
                conn.write_all(&[text.as_slice(), b" ", peer.as_bytes()].concat()).await.unwrap();
                conn.shutdown().await.unwrap();
            }
        }
    }

    async fn ask(
        mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    ) -> io::Result<String> {
        stream.write_all(b"ping").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn tcp_connections_come_in() {
        let bound = bind(&plain("127.0.0.1:0")).await.unwrap();
        let address = bound.socket_addr().unwrap();
        assert_ne!(address.port(), 0);
        let again = bind(&plain(&address.to_string())).await.unwrap_err();
        assert!(matches!(again, ListenError::InUse(_)), "{again}");
        tokio::spawn(serve(bound));
        let stream = TcpStream::connect(address).await.unwrap();
        let local = stream.local_addr().unwrap();
        assert_eq!(ask(stream).await.unwrap(), format!("ping {local}"));
    }

    #[tokio::test]
    async fn a_unix_socket_is_replaced_when_stale_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("masker.sock");
        let listen = plain(&format!("unix:{}", path.display()));
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a killed process leaves its socket");

        let bound = bind(&listen).await.unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, SOCKET_MODE);
        assert!(matches!(bind(&listen).await.unwrap_err(), ListenError::InUse(_)));
        let server = tokio::spawn(serve(bound));
        let answer = ask(UnixStream::connect(&path).await.unwrap()).await.unwrap();
        assert!(answer.starts_with("ping unix uid "), "{answer}");

        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
        assert!(!path.exists(), "the socket goes with its listener");
        fs::write(&path, "kept").unwrap();
        assert!(matches!(bind(&listen).await.unwrap_err(), ListenError::NotASocket(_)));
        assert_eq!(fs::read(&path).unwrap(), b"kept");
    }

    async fn connect(
        address: SocketAddr,
        server: &Authority,
        client: Option<&Authority>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(server.certificate().der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let (cert, key) = authority.sign("client");
                let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
                config.with_client_auth_cert(vec![cert.der().clone()], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        Ok(stream)
    }

    #[tokio::test]
    async fn tls_survives_failed_handshakes_and_takes_renewed_certificates() {
        let files = Files::new();
        let old = Authority::new();
        files.write(&old);
        let listen = Listen { tls: Some(files.tls(None)), ..plain("127.0.0.1:0") };
        let bound = bind(&listen).await.unwrap();
        let address = bound.socket_addr().unwrap();
        let certificates = Arc::clone(bound.certificates.as_ref().unwrap());
        tokio::spawn(serve(bound));

        // A client that never says hello holds nobody up, one that does not speak TLS neither.
        let _silent = TcpStream::connect(address).await.unwrap();
        let _no_tls = ask(TcpStream::connect(address).await.unwrap()).await;
        let stream = connect(address, &old, None).await.unwrap();
        assert!(ask(stream).await.unwrap().starts_with("ping 127.0.0.1:"));

        let new = Authority::new();
        files.write(&new);
        assert!(matches!(certificates.refresh(), Refresh::Renewed));
        ask(connect(address, &new, None).await.unwrap()).await.unwrap();
        assert!(connect(address, &old, None).await.is_err());
    }

    #[tokio::test]
    async fn mutual_tls_refuses_strangers() {
        let files = Files::new();
        let [server, clients, strangers] = [Authority::new(), Authority::new(), Authority::new()];
        files.write(&server);
        let listen = Listen { tls: Some(files.tls(Some(&clients))), ..plain("127.0.0.1:0") };
        let bound = bind(&listen).await.unwrap();
        let address = bound.socket_addr().unwrap();
        tokio::spawn(serve(bound));
        for refused in [None, Some(&strangers)] {
            // With TLS 1.3 the client learns it when it reads.
            let answer = match connect(address, &server, refused).await {
                Ok(stream) => ask(stream).await,
                Err(error) => Err(error),
            };
            assert!(answer.is_err());
        }
        let answer = ask(connect(address, &server, Some(&clients)).await.unwrap()).await.unwrap();
        assert!(answer.contains(" certificate sha256:"), "{answer}");
    }

    #[tokio::test]
    async fn errors_name_the_file() {
        let files = Files::new();
        let mut tls = files.tls(None);
        tls.cert = files.path("missing.pem");
        let listen = Listen { tls: Some(tls), ..plain("127.0.0.1:0") };
        let ListenError::Tls { source, .. } = bind(&listen).await.unwrap_err() else {
            panic!("not a TLS error");
        };
        assert!(source.to_string().ends_with("missing.pem"), "{source}");
    }
}
