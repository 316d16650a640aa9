//! The monitoring API under `/api/monitoring`, and the dashboard that shows it.
//!
//! With a token file everything here but the page itself needs the token; without
//! one, who reaches the port may look, and nobody may change anything. What comes
//! from another site or under another name is refused (cross-site requests, DNS
//! rebinding).

mod guard;
mod level;
mod order;
mod page;
mod query;
mod show;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use http::StatusCode;
use http::Uri;
use http::header;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::admin::Control;

use query::Query;
use query::Wrong;

const OPENAPI: &str = include_str!("openapi.json");
const NO_ENDPOINT: &str = "there is no such endpoint; /api/monitoring/openapi.json lists them";
const NO_METHOD: &str = "this endpoint wants another method";
/// Pages that listen at a time.
const STREAMS: usize = 16;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Shared {
    control: Control,
    streams: Arc<Semaphore>,
}

pub(super) fn app(control: &Control) -> Router {
    let shared = Shared { control: control.clone(), streams: Arc::new(Semaphore::new(STREAMS)) };
    type S = State<Shared>;
    let api = Router::new()
        .route(
            "/dashboard",
            get(async |State(s): S, uri: Uri| {
                answer(&s, &uri, &[], |control, _| Ok(show::dashboard(control)))
            }),
        )
        .route(
            "/metrics",
            get(async |State(s): S, uri: Uri| {
                answer(&s, &uri, &["period"], |control, query| {
                    Ok(show::metrics(control, query.period()?))
                })
            }),
        )
        .route(
            "/alerts",
            get(async |State(s): S, uri: Uri| {
                answer(&s, &uri, &["severity", "limit"], |control, query| {
                    Ok(show::alerts(control, query.severity()?, query.limit()?))
                })
            }),
        )
        .route("/health", get(health))
        .route(
            "/patterns",
            get(async |State(s): S, uri: Uri| {
                answer(&s, &uri, &["top"], |control, query| {
                    Ok(show::patterns(control, query.top()?))
                })
            }),
        )
        .route(
            "/trends",
            get(async |State(s): S, uri: Uri| {
                answer(&s, &uri, &["interval", "points"], |control, query| {
                    Ok(show::trends(control, query.trend()?))
                })
            }),
        )
        .route(
            "/emergency-status",
            get(async |State(s): S, uri: Uri| {
                answer(&s, &uri, &[], |control, _| Ok(show::emergency(control)))
            }),
        )
        .route("/emergency-mode", post(order::emergency_mode))
        .route("/log-level", get(level::get).post(level::set))
        .route(
            "/requests",
            get(async |State(s): S, uri: Uri| {
                answer(&s, &uri, &["limit"], |control, query| {
                    Ok(show::requests(control, query.requests()?))
                })
            }),
        )
        .route("/events", get(stream::events))
        .route("/openapi.json", get(async || json_text(OPENAPI)))
        .fallback(async || error(StatusCode::NOT_FOUND, NO_ENDPOINT))
        .method_not_allowed_fallback(async || error(StatusCode::METHOD_NOT_ALLOWED, NO_METHOD))
        .layer(from_fn_with_state(control.clone(), guard::admit))
        .with_state(shared);
    Router::new().nest("/api/monitoring", api).merge(page::app()).layer(map_response(guard::close))
}

fn answer(
    shared: &Shared,
    uri: &Uri,
    known: &[&str],
    show: impl FnOnce(&Control, &Query<'_>) -> Result<Value, Wrong>,
) -> Response {
    match Query::parse(uri.query(), known).and_then(|query| show(&shared.control, &query)) {
        Ok(value) => json_text(&value.to_string()),
        Err(wrong) => error(StatusCode::BAD_REQUEST, &wrong),
    }
}

async fn health(State(shared): State<Shared>, uri: Uri) -> Response {
    if let Err(wrong) = Query::parse(uri.query(), &[]) {
        return error(StatusCode::BAD_REQUEST, &wrong);
    }
    let (healthy, body) = show::health(&shared.control);
    let code = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, json_text(&body.to_string())).into_response()
}

fn json_text(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}

/// `error` names the status, `message` says what to do.
fn error(code: StatusCode, message: &str) -> Response {
    let name = code.canonical_reason().unwrap_or("Error");
    let body = json!({"error": name, "message": message}).to_string();
    (code, json_text(&body)).into_response()
}
