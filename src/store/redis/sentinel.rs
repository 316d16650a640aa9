//! Asks the sentinels whether the primary is still the one we are connected
//! to: the old one may hang, or go on as a replica, without closing anything.

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, ConnectionAddr, RedisResult};
use tokio::sync::Mutex;
use tokio::time::timeout;

pub(super) struct Watch {
    name: String,
    /// Of the primary that we are connected to.
    host: String,
    port: u16,
    limit: Duration,
    state: Mutex<State>,
}

struct State {
    client: SentinelClient,
    connection: Option<MultiplexedConnection>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({}:{})", self.host, self.port)
    }
}

impl Watch {
    pub(super) fn new(
        client: SentinelClient,
        name: &str,
        primary: ConnectionAddr,
        limit: Duration,
    ) -> Self {
        let (host, port) = match primary {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                (host, port)
            }
            // Sentinels name hosts and ports only.
            _ => (String::new(), 0),
        };
        let state = Mutex::new(State { client, connection: None });
        Self { name: name.to_owned(), host, port, limit, state }
    }

    /// Do the sentinels name another primary? Sentinels that do not answer say nothing.
    pub(super) async fn moved(&self) -> bool {
        let mut state = self.state.lock().await;
        match timeout(self.limit, self.ask(&mut state)).await {
            Ok(Ok((host, port))) => (host, port) != (self.host.clone(), self.port),
            Ok(Err(_)) | Err(_) => {
                state.connection = None;
                false
            }
        }
    }

    async fn ask(&self, state: &mut State) -> RedisResult<(String, u16)> {
        let mut connection = match state.connection.take() {
            Some(connection) => connection,
            None => {
                let client = state.client.async_get_sentinel_client().await?;
                let limits = AsyncConnectionConfig::new().set_response_timeout(Some(self.limit));
                client.get_multiplexed_async_connection_with_config(&limits).await?
            }
        };
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        let address = ask.query_async(&mut connection).await?;
        state.connection = Some(connection);
        Ok(address)
    }
}
