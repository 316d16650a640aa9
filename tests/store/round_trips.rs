//! A TCP proxy that the tests own: it counts how often the talk turns from the
//! client to the server (a pipeline is one turn however many packets it takes),
//! and does what networks do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    talk: Arc<Talk>,
}

#[derive(Default)]
struct Talk {
    server: AtomicU16,
    /// The client spoke last.
    asked: AtomicBool,
    turns: AtomicU64,
    connections: AtomicU64,
    /// Connections up to this one carry nothing any more, and stay open.
    silent: AtomicU64,
    /// New connections are closed at once.
    refuses: AtomicBool,
    /// Milliseconds that an answer takes more.
    late: AtomicU64,
    /// Bytes of answers after which a connection is cut; 0: never.
    cut: AtomicU64,
    closed: Notify,
    switched: Notify,
}

impl Proxy {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let talk = Arc::new(Talk { server: AtomicU16::new(server), ..Talk::default() });
        let shared = Arc::clone(&talk);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !shared.refuses.load(Ordering::SeqCst) {
                    let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
                    tokio::spawn(carry(client, Arc::clone(&shared), number));
                }
            }
        });
        Self { port, talk }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn turns(&self) -> u64 {
        self.talk.turns.load(Ordering::SeqCst)
    }

    /// The connections of now go silent, as behind a firewall that forgot them.
    pub(crate) fn silence(&self) {
        let now = self.talk.connections.load(Ordering::SeqCst);
        self.talk.silent.store(now, Ordering::SeqCst);
    }

    /// Closes all connections and refuses new ones, or accepts them again.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.talk.refuses.store(refuses, Ordering::SeqCst);
        self.talk.closed.notify_waiters();
    }

    /// Every answer takes so much longer.
    pub(crate) fn delay(&self, by: Duration) {
        self.talk.late.store(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    /// The next answers end after so many bytes, in the middle of whatever it is.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.talk.cut.store(bytes, Ordering::SeqCst);
    }

    /// New connections lead to another server.
    pub(crate) fn switch_new(&self, server: u16) {
        self.talk.server.store(server, Ordering::SeqCst);
    }

    /// Another server is behind the same connections.
    pub(crate) fn switch(&self, server: u16) {
        self.talk.server.store(server, Ordering::SeqCst);
        self.talk.switched.notify_waiters();
    }
}

async fn connect(talk: &Talk) -> std::io::Result<TcpStream> {
    TcpStream::connect(("127.0.0.1", talk.server.load(Ordering::SeqCst))).await
}

async fn carry(mut client: TcpStream, talk: Arc<Talk>, number: u64) {
    let Ok(mut server) = connect(&talk).await else { return };
    let (mut asks, mut answers) = (vec![0; 65536], vec![0; 65536]);
    loop {
        let closed = talk.closed.notified();
        let switched = talk.switched.notified();
        let went_well = tokio::select! {
            Ok(len @ 1..) = client.read(&mut asks) => {
                talk.until_heard(number).await;
                // Who the server is, masker asks now and then for itself.
                let own = len < 300 && asks.starts_with(b"*5\r\n$4\r\nINFO");
                if !own && !talk.asked.swap(true, Ordering::SeqCst) {
                    talk.turns.fetch_add(1, Ordering::SeqCst);
                }
                server.write_all(&asks[..len]).await.is_ok()
            }
            Ok(len @ 1..) = server.read(&mut answers) => {
                talk.until_heard(number).await;
                talk.asked.store(false, Ordering::SeqCst);
                answer(&mut client, &talk, &answers[..len]).await
            }
            () = switched => match connect(&talk).await {
                Ok(other) => {
                    server = other;
                    // As the client's own connection would have begun.
                    let greeted = server.write_all(b"HELLO 3\r\n").await.is_ok();
                    greeted && server.read(&mut answers).await.is_ok()
                }
                Err(_) => false,
            },
            () = closed => false,
            else => false,
        };
        if !went_well {
            return;
        }
    }
}

impl Talk {
    async fn until_heard(&self, number: u64) {
        if number <= self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

/// Passes an answer on, late or only in part. False: the connection is cut.
async fn answer(client: &mut TcpStream, talk: &Talk, bytes: &[u8]) -> bool {
    let late = talk.late.load(Ordering::SeqCst);
    if late > 0 {
        tokio::time::sleep(Duration::from_millis(late)).await;
    }
    let left = usize::try_from(talk.cut.load(Ordering::SeqCst)).unwrap();
    if left == 0 {
        return client.write_all(bytes).await.is_ok();
    }
    let part = &bytes[..left.min(bytes.len())];
    let sent = client.write_all(part).await.is_ok() && client.flush().await.is_ok();
    talk.cut.store((left - part.len()) as u64, Ordering::SeqCst);
    sent && part.len() < left
}
