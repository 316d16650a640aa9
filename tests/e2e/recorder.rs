//! A proxy between a client and Envoy that keeps what the client sent.

use std::sync::{Arc, Mutex};

use http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

type Client = legacy::Client<HttpConnector, Full<Bytes>>;

#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) port: u16,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    target: Target,
}

/// Where a request goes.
#[derive(Clone, Debug)]
enum Target {
    /// To this base URL.
    Base(String),
    /// To the one that the test names, which may do something before.
    Asked(mpsc::Sender<oneshot::Sender<String>>),
}

impl Recorder {
    /// Forwards everything to this base URL.
    pub(crate) async fn start(target: String) -> Self {
        Self::serve(Target::Base(target)).await
    }

    /// Asks for each request which base URL it is forwarded to.
    pub(crate) async fn asking() -> (Self, mpsc::Receiver<oneshot::Sender<String>>) {
        let (asks, asked) = mpsc::channel(16);
        (Self::serve(Target::Asked(asks)).await, asked)
    }

    async fn serve(target: Target) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let recorder = Self { port, bodies: Arc::default(), target };
        let own = recorder.clone();
        let client: Client = legacy::Client::builder(TokioExecutor::new()).build_http();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, client) = (own.clone(), client.clone());
                let service =
                    service_fn(move |request| forward(own.clone(), client.clone(), request));
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { served.await.ok() });
            }
        });
        recorder
    }

    /// The bodies of all requests, in order.
    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.bodies.lock().expect("no panic").clone()
    }
}

async fn forward(
    recorder: Recorder,
    client: Client,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, legacy::Error> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole request").to_bytes();
    recorder.bodies.lock().expect("no panic").push(body.clone());
    let target = match &recorder.target {
        Target::Base(target) => target.clone(),
        Target::Asked(asks) => {
            let (answer, target) = oneshot::channel();
            asks.send(answer).await.expect("the test listens");
            target.await.expect("the test answers")
        }
    };
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{target}{path}").parse().expect("a URL");
    for name in [HOST, CONNECTION, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    client.request(Request::from_parts(head, Full::new(body))).await
}
