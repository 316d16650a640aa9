//! A TCP proxy in front of Redis that holds replies back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

#[derive(Debug)]
pub(crate) struct SlowProxy {
    pub(crate) port: u16,
    millis: Arc<AtomicU64>,
}

impl SlowProxy {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let millis = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&millis);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server =
                    TcpStream::connect(("127.0.0.1", server)).await.expect("Redis listens");
                let (mut client_in, client_out) = client.into_split();
                let (server_in, mut server_out) = server.into_split();
                tokio::spawn(async move { copy(&mut client_in, &mut server_out).await });
                tokio::spawn(replies(server_in, client_out, Arc::clone(&shared)));
            }
        });
        Self { port, millis }
    }

    /// Replies that come from now on are held back for so long.
    pub(crate) fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).expect("a short time");
        self.millis.store(millis, Ordering::SeqCst);
    }
}

async fn replies(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, millis: Arc<AtomicU64>) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        sleep(Duration::from_millis(millis.load(Ordering::SeqCst))).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
