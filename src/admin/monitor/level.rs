//! `/api/monitoring/log-level`: how much the log tells.

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::Extensions;
use http::HeaderMap;
use http::StatusCode;
use http::Uri;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::Shared;
use super::answer;
use super::error;
use super::json_text;
use super::order::Refusal;
use super::order::object;
use super::order::one_line;
use crate::admin::Control;
use crate::admin::audit::Audit;
use crate::admin::audit::End;
use crate::admin::log_level;
use crate::listen::Peer;
use crate::telemetry::log;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    level: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn get(State(shared): State<Shared>, uri: Uri) -> Response {
    answer(&shared, &uri, &[], |control, _| Ok(show(control)))
}

fn show(control: &Control) -> Value {
    json!({"level": control.log.level(), "valid_levels": log::LEVELS})
}

pub(super) async fn set(
    State(shared): State<Shared>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let control = &shared.control;
    let mut audit = Audit::kept(&control.journal, "log-level", extensions.get::<Peer>(), 0);
    match carry_out(control, &mut audit, &headers, body).await {
        Ok(shown) => {
            audit.answered(End::default());
            json_text(&shown.to_string()).into_response()
        }
        Err((code, message)) => {
            audit.refused("invalid");
            error(code, &message)
        }
    }
}

async fn carry_out(
    control: &Control,
    audit: &mut Audit,
    headers: &HeaderMap,
    body: Body,
) -> Result<Value, Refusal> {
    let asked: Asked = object(headers, body, "the strings level and reason").await?;
    let reason = one_line(&asked.reason)?;
    let refused = |error: log::SwitchError| (StatusCode::BAD_REQUEST, error.to_string());
    log_level(control, audit, &asked.level, &reason).map_err(refused)?;
    Ok(show(control))
}
