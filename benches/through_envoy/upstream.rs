//! A provider that costs little: what it answers names what the request asked for.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;

/// The pause before each event of a stream.
const PAUSE: Duration = Duration::from_millis(3);
/// Tells streams apart, and how many events one has.
pub(crate) const NUMBER: &str = "x-bench-stream";
pub(crate) const EVENTS: &str = "x-bench-events";
/// Such a stream does not end.
pub(crate) const HOLD: &str = "x-bench-hold";

/// When each event of a stream was sent.
pub(crate) type Sent = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

pub(crate) async fn serve(listener: TcpListener, sent: Sent) {
    while let Ok((stream, _)) = listener.accept().await {
        // A small event must not wait for the one before.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
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
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let number = header(NUMBER).map(ToOwned::to_owned);
    let count = header(EVENTS).and_then(|count| count.parse().ok()).unwrap_or_default();
    let hold = header(HOLD).is_some();
    let body = request.into_body().collect().await?.to_bytes();
    // The question stands near the beginning, whatever the order of keys.
    let question = body.windows(9).position(|word| word == b"Why does ");
    let name = question.and_then(|at| body.get(at + 9..)?.split(|&byte| byte == b' ').next());
    let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
    let (sender, receiver) = mpsc::channel(1);
    let Some(number) = number else {
        let whole = sender.try_send(Ok(Frame::data(message(&name))));
        debug_assert!(whole.is_ok(), "the channel is empty");
        return Ok(response("application/json", receiver));
    };
    let events = events(&name, count);
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
        if hold {
            sender.closed().await;
        }
    });
    Ok(response("text/event-stream", receiver))
}

fn response(
    media: &'static str,
    receiver: mpsc::Receiver<Result<Frame<Bytes>, Infallible>>,
) -> Response<Body> {
    let mut response = Response::new(StreamBody::new(ReceiverStream::new(receiver)));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(media));
    response
}

const SAID: &str = "The instance waits for its volume. You can see it in the events of the group: ";

fn message(name: &str) -> Bytes {
    let text = format!("{}{name} {SAID}", SAID.repeat(9));
    Bytes::from(format!(
        "{{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"content\":\
         [{{\"type\":\"text\",\"text\":\"{text}\"}}],\"stop_reason\":\"end_turn\"}}"
    ))
}

/// Deltas of one block, about as long as a model's.
fn events(name: &str, count: usize) -> Vec<Bytes> {
    let text = format!("{}{name} {}", SAID.repeat(2), SAID.repeat(20));
    let letters: Vec<char> = text.chars().collect();
    let delta = |piece: &[char]| {
        let text: String = piece.iter().collect();
        Bytes::from(format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
             \"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        ))
    };
    letters.chunks(9).take(count).map(delta).collect()
}
