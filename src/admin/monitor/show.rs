//! What the monitoring API shows, as JSON: all from what was counted.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::admin::Control;
use crate::breaker::State;
use crate::mode::Mode;
use crate::telemetry::history::Totals;
use crate::telemetry::labels::Outcome;
use crate::telemetry::labels::Severity;
use crate::telemetry::timing::as_f64;
use crate::telemetry::utc;

const RECENT: Duration = Duration::from_secs(300);
/// On the dashboard.
const PATTERNS: usize = 10;
const ALERTS: usize = 10;
const EVENTS: usize = 20;

/// The names of modes as programs know them.
pub(super) const MODES: [(&str, Mode); 4] = [
    ("NORMAL", Mode::Normal),
    ("DEGRADED", Mode::Degraded),
    ("BYPASS", Mode::Bypass),
    ("BLOCK_ALL", Mode::BlockAll),
];

pub(super) fn mode_name(mode: Mode) -> &'static str {
    MODES.iter().find(|(_, own)| *own == mode).map_or("NORMAL", |(name, _)| name)
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Of a hundred; 0 if there is nothing.
fn percent(part: u64, whole: u64) -> f64 {
    round(100.0 * as_f64(part) / as_f64(whole.max(1)))
}

pub(super) fn dashboard(control: &Control) -> Value {
    let (watch, status) = (&control.watch, (control.status)());
    let (totals, recent) = (watch.totals(), watch.last(RECENT));
    let (health, checks, details) = checks(control);
    let metrics = watch.metrics();
    json!({
        "timestamp": watch.now(),
        "started_at": watch.written(Duration::ZERO),
        "uptime_seconds": round(utc::seconds(watch.uptime())),
        "version": status.version,
        "system": {
            "kong": {"version": status.version, "status": link(control), "database": status.backend},
            "plugin": {"enabled": status.mode.mode != Mode::Bypass, "config": {
                "store": status.backend,
                "classes": status.classes,
                "body_limit": control.limits.body,
            }},
        },
        "mode": mode(control),
        "metrics": {
            "total_requests": totals.requests(),
            "masked_requests": totals.outcome(Outcome::Masked),
            "unavailable_requests": totals.outcome(Outcome::Unavailable),
            "cut_requests": totals.outcome(Outcome::Cut),
            "failed_requests": totals.outcome(Outcome::Failed),
            "refused_requests": totals.outcome(Outcome::Refused),
            "aborted_requests": totals.outcome(Outcome::Aborted),
            "outcomes": outcomes(&totals),
            "avg_response_time": round(recent.request.mean_ms()),
            "p50_latency_ms": round(recent.request.percentile_ms(50)),
            "p95_latency_ms": round(recent.request.percentile_ms(95)),
            "p99_latency_ms": round(recent.request.percentile_ms(99)),
            "store_p95_latency_ms": round(recent.store.percentile_ms(95)),
            "masked_values": totals.findings,
            "critical_values": totals.critical,
            "new_values": totals.new_findings(),
            "restored_values": totals.restored,
            "unknown_placeholders": totals.unknown,
            "not_restored": totals.kept,
            "unmaskable_findings": totals.unmaskable,
            "answers_unread": totals.unread,
            "audit_lost": totals.audit_lost,
            "request_bytes": totals.request_bytes,
            "answer_bytes": totals.answer_bytes,
            "exchanges": status.exchanges,
            "buffered_bytes": status.buffered_bytes,
            "buffered_bytes_limit": status.buffered_bytes_limit,
            "resident_bytes": metrics.process.resident_bytes.get(),
            "store_queue": status.queued,
            "pattern_usage": usage(control, &totals, PATTERNS),
        },
        "security_summary": {
            "critical_patterns_detected": totals.critical,
            "emergency_triggers": totals.mode_changes,
            "circuit_breaker_trips": totals.breaker_trips,
        },
        "alerts": watch.alerts().into_iter().take(ALERTS).collect::<Vec<_>>(),
        "events": watch.events().into_iter().take(EVENTS).collect::<Vec<_>>(),
        "health": {"status": health, "details": details, "checks": checks},
    })
}

/// How requests ended: all that there is.
fn outcomes(totals: &Totals) -> Value {
    let all = Outcome::ALL.iter().map(|own| (own.as_str().to_owned(), totals.outcome(*own).into()));
    Value::Object(all.collect())
}

