//! An HTTP client that shows everything it got.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::bed::process::Process;

/// No exchange of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

type Hyper = hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>;

#[derive(Clone, Debug)]
pub(crate) struct Client(Hyper);

impl Default for Client {
    fn default() -> Self {
        Self(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http())
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Did the body end well?
    pub(crate) complete: bool,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Client {
    /// A client that speaks HTTP/2 from the first byte.
    pub(crate) fn http2() -> Self {
        Self(
            hyper_util::client::legacy::Client::builder(TokioExecutor::new())
                .http2_only(true)
                .build_http(),
        )
    }

    pub(crate) async fn open(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).expect("a request");
        timeout(PATIENCE, self.0.request(request)).await.expect("an answer in time")
    }

    /// Status 0 stands for a connection that was cut before any answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Reply {
        let mut reply =
            Reply { status: 0, headers: HeaderMap::new(), body: Vec::new(), complete: false };
        let Ok(response) = self.open(method, url, headers, body).await else { return reply };
        reply.status = response.status().as_u16();
        reply.headers.clone_from(response.headers());
        let mut body = response.into_body();
        loop {
            match timeout(PATIENCE, body.frame()).await.expect("a body in time") {
                None => reply.complete = true,
                Some(Ok(frame)) => {
                    reply.body.extend(frame.into_data().unwrap_or_default());
                    continue;
                }
                Some(Err(_)) => {}
            }
            return reply;
        }
    }

    pub(crate) async fn get(&self, url: &str) -> Reply {
        self.send("GET", url, &[], Vec::new()).await
    }

    /// Asks until the answer is 200, as long as the program lives.
    pub(crate) async fn until_ok(&self, url: &str, process: &Process, within: Duration) {
        let until = Instant::now() + within;
        loop {
            let reply = self.get(url).await;
            if reply.status == 200 {
                return;
            }
            process.check_alive();
            let last = reply.text();
            assert!(Instant::now() < until, "{url}: {} {last}\n{}", reply.status, process.tail());
            sleep(Duration::from_millis(30)).await;
        }
    }
}

/// A stream of events, put together as a client does.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Streamed {
    pub(crate) names: Vec<String>,
    pub(crate) thinking: String,
    pub(crate) signature: String,
    pub(crate) text: String,
    pub(crate) tool_input: String,
}

impl Streamed {
    #[track_caller]
    pub(crate) fn read(body: &str) -> Self {
        let mut streamed = Self::default();
        for line in body.lines() {
            streamed.names.extend(line.strip_prefix("event: ").map(str::to_owned));
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let event: Value =
                serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"));
            let part = |name: &str| event["delta"][name].as_str().unwrap_or_default().to_owned();
            streamed.thinking += &part("thinking");
            streamed.signature += &part("signature");
            streamed.text += &part("text");
            streamed.tool_input += &part("partial_json");
        }
        streamed
    }
}
