//! A TCP proxy that counts how often the talk turns from the client to the
//! server: a pipeline is one turn however many packets it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Proxy {
    pub(crate) port: u16,
    talk: Talk,
}

#[derive(Clone, Default)]
struct Talk {
    /// The client spoke last.
    asked: Arc<AtomicBool>,
    turns: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    /// Connections up to this one carry nothing any more, and stay open.
    silent: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let talk = Talk::default();
        let shared = talk.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let (client_in, client_out) = client.into_split();
                let (server_in, server_out) = server.into_split();
                let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(copy(client_in, server_out, shared.clone(), true, number));
                tokio::spawn(copy(server_in, client_out, shared.clone(), false, number));
            }
        });
        Self { port, talk }
    }

    pub(crate) fn turns(&self) -> u64 {
        self.talk.turns.load(Ordering::SeqCst)
    }

    /// The connections of now go silent, as behind a firewall that forgot them.
    pub(crate) fn silence(&self) {
        let now = self.talk.connections.load(Ordering::SeqCst);
        self.talk.silent.store(now, Ordering::SeqCst);
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    talk: Talk,
    asks: bool,
    number: u64,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        if number <= talk.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let asked = talk.asked.swap(asks, Ordering::SeqCst);
        if asks && !asked {
            talk.turns.fetch_add(1, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}
