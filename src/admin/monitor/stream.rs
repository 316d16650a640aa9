//! What happens, as it happens: server-sent events.
//!
//! `state` is what `/dashboard` shows, every two seconds; `alert` and `event` come
//! when there is one. It ends with the process, and a listener that is too slow
//! misses what is old: the next `state` holds the newest anyway.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use futures_util::stream::Stream;
use http::StatusCode;
use http::Uri;
use http::header;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Interval;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;

use super::Query;
use super::Shared;
use super::error;
use super::show;
use crate::admin::Control;
use crate::telemetry::watch::News;

const EVERY: Duration = Duration::from_secs(2);

struct Listener {
    control: Control,
    news: Receiver<News>,
    ticks: Interval,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn events(State(shared): State<Shared>, uri: Uri) -> Response {
    if let Err(wrong) = Query::parse(uri.query(), &[]) {
        return error(StatusCode::BAD_REQUEST, &wrong);
    }
    let Ok(place) = shared.streams.clone().try_acquire_owned() else {
        return error(StatusCode::SERVICE_UNAVAILABLE, "too many pages listen already");
    };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let news = shared.control.watch.listen();
    let body =
        Body::from_stream(texts(Listener { control: shared.control, news, ticks, _place: place }));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn texts(listener: Listener) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(listener, async |mut listener| {
        let text = listener.next().await?;
        Some((Ok(Bytes::from(text)), listener))
    })
}

impl Listener {
    /// None: the process ends.
    async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {
                    return Some(event("state", &show::dashboard(&self.control)));
                }
                news = self.news.recv() => match news {
                    Ok(News::Event(own)) => return Some(event("event", &own)),
                    Ok(News::Alert(own)) => return Some(event("alert", &own)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}

/// JSON has no line ends outside of strings, and in strings they are escaped.
fn event(name: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}
