//! One accepted connection, with or without TLS, and who is at its other end.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

/// A connection. It counts against the listener's limit until it is dropped.
pub struct Conn {
    stream: Stream,
    peer: Peer,
    _permit: Option<OwnedSemaphorePermit>,
}

/// The other end of a connection. In every request's extensions under tonic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: PeerAddress,
    /// SHA-256 of the client's certificate, if it showed one.
    pub certificate: Option<[u8; 32]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    Tcp(SocketAddr),
    /// The user of the process, where the system tells it.
    Unix(Option<u32>),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            PeerAddress::Tcp(address) => address.fmt(f)?,
            PeerAddress::Unix(Some(uid)) => write!(f, "unix uid {uid}")?,
            PeerAddress::Unix(None) => f.write_str("unix")?,
        }
        let Some(certificate) = self.certificate else { return Ok(()) };
        f.write_str(" certificate sha256:")?;
        certificate.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A socket before TLS.
pub(super) type Socket = Either<TcpStream, UnixStream>;
type Stream = Either<Socket, Box<TlsStream<Socket>>>;

impl Conn {
    pub(super) fn plain(
        socket: Socket,
        address: PeerAddress,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let peer = Peer { address, certificate: None };
        Self { stream: Either::Left(socket), peer, _permit: permit }
    }

    pub(super) fn tls(
        stream: TlsStream<Socket>,
        address: PeerAddress,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let (_, session) = stream.get_ref();
        let certificate = session
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|leaf| Sha256::digest(leaf).into());
        let peer = Peer { address, certificate };
        Self { stream: Either::Right(Box::new(stream)), peer, _permit: permit }
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conn({})", self.peer)
    }
}

impl Connected for Conn {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
