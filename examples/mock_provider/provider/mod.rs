//! The mock provider: routes, scripts and records.

mod answer;
#[expect(clippy::indexing_slicing, reason = "a field that a JSON value lacks is null")]
mod formats;
mod record;
pub(crate) mod reply;
mod script;
mod turn;

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use record::{Arriving, Records};
use reply::Body;

pub(crate) use record::Seen;
pub(crate) use script::Script;

/// A provider that can be asked what it saw. Clones are the same provider.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) records: Arc<Records>,
    pub(crate) script: Arc<Mutex<Script>>,
}

impl Provider {
    pub(crate) fn new(record: Option<File>) -> Self {
        Self { records: Arc::new(Records::new(record)), script: Arc::default() }
    }

    /// Serves HTTP/1.1 and HTTP/2 without TLS on one port, until dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let provider = self.clone();
            tokio::spawn(async move {
                let handle = service_fn(move |request| provider.clone().handle(request));
                let builder = Builder::new(TokioExecutor::new());
                // An aborted connection is an ordinary end here.
                let _ended = builder.serve_connection(TokioIo::new(stream), handle).await;
            });
        }
    }

    async fn handle(self, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        let control = request.uri().path().starts_with("/__");
        let records = if control { Arc::default() } else { Arc::clone(&self.records) };
        let mut arriving = Arriving::new(opened(&request), records);
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                arriving.seen.body.extend_from_slice(&data);
            }
        }
        arriving.seen.complete = true;
        let seen = arriving.seen.clone();
        drop(arriving);
        Ok(if control {
            self.control(&method, &path, &seen.body)
        } else {
            self.answer(&seen, &path)
        })
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Response<Body> {
        match (method.as_str(), path) {
            ("GET", "/__requests") => {
                let all: Vec<Value> = self.records.all().iter().map(Seen::json).collect();
                reply::json(200, &all.into())
            }
            ("DELETE", "/__requests") => {
                drop(self.records.take());
                reply::json(200, &json!({}))
            }
            ("PUT", "/__script") => match serde_json::from_slice(body) {
                Ok(script) => {
                    *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
                    reply::json(200, &json!({}))
                }
                Err(error) => reply::json(400, &answer::error(400, &error.to_string())),
            },
            _ => reply::json(404, &answer::error(404, "no such control")),
        }
    }

    fn answer(&self, seen: &Seen, path: &str) -> Response<Body> {
        let (failure, script) = {
            let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
            let failure = script.failures.pop_front();
            (failure, script.clone())
        };
        if let Some(failure) = failure {
            return failed(&failure);
        }
        match (seen.method.as_str(), path) {
            ("POST", "/v1/messages") => messages(&seen.body, &script),
            ("POST", "/v1/messages/count_tokens") => {
                reply::json(200, &json!({"input_tokens": seen.body.len() / 4}))
            }
            ("POST", _)
                if let Some(response) = formats::answer(&seen.path, &seen.body, &script) =>
            {
                response
            }
            ("GET", _) if path.starts_with("/v1/messages/batches/") => self.results(&script),
            ("GET", "/v1/models") => reply::json(200, &models()),
            ("GET" | "HEAD", "/api/hello") => reply::json(200, &json!({"message": "hello"})),
            // Anything else that has a body gets it back.
            ("POST" | "PUT", _) => {
                let media_type = seen.headers.iter().find(|(name, _)| name == "content-type");
                let media_type = media_type.map_or("application/octet-stream", |(_, value)| value);
                reply::whole(200, media_type, seen.body.clone())
            }
            _ => reply::json(404, &answer::error(404, "Not found")),
        }
    }
}

impl Provider {
    /// The results of the last batch, one a line.
    fn results(&self, script: &Script) -> Response<Body> {
        let all = self.records.all();
        let batch = all.iter().rfind(|seen| seen.method == "POST").map(|seen| seen.body.as_slice());
        let batch: Value = serde_json::from_slice(batch.unwrap_or_default()).unwrap_or_default();
        let requests = batch.get("requests").and_then(Value::as_array);
        let line = |request: &Value| {
            let params = request.get("params").unwrap_or(&Value::Null);
            let message = answer::message(&turn::blocks(script, params), params);
            let result = json!({"type": "succeeded", "message": message});
            Bytes::from(format!(
                "{}\n",
                json!({"custom_id": request.get("custom_id"), "result": result})
            ))
        };
        let lines = requests.into_iter().flatten().map(line).collect();
        reply::parts("application/x-jsonl", lines, script)
    }
}

fn opened(request: &Request<Incoming>) -> Seen {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
    Seen {
        method: request.method().to_string(),
        path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: headers.collect(),
        ..Seen::default()
    }
}

fn messages(body: &[u8], script: &Script) -> Response<Body> {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return reply::json(400, &answer::error(400, "The request body is not valid JSON"));
    };
    if let Some(complaint) = turn::altered_thinking(&request) {
        return reply::json(400, &answer::error(400, &complaint));
    }
    let blocks = turn::blocks(script, &request);
    if request.get("stream") == Some(&Value::Bool(true)) {
        let events = answer::events(&blocks, &request, script);
        let events = events.into_iter().map(Bytes::from).collect();
        return reply::parts("text/event-stream; charset=utf-8", events, script);
    }
    let message = answer::message(&blocks, &request);
    if *script != Script::default() {
        let text = message.to_string();
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        let rest: String = text.chars().skip(half.chars().count()).collect();
        let halves = vec![Bytes::from(half), Bytes::from(rest)];
        return reply::parts("application/json", halves, script);
    }
    reply::json(200, &message)
}

fn failed(failure: &script::Failure) -> Response<Body> {
    let mut response =
        reply::json(failure.status, &answer::error(failure.status, &failure.message));
    for (name, value) in &failure.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn models() -> Value {
    let model = |id: &str| json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z"});
    json!({
        "data": [model("claude-sonnet-5-5"), model("claude-haiku-5-5")],
        "has_more": false,
        "first_id": "claude-sonnet-5-5",
        "last_id": "claude-haiku-5-5",
    })
}
