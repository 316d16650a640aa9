//! Streamed answers: how long the first text takes, and each event on its way.
//!
//! The provider is a task of this program, so that one clock tells when an event was sent
//! and when it came. It sends one event each few milliseconds, as a model does, and names
//! the instance that the request asks for in the middle of its text.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;

use crate::Outcome;
use crate::load::{self, Shape};
use crate::rig::Rig;

/// Streams at once, events of each, and the pause before each.
const STREAMS: usize = 4;
const EVENTS: usize = 120;
const PAUSE: Duration = Duration::from_millis(3);
/// Tells the streams apart.
const NUMBER: &str = "x-bench-stream";

/// One round, in microseconds: medians of all streams, and of all events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) first: f64,
    pub(crate) event: f64,
}

/// When each event of a stream was sent.
type Sent = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

/// The provider, on a port of its own.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: String,
    sent: Sent,
}

impl Upstream {
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let sent = Sent::default();
        tokio::spawn(serve(listener, Arc::clone(&sent)));
        Ok(Self { address, sent })
    }

    fn sent(&self, number: &str) -> Vec<Instant> {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(number).unwrap_or_default()
    }
}

async fn serve(listener: TcpListener, sent: Sent) {
    while let Ok((stream, _)) = listener.accept().await {
        let sent = Arc::clone(&sent);
        tokio::spawn(async move {
            let handle = service_fn(move |request| answer(request, Arc::clone(&sent)));
            let builder = Builder::new(TokioExecutor::new());
            // A connection that the client ends is an ordinary end here.
            let _ended = builder.serve_connection(TokioIo::new(stream), handle).await;
        });
    }
}

type Body = StreamBody<ReceiverStream<Result<Frame<Bytes>, Infallible>>>;

async fn answer(request: Request<Incoming>, sent: Sent) -> Result<Response<Body>, hyper::Error> {
    let number = request.headers().get(NUMBER).and_then(|value| value.to_str().ok());
    let number = number.unwrap_or_default().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let body = String::from_utf8_lossy(&body);
    let name = body.split_once("Why does ").and_then(|(_, rest)| rest.split_once(' '));
    let name = name.map(|(name, _)| name).unwrap_or_default();
    let events = events(name);
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for event in events {
            sleep(PAUSE).await;
            {
                let mut all = sent.lock().unwrap_or_else(PoisonError::into_inner);
                all.entry(number.clone()).or_default().push(Instant::now());
            }
            if sender.send(Ok(Frame::data(event))).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(StreamBody::new(ReceiverStream::new(receiver)));
    let media = http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert("content-type", media);
    Ok(response)
}

/// Deltas of one block, about as long as a model's.
fn events(name: &str) -> Vec<Bytes> {
    let text = "The instance waits for its volume. You can see it in the events of the group: ";
    let text = format!("{}{name} {}", text.repeat(9), text.repeat(20));
    let letters: Vec<char> = text.chars().collect();
    let delta = |piece: &[char]| {
        let text: String = piece.iter().collect();
        Bytes::from(format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
             \"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        ))
    };
    letters.chunks(9).take(EVENTS).map(delta).collect()
}

/// Some streams at once through a rig.
pub(crate) async fn round(rig: &Rig, upstream: &Upstream, round: usize) -> Outcome<Sample> {
    let mut streams = JoinSet::new();
    for stream in 0..STREAMS {
        let (url, number) = (rig.url.clone(), format!("{round}-{stream}-{}", rig.url));
        streams.spawn(async move {
            let came = stream_of(&url, &number, round).await.map_err(|error| error.to_string());
            (number, came)
        });
    }
    let (mut firsts, mut delays) = (Vec::new(), Vec::new());
    while let Some(ended) = streams.join_next().await {
        let (number, came) = ended?;
        let (began, came) = came?;
        let sent = upstream.sent(&number);
        if came.len() != sent.len() {
            return Err(format!("{} events of {} came", came.len(), sent.len()).into());
        }
        firsts.extend(came.first().map(|first| micros(*first - began)));
        delays.extend(came.iter().zip(&sent).map(|(came, sent)| micros(*came - *sent)));
    }
    let (_, first, _) = crate::spread(firsts.into_iter());
    let (_, event, _) = crate::spread(delays.into_iter());
    Ok(Sample { first, event })
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// When the request went out, and when each event was whole.
async fn stream_of(url: &str, number: &str, round: usize) -> Outcome<(Instant, Vec<Instant>)> {
    let request = Request::post(url)
        .header("content-type", "application/json")
        .header("x-api-key", "sk-ant-api03-bench")
        .header(NUMBER, number)
        .body(Full::new(Bytes::from(Shape::Agent.body(round))))?;
    let began = Instant::now();
    let mut answer = load::client().request(request).await?;
    if !answer.status().is_success() {
        return Err(answer.status().to_string().into());
    }
    let (mut came, mut ends) = (Vec::new(), 0);
    while let Some(frame) = answer.frame().await {
        let frame = frame?;
        let now = Instant::now();
        for &byte in frame.data_ref().map(AsRef::as_ref).unwrap_or_default() {
            // Two line ends in a row.
            ends = if byte == b'\n' { ends + 1 } else { 0 };
            if ends == 2 {
                came.push(now);
            }
        }
    }
    Ok((began, came))
}
