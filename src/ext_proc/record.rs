//! Writes down what an exchange counted: metrics, and one line of log.

use crate::detect::Catalog;
use crate::ext_proc::tally::Tally;
use crate::telemetry::Metrics;
use crate::telemetry::labels::{Code, Kept, KindName, Restored};

pub(crate) fn exchange(tally: &Tally, catalog: &Catalog, metrics: &Metrics) {
    metrics.requests.get_or_create(&tally.outcome).inc();
    metrics.request_bytes.inc_by(u64::try_from(tally.request_bytes).unwrap_or(u64::MAX));
    for (&kind, &count) in &tally.findings {
        let name = KindName(catalog.info(kind).name.clone());
        metrics.findings.get_or_create(&name).inc_by(count);
    }
    if let Some(code) = tally.code {
        metrics.refusals.get_or_create(&Code(code)).inc();
    }
    metrics.restored.get_or_create(&Restored::Known).inc_by(tally.counts.restored);
    metrics.restored.get_or_create(&Restored::Unknown).inc_by(tally.counts.unknown);
    for (reason, count) in [
        (Kept::ForeignUrl, tally.counts.foreign_url),
        (Kept::ToolInput, tally.counts.tool_input),
        (Kept::Setting, tally.counts.by_setting),
    ] {
        metrics.kept.get_or_create(&reason).inc_by(count);
    }
    metrics.held_events.inc_by(tally.held_events);
    for (&place, &count) in &tally.unmaskable {
        metrics.unmaskable.get_or_create(&place).inc_by(count);
    }
    for (&opaque, &count) in &tally.opaque {
        metrics.opaque.get_or_create(&opaque).inc_by(count);
    }
    metrics.records_lost.inc_by(u64::from(tally.lost));
    metrics.originals.inc_by(u64::try_from(tally.originals).unwrap_or(u64::MAX));
    if let Some(cause) = tally.fault {
        metrics.prefix_faults.get_or_create(&cause).inc();
        tracing::warn!(cause = cause.as_str(), "the masked beginning of a conversation changed");
    }
    tracing::info!(
        outcome = tally.outcome.as_str(),
        code = tally.code,
        request_bytes = tally.request_bytes,
        findings = tally.findings.values().sum::<u64>(),
        restored = tally.counts.restored,
        unknown = tally.counts.unknown,
        kept = tally.counts.foreign_url + tally.counts.tool_input + tally.counts.by_setting,
        malformed = tally.malformed,
        degraded = tally.degraded,
        "exchange"
    );
}
