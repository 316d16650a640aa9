//! Writes down what an exchange counted: metrics, and one line of log.

use std::time::SystemTime;

use crate::detect::Catalog;
use crate::ext_proc::tally::Tally;
use crate::mask::Tenant;
use crate::telemetry::Metrics;
use crate::telemetry::labels::{Block, Code, Kept, Restored, Unread};
use crate::telemetry::recent::{Masked, Seen};
use crate::telemetry::tenants::Counted;

pub(crate) fn exchange(tally: &Tally, catalog: &Catalog, metrics: &Metrics) {
    metrics.requests.get_or_create(&tally.outcome).inc();
    metrics.request_bytes.inc_by(u64::try_from(tally.request_bytes).unwrap_or(u64::MAX));
    metrics.answer_bytes.inc_by(tally.answer_bytes);
    metrics.tenants.count(
        tally.tenant.as_ref().map(Tenant::as_str),
        &Counted {
            outcome: tally.outcome,
            request_bytes: u64::try_from(tally.request_bytes).unwrap_or(u64::MAX),
            masked: tally.findings.values().sum(),
            restored: tally.counts.restored,
        },
    );
    for (&kind, &count) in &tally.findings {
        let info = catalog.info(kind);
        metrics.findings.add(&info.name, info.family, info.critical, count);
        let new = count.saturating_sub(tally.again.get(&kind).copied().unwrap_or_default());
        metrics.new_findings.add(&info.name, info.family, info.critical, new);
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
    if let Some(reason) = tally.unread {
        metrics.unread.get_or_create(&reason).inc();
    }
    metrics.held_events.inc_by(tally.held_events);
    for (&place, &count) in &tally.unmaskable {
        metrics.unmaskable.get_or_create(&place).inc_by(count);
    }
    for (tool, &count) in &tally.hosted {
        metrics.hosted.get_or_create(tool).inc_by(count);
    }
    metrics.blocks.get_or_create(&Block::Request).inc_by(tally.blocks);
    metrics.blocks.get_or_create(&Block::Answer).inc_by(tally.counts.blocks);
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
        request_id = tally.request_id.as_deref(),
        trace_id = tally.trace.as_ref().map(|trace| &*trace.id),
        outcome = tally.outcome.as_str(),
        code = tally.code,
        request_bytes = tally.request_bytes,
        findings = tally.findings.values().sum::<u64>(),
        restored = tally.counts.restored,
        unknown = tally.counts.unknown,
        kept = tally.counts.foreign_url + tally.counts.tool_input + tally.counts.by_setting,
        unread = tally.unread.map(Unread::as_str),
        malformed = tally.malformed,
        degraded = tally.degraded,
        "exchange"
    );
}

/// What people may see of it.
pub(crate) fn seen(tally: &Tally, catalog: &Catalog) -> Seen {
    let kinds = tally.findings.iter().map(|(&kind, &count)| {
        let info = catalog.info(kind);
        Masked { kind: info.name.clone(), family: info.family, count }
    });
    Seen {
        at: SystemTime::now(),
        outcome: tally.outcome,
        code: tally.code,
        request_bytes: u64::try_from(tally.request_bytes).unwrap_or(u64::MAX),
        took: tally.took,
        restored: tally.counts.restored,
        request_id: tally.request_id.clone(),
        trace: tally.trace.clone(),
        read: tally.read,
        lasted: tally.lasted,
        answer_bytes: tally.answer_bytes,
        kinds: kinds.collect(),
        places: tally.unmaskable.iter().map(|(place, &count)| (place.as_str(), count)).collect(),
    }
}
