//! The HTTP side, open to whoever reaches the port:
//!
//! - `GET /livez`: 200 while the process runs
//! - `GET /readyz`: 200, or 503 with the reasons, as JSON
//! - `GET /metrics`: OpenMetrics text
//! - `GET /`: the dashboard, which asks the monitoring API (`monitor/`)

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use serde::Serialize;

use crate::admin::Control;
use crate::admin::monitor;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<String>,
}

pub(super) fn app(control: &Control) -> Router {
    Router::new()
        .route("/livez", get(async || "live\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(control.clone())
        .merge(monitor::app(control))
}

async fn readyz(State(control): State<Control>) -> Response {
    let reasons = (control.readiness)();
    let ready = reasons.is_empty();
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string(&Readiness { ready, reasons }) {
        Ok(json) => (code, [(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn metrics(State(control): State<Control>) -> Response {
    match (control.metrics)() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
