//! The provider for the time of a run: it remembers what arrived and sends it back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

/// Everything of one request, as bytes: what arrived may be anywhere in it.
type Arrived = Arc<Mutex<Vec<Vec<u8>>>>;

#[derive(Clone, Debug, Default)]
pub(super) struct StandIn(Arrived);

impl StandIn {
    /// Answers on this address as long as the runtime lives.
    pub(super) async fn start(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let own = Self::default();
        let app = Router::new().fallback(arrive).with_state(own.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(own)
    }

    /// What arrived since the last time.
    pub(super) fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn arrive(State(own): State<StandIn>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut all = uri.to_string().into_bytes();
    for (name, value) in &headers {
        all.extend(name.as_str().bytes().chain(*b": ").chain(value.as_bytes().iter().copied()));
    }
    all.extend(&body);
    own.0.lock().unwrap_or_else(PoisonError::into_inner).push(all);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