/// What was found of which kind, the most frequent first.
fn usage(control: &Control, totals: &Totals, top: usize) -> Vec<Value> {
    let all = control.watch.metrics().findings.all();
    let mut kinds: Vec<_> = totals.kinds.iter().filter(|(_, count)| *count > 0).collect();
    kinds.sort_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
    let whole = totals.findings;
    let show = |(kind, count): &(std::sync::Arc<str>, u64)| {
        let known = all.iter().find(|own| *own.kind == **kind);
        let (family, critical) =
            known.map_or(("", false), |own| (own.family.as_ref(), own.critical));
        json!({
            "name": **kind, "count": count, "percentage": percent(*count, whole),
            "family": family, "critical": critical,
        })
    };
    kinds.into_iter().take(top).map(show).collect()
}

pub(super) fn metrics(control: &Control, (name, span): (&str, Duration)) -> Value {
    let last = control.watch.last(span);
    // The process may be younger than the period.
    let seconds = utc::seconds(last.at).max(0.001);
    let requests = last.requests();
    json!({
        "period": name,
        "timestamp": control.watch.now(),
        "covered_seconds": round(utc::seconds(last.at)),
        "outcomes": outcomes(&last),
        "performance": {
            "requests": requests,
            "requests_per_second": round(as_f64(requests) / seconds),
            "average_latency_ms": round(last.request.mean_ms()),
            "p50_latency_ms": round(last.request.percentile_ms(50)),
            "p95_latency_ms": round(last.request.percentile_ms(95)),
            "p99_latency_ms": round(last.request.percentile_ms(99)),
            "mask_p95_latency_ms": round(last.mask.percentile_ms(95)),
            "store_p95_latency_ms": round(last.store.percentile_ms(95)),
            "error_rate": percent(last.outcome(Outcome::Failed), requests),
            "request_bytes": last.request_bytes,
            "answer_bytes": last.answer_bytes,
        },
        "patterns": {
            "total_patterns_matched": last.findings,
            "critical_patterns_detected": last.critical,
            "new_patterns_matched": last.new_findings(),
            "restored": last.restored,
            "top_patterns": usage(control, &last, PATTERNS),
        },
        "security": {
            "blocked_requests": last.outcome(Outcome::Refused),
            "circuit_breaker_trips": last.breaker_trips,
            "emergency_mode_activations": last.mode_changes,
            "unmaskable_findings": last.unmaskable,
            "answers_unread": last.unread,
            "audit_lost": last.audit_lost,
            "prefix_faults": last.prefix_faults,
            "records_lost": last.records_lost,
        },
    })
}

pub(super) fn alerts(control: &Control, severity: Option<Severity>, limit: usize) -> Value {
    let mut all = control.watch.alerts();
    all.retain(|alert| severity.is_none_or(|severity| alert.severity == severity.as_str()));
    let total = all.len();
    all.truncate(limit);
    json!({"timestamp": control.watch.now(), "total": total, "alerts": all})
}

/// Healthy, and what is shown of it.
pub(super) fn health(control: &Control) -> (bool, Value) {
    let (status, checks, details) = checks(control);
    let body = json!({
        "status": status, "timestamp": control.watch.now(), "checks": checks, "details": details,
    });
    (status == "HEALTHY", body)
}

/// Is an Envoy connected?
fn link(control: &Control) -> &'static str {
    if control.watch.metrics().process.connections.get() > 0 { "UP" } else { "DOWN" }
}

/// All in all, each part, and what is wrong.
fn checks(control: &Control) -> (&'static str, Vec<Value>, Vec<String>) {
    let facts = control.watch.facts();
    let connections = control.watch.metrics().process.connections.get();
    let reasons = (control.readiness)();
    let failing = control
        .watch
        .alerts()
        .into_iter()
        .any(|own| own.active && own.kind == "MASKING_FAILURE_RATE");
    let store = (control.status)().backend;
    let masks = facts.mode != Mode::BlockAll && facts.mode != Mode::Bypass && !failing;
    let ready = if reasons.is_empty() { "serving".to_owned() } else { reasons.join(", ") };
    let masker = match facts.mode {
        Mode::Bypass => "BYPASS: requests are forwarded unmasked".to_owned(),
        Mode::BlockAll => "BLOCK_ALL: all requests are refused".to_owned(),
        Mode::Normal | Mode::Degraded if failing => "too many requests fail".to_owned(),
        Mode::Normal | Mode::Degraded => ready,
    };
    let envoy = match connections {
        0 => "no Envoy is connected".to_owned(),
        1 => "1 connection".to_owned(),
        more => format!("{more} connections"),
    };
    let closed = facts.breaker == State::Closed;
    let answers = if closed { "answers" } else { "does not answer" };
    let all = [
        ("envoy", connections > 0, envoy),
        ("masker", masks && reasons.is_empty(), masker),
        ("store", closed, format!("{store} {answers}")),
        ("circuit_breaker", closed, facts.breaker.to_string()),
    ];
    let status = match () {
        () if !masks => "CRITICAL",
        () if all.iter().any(|(_, up, _)| !up) => "WARNING",
        () => "HEALTHY",
    };
    let wrong = all.iter().filter(|(_, up, _)| !up);
    let details = wrong.map(|(name, _, message)| format!("{name}: {message}")).collect();
    let show = |(name, up, message): &(&str, bool, String)| json!({"component": name, "status": if *up { "UP" } else { "DOWN" }, "message": message});
    (status, all.iter().map(show).collect(), details)
}

