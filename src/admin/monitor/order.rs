//! `POST /api/monitoring/emergency-mode`: an operator sets the mode.

use std::time::Duration;

use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::Extensions;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Shared;
use super::error;
use super::json_text;
use super::show::MODES;
use super::show::mode_name;
use crate::admin::audit::Audit;
use crate::admin::audit::End;
use crate::admin::grpc::{DAY, REASON};
use crate::listen::Peer;
use crate::mode::Mode;
use crate::mode::Order;

/// Bytes of the body.
const LARGEST: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    mode: String,
    #[serde(default)]
    reason: String,
    /// Seconds. JSON does not tell 60 from 60.0.
    #[serde(default)]
    expires_in: Option<f64>,
}

impl Asked {
    fn time(&self) -> Result<Option<Duration>, Refusal> {
        let Some(seconds) = self.expires_in else { return Ok(None) };
        let whole = seconds.fract() == 0.0;
        let time = Duration::try_from_secs_f64(seconds).ok();
        let time = time.filter(|time| whole && (1..=DAY).contains(&time.as_secs()));
        let text = || format!("expires_in must be a whole number of seconds from 1 to {DAY}");
        time.map(Some).ok_or_else(|| (StatusCode::BAD_REQUEST, text()))
    }
}

/// Why a request is refused, and with what.
pub(super) type Refusal = (StatusCode, String);

pub(super) async fn emergency_mode(
    State(shared): State<Shared>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let peer = extensions.get::<Peer>();
    let mut audit = Audit::kept(&shared.control.journal, "emergency-mode", peer, 0);
    let by = peer.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let asked = match read(&headers, body).await {
        Ok(asked) => asked,
        Err((code, message)) => {
            audit.refused("invalid");
            return error(code, &message);
        }
    };
    let Some((name, mode)) = MODES.into_iter().find(|(name, _)| *name == asked.mode) else {
        audit.refused("invalid");
        let valid = MODES.map(|(name, _)| name);
        let body = json!({
            "error": "Invalid mode", "message": "mode must be one of valid_modes",
            "valid_modes": valid,
        });
        return (StatusCode::BAD_REQUEST, json_text(&body.to_string())).into_response();
    };
    let seconds = asked.time().ok().flatten().map_or(0, |time| time.as_secs());
    audit.mode(name, seconds, &asked.reason);
    match carry_out(&shared, mode, &asked, &by) {
        Ok(response) => {
            audit.answered(End::default());
            response
        }
        Err((code, message)) => {
            audit.refused("refused");
            error(code, &message)
        }
    }
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Asked, Refusal> {
    let mut asked: Asked = object(
        headers,
        body,
        "the strings mode and reason and, where the mode ends by itself, the number expires_in",
    )
    .await?;
    asked.reason = one_line(&asked.reason)?;
    asked.time()?;
    Ok(asked)
}

/// A body that must be an object with these fields.
pub(super) async fn object<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    fields: &str,
) -> Result<T, Refusal> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let text = "content-type must be application/json".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let bytes = to_bytes(body, LARGEST).await.map_err(|_| {
        (StatusCode::PAYLOAD_TOO_LARGE, format!("the body has at most {LARGEST} bytes"))
    })?;
    let wrong = || (StatusCode::BAD_REQUEST, format!("the body must be an object with {fields}"));
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

/// Why something is set, for the audit log.
pub(super) fn one_line(reason: &str) -> Result<String, Refusal> {
    let reason = reason.trim();
    let long = reason.chars().count() > REASON || reason.chars().any(char::is_control);
    if reason.is_empty() || long {
        let text = format!("reason must have 1 to {REASON} characters, on one line");
        return Err((StatusCode::BAD_REQUEST, text));
    }
    Ok(reason.to_owned())
}

fn carry_out(shared: &Shared, mode: Mode, asked: &Asked, by: &str) -> Result<Response, Refusal> {
    let time = asked.time()?;
    let order = match mode {
        Mode::Normal if time.is_some() => {
            let text = "NORMAL has no end: leave expires_in out".to_owned();
            return Err((StatusCode::CONFLICT, text));
        }
        Mode::Normal => Order::Normal,
        Mode::BlockAll => Order::BlockAll { time },
        Mode::Bypass => Order::Bypass { time },
        Mode::Degraded => {
            let text = "DEGRADED is entered when the mapping store does not answer".to_owned();
            return Err((StatusCode::CONFLICT, text));
        }
    };
    let control = &shared.control;
    let view =
        (control.order)(order).map_err(|refused| (StatusCode::CONFLICT, refused.to_string()))?;
    control.watch.ordered(view.mode, &asked.reason, by);
    let body = json!({
        "success": true,
        "mode": mode_name(view.mode),
        "reason": asked.reason,
        "activated_at": control.watch.now(),
        "activated_by": by,
        "expires_in": view.left.map(|left| left.as_secs()),
    });
    Ok(json_text(&body.to_string()))
}
