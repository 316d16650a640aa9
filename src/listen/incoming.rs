//! The stream of connections of a listener: accepts, and shakes hands for TLS.
//!
//! The stream never ends and never fails. A failed handshake is logged; an
//! error of accept itself (`EMFILE`: too many open files) is waited out.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;

use crate::listen::SocketFile;
use crate::listen::conn::{Conn, PeerAddress, Socket};
use crate::listen::tls::{Certificates, Refresh};

/// Connections of one listener. More wait in the system's queue: Envoy needs
/// one per worker thread and cluster, an operator a handful.
const CONNECTIONS: usize = 4096;
/// Handshakes at a time: each costs a signature.
const HANDSHAKES: usize = 64;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const RELOAD_EVERY: Duration = Duration::from_secs(5);
/// The first and the longest wait after an error of accept.
const BACKOFF: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// The places for connections of one listener.
#[derive(Clone, Debug)]
pub struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(CONNECTIONS)))
    }
}

impl Places {
    /// How many are taken. One is kept for the connection that comes next.
    #[must_use]
    pub fn taken(&self) -> usize {
        CONNECTIONS.saturating_sub(self.0.available_permits()).saturating_sub(1)
    }
}

pub(super) enum Listener {
    Tcp(TcpListener),
    /// The file goes when the listener does.
    Unix {
        listener: UnixListener,
        _file: SocketFile,
    },
}

impl Listener {
    async fn accept(&self) -> io::Result<(Socket, PeerAddress)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Either::Left(stream), PeerAddress::Tcp(peer)))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred().ok().map(|cred| cred.uid());
                Ok((Either::Right(stream), PeerAddress::Unix(uid)))
            }
        }
    }
}

pub(super) fn incoming(
    listener: Listener,
    certificates: Option<Arc<Certificates>>,
    places: Places,
) -> impl Stream<Item = io::Result<Conn>> + Send {
    let tls = certificates.map(|certificates| {
        let mut reload = JoinSet::new();
        reload.spawn(reload_on_change(Arc::clone(&certificates)));
        Shake { certificates, pending: JoinSet::new(), _reload: reload }
    });
    let acceptor = Acceptor { listener, tls, permits: places.0 };
    stream::unfold(acceptor, async |mut acceptor| {
        let conn = acceptor.next().await;
        Some((Ok(conn), acceptor))
    })
}

struct Acceptor {
    listener: Listener,
    tls: Option<Shake>,
    permits: Arc<Semaphore>,
}

/// Handshakes under way. Dropping it ends them and the reloading.
struct Shake {
    certificates: Arc<Certificates>,
    pending: JoinSet<io::Result<Conn>>,
    _reload: JoinSet<()>,
}

impl Acceptor {
    async fn next(&mut self) -> Conn {
        let Some(tls) = &mut self.tls else {
            let (socket, peer, permit) = accept(&self.listener, &self.permits).await;
            return Conn::plain(socket, peer, permit);
        };
        loop {
            tokio::select! {
                (socket, peer, permit) = accept(&self.listener, &self.permits),
                    if tls.pending.len() < HANDSHAKES =>
                {
                    let acceptor = TlsAcceptor::from(tls.certificates.current());
                    tls.pending.spawn(shake_hands(acceptor, socket, peer, permit));
                }
                Some(shaken) = tls.pending.join_next() => {
                    if let Some(conn) = established(shaken) {
                        return conn;
                    }
                }
            }
        }
    }
}

/// Waits for a free place, then for a connection. Cancel-safe: a place that was
/// not used is free again, and accept takes nothing before it is ready.
async fn accept(
    listener: &Listener,
    permits: &Arc<Semaphore>,
) -> (Socket, PeerAddress, Option<OwnedSemaphorePermit>) {
    let [mut wait, longest] = BACKOFF;
    loop {
        let permit = Arc::clone(permits).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((socket, peer)) => return (socket, peer, permit),
            Err(error) if of_the_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, ?wait, "cannot accept connections");
                time::sleep(wait).await;
                wait = longest.min(wait * 2);
            }
        }
    }
}

/// Is it this connection that failed, and not the listener?
fn of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        // macOS says EINVAL when the option is set on a connection that is gone.
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted | Kind::InvalidInput
    )
}

async fn shake_hands(
    acceptor: TlsAcceptor,
    socket: Socket,
    peer: PeerAddress,
    permit: Option<OwnedSemaphorePermit>,
) -> io::Result<Conn> {
    let stream = time::timeout(HANDSHAKE_TIME, acceptor.accept(socket)).await;
    let stream = stream.map_err(io::Error::from).and_then(|stream| stream);
    stream
        .map(|stream| Conn::tls(stream, peer, permit))
        .inspect_err(|error| tracing::info!(?peer, %error, "a TLS handshake failed"))
}

fn established(shaken: Result<io::Result<Conn>, JoinError>) -> Option<Conn> {
    match shaken {
        Ok(conn) => conn.ok(),
        Err(error) => {
            tracing::error!(%error, "a TLS handshake did not end");
            None
        }
    }
}

async fn reload_on_change(certificates: Arc<Certificates>) {
    let mut ticks = time::interval(RELOAD_EVERY);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let files = Arc::clone(&certificates);
        // A file may lie on a network: not on a thread of the runtime.
        match tokio::task::spawn_blocking(move || files.refresh()).await {
            Ok(Refresh::Renewed) => tracing::info!("certificates were read again"),
            Ok(Refresh::Refused(error)) => tracing::warn!(
                %error,
                cause = error.source().map(tracing::field::display),
                "changed certificates cannot be used, those before stay",
            ),
            Ok(Refresh::Unchanged | Refresh::StillRefused) => {}
            Err(error) => tracing::error!(%error, "cannot look for changed certificates"),
        }
    }
}