pub(super) fn patterns(control: &Control, top: usize) -> Value {
    let totals = control.watch.totals();
    json!({
        "timestamp": control.watch.now(),
        "total_unique_patterns": totals.kinds.len(),
        "total_count": totals.findings,
        "catalog_classes": (control.status)().classes,
        "patterns": usage(control, &totals, top),
    })
}

pub(super) fn trends(control: &Control, (name, span, points): (&str, Duration, u32)) -> Value {
    let show = |point: crate::telemetry::history::Point| {
        let totals = point.totals;
        json!({
            "timestamp": control.watch.ago(point.ago),
            "known": point.known,
            "seconds": round(utc::seconds(totals.at)),
            "requests": totals.requests(),
            "failed": totals.outcome(Outcome::Failed),
            "refused": totals.outcome(Outcome::Refused),
            "unavailable": totals.outcome(Outcome::Unavailable),
            "cut": totals.outcome(Outcome::Cut),
            "aborted": totals.outcome(Outcome::Aborted),
            "avg_latency": round(totals.request.mean_ms()),
            "p50_latency": round(totals.request.percentile_ms(50)),
            "p95_latency": round(totals.request.percentile_ms(95)),
            "p99_latency": round(totals.request.percentile_ms(99)),
            "error_rate": percent(totals.outcome(Outcome::Failed), totals.requests()),
            "patterns_matched": totals.findings,
            "restored": totals.restored,
        })
    };
    let data: Vec<_> = control.watch.trend(span, points).into_iter().map(show).collect();
    let part = span.as_secs_f64() / f64::from(points);
    json!({
        "timestamp": control.watch.now(),
        "started_at": control.watch.written(Duration::ZERO),
        "interval": name,
        "seconds_per_point": round(part),
        "data": data,
    })
}

fn mode(control: &Control) -> Value {
    let (view, why) = ((control.status)().mode, control.watch.why());
    json!({
        "mode": mode_name(view.mode),
        "cause": view.cause.map(crate::mode::Cause::as_str),
        "reason": why.reason,
        "activated_at": why.activated_at,
        "activated_by": why.activated_by,
        "expires_in": view.left.map(|left| left.as_secs()),
    })
}

pub(super) fn emergency(control: &Control) -> Value {
    let mut shown = mode(control);
    let facts = control.watch.facts();
    let totals = control.watch.totals();
    let more = json!({
        "timestamp": control.watch.now(),
        "auto_recovery_enabled": true,
        "circuit_breaker": {
            "state": facts.breaker.as_str().to_uppercase().replace('-', "_"),
            "failure_count": totals.store_failures,
            "last_failure": control.watch.last_failure(),
        },
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// The last requests: kinds and numbers, and the line that exempts a family.
pub(super) fn requests(control: &Control, limit: usize) -> Value {
    let all = control.recent.last(limit).into_iter().map(|seen| {
        let kinds = seen.kinds.iter().map(|own| {
            json!({
                "name": own.kind, "family": own.family, "count": own.count,
                "exempt": exempt(own.family),
            })
        });
        json!({
            "timestamp": utc::rfc3339(seen.at),
            "outcome": seen.outcome.as_str(),
            "code": seen.code,
            "request_bytes": seen.request_bytes,
            "milliseconds": seen.took.map(|took| round(took.as_secs_f64() * 1000.0)),
            "restored": seen.restored,
            "kinds": kinds.collect::<Vec<_>>(),
            "unmaskable": seen.places,
        })
    });
    json!({
        "timestamp": control.watch.now(),
        "requests": all.collect::<Vec<_>>(),
        "add": ADD,
        "allow": ALLOW,
    })
}

/// What to write so that a name of one's own is masked, too.
const ADD: &str = "[[patterns]] name = \"buckets\", kind = \"BUCKET\", literals = [\"the name\"]";
/// And so that one value is not masked any more.
const ALLOW: &str = "[allow] values = [\"the value\"]";

/// What to write into the configuration so that this is not masked any more.
fn exempt(family: &str) -> String {
    match family {
        "own" => "remove its [[patterns]]".to_owned(),
        "strict" => "[detect] profile = \"default\"".to_owned(),
        family => format!("[detect] families_off = [\"{family}\"]"),
    }
}
