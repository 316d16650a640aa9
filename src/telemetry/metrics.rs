//! All metrics, as one struct of handles that is passed to who counts.

use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Metric;
use prometheus_client::registry::Registry;

use crate::telemetry::findings::Findings;
use crate::telemetry::labels::Block;
use crate::telemetry::labels::Cause;
use crate::telemetry::labels::Code;
use crate::telemetry::labels::Kept;
use crate::telemetry::labels::Listener;
use crate::telemetry::labels::Opaque;
use crate::telemetry::labels::Outcome;
use crate::telemetry::labels::Place;
use crate::telemetry::labels::Reload;
use crate::telemetry::labels::Restored;
use crate::telemetry::labels::Severity;
use crate::telemetry::labels::Told;
use crate::telemetry::labels::Tool;
use crate::telemetry::labels::Unread;
use crate::telemetry::tenants::Tenants;
use crate::telemetry::timing::Timing;

/// The media type of [`encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Cloning shares the numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub requests: Family<Outcome, Counter>,
    pub tenants: Tenants,
    pub request_bytes: Counter,
    pub answer_bytes: Counter,
    pub findings: Findings,
    pub new_findings: Findings,
    pub refusals: Family<Code, Counter>,
    pub restored: Family<Restored, Counter>,
    pub kept: Family<Kept, Counter>,
    pub unread: Family<Unread, Counter>,
    pub held_events: Counter,
    pub mask_seconds: Timing,
    pub store_seconds: Timing,
    pub request_seconds: Timing,
    pub store: StoreCounters,
    pub breaker_trips: Counter,
    pub mode_changes: Counter,
    pub alerts: Family<Severity, Counter>,
    pub webhook: Family<Told, Counter>,
    pub events: Family<Told, Counter>,
    pub audited: Family<Told, Counter>,
    pub audit_lost: Counter,
    pub traces: Family<Told, Counter>,
    pub store_queue: Gauge,
    pub breaker_state: Gauge,
    pub mode: Gauge,
    pub exchanges: Gauge,
    pub process: Process,
    pub buffered_bytes: Gauge,
    pub unmaskable: Family<Place, Counter>,
    pub opaque: Family<Opaque, Counter>,
    pub hosted: Family<Tool, Counter>,
    pub blocks: Family<Block, Counter>,
    pub reloads: Family<Reload, Counter>,
    pub prefix_faults: Family<Cause, Counter>,
    pub records_lost: Counter,
    pub originals: Counter,
}

/// What the store itself counts, brought up to date when somebody asks.
#[derive(Clone, Debug, Default)]
pub struct StoreCounters {
    pub failures: Counter,
    pub saved: Counter,
    pub revealed: Counter,
    pub cache_hits: Counter,
    pub dropped: Counter,
    pub collisions: Counter,
    pub unreadable: Counter,
}

/// Of the process and what it is connected with.
#[derive(Clone, Debug, Default)]
pub struct Process {
    pub connections: Gauge,
    pub resident_bytes: Gauge,
    pub start_time: Gauge,
    pub certificate_end: Family<Listener, Gauge>,
    pub key_time: Gauge,
}

impl Metrics {
    /// Registers all metrics, with names that begin with `masker_`.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let mut of = Registrar(registry.sub_registry_with_prefix("masker"));
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        of.0.register("build", "The program that runs", version);
        let metrics = Self {
            requests: of.empty("requests", "Requests by how they ended"),
            tenants: of.tenants(),
            request_bytes: of.empty("request_bytes", "Bytes of request bodies as they came"),
            answer_bytes: of.empty("answer_bytes", "Bytes of answers as they came"),
            findings: of.empty("findings", "Values that were masked, by kind and its family"),
            new_findings: of.empty(
                "new_findings",
                "Values that were masked where they had not been sent before, by kind and its family",
            ),
            refusals: of.empty("refusals", "Requests that were refused, by reason"),
            restored: of.empty("restored", "Placeholders in answers: restored, or not known"),
            kept: of.empty(
                "restore_refusals",
                "Known placeholders in answers that were not restored, by reason",
            ),
            unread: of.empty(
                "answers_unread",
                "Answers to masked requests that passed as they came, by reason",
            ),
            held_events: of.empty("held_events", "Events that waited for more of a placeholder"),
            mask_seconds: of.empty("mask_seconds", "Time that masking one request body took"),
            store_seconds: of.empty("store_seconds", "Time that an exchange waited for the store"),
            request_seconds: of.empty(
                "request_seconds",
                "Time from the end of a request's body until Envoy had all of what was masked",
            ),
            store: of.store(),
            breaker_trips: of.empty("breaker_trips", "How often the store's breaker opened"),
            mode_changes: of.empty("mode_changes", "How often the mode of operation changed"),
            alerts: of.empty("alerts", "Alerts that began, by severity"),
            webhook: of.empty("webhook", "Alerts for the webhook: sent or dropped"),
            events: of.empty("events", "Events for the channels of Redis: sent or dropped"),
            traces: of
                .empty("traces", "Exchanges whose spans went to a collector, or were dropped"),
            audited: of.empty("audit_stream", "Lines for the audit stream: sent or dropped"),
            audit_lost: of.empty("audit_lost", "Entries that the audit log could not take"),
            store_queue: of.empty("store_queue", "Mappings that wait to be written to the store"),
            breaker_state: of.empty(
                "breaker_state",
                "Breaker in front of the store: 0 closed, 1 half-open, 2 open",
            ),
            mode: of
                .empty("mode", "Mode of operation: 0 normal, 1 degraded, 2 block-all, 3 bypass"),
            exchanges: of.empty("exchanges", "Exchanges that are running"),
            process: of.process(),
            buffered_bytes: of.empty("buffered_bytes", "Bytes held for running exchanges"),
            unmaskable: of.empty("unmaskable", "Findings in places that must not change, by place"),
            opaque: of.empty("opaque", "Content that masker does not look into, by kind"),
            hosted: of.empty("provider_tools", "Tools in requests that the provider runs"),
            blocks: of.empty("unknown_blocks", "Content blocks of a type that is not known"),
            reloads: of.empty(
                "config_reloads",
                "Configurations that were read again: applied, or refused because they are wrong",
            ),
            prefix_faults: of
                .empty("prefix_faults", "Conversations whose masked beginning changed, by cause"),
            records_lost: of
                .empty("records_lost", "Requests that go on with what nobody remembers"),
            originals: of.empty("originals", "Blocks of answers kept as the model wrote them"),
        };
        metrics.begin();
        metrics
    }

    /// Shows closed sets from the start: a counter that is absent cannot be told
    /// from one that is broken, and `rate()` misses its first step.
    fn begin(&self) {
        for outcome in Outcome::ALL {
            drop(self.requests.get_or_create(outcome));
        }
        for result in Restored::ALL {
            drop(self.restored.get_or_create(result));
        }
        for reason in Unread::ALL {
            drop(self.unread.get_or_create(reason));
        }
        for reason in Kept::ALL {
            drop(self.kept.get_or_create(reason));
        }
        for result in Reload::ALL {
            drop(self.reloads.get_or_create(result));
        }
        for cause in Cause::ALL {
            drop(self.prefix_faults.get_or_create(cause));
        }
        for place in Place::ALL {
            drop(self.unmaskable.get_or_create(place));
        }
        for tool in Tool::ALL {
            drop(self.hosted.get_or_create(tool));
        }
        for side in Block::ALL {
            drop(self.blocks.get_or_create(side));
        }
        for told in Told::ALL {
            for family in [&self.webhook, &self.events, &self.audited, &self.traces] {
                drop(family.get_or_create(told));
            }
        }
        for severity in Severity::ALL {
            drop(self.alerts.get_or_create(severity));
        }
        for kind in Opaque::ALL {
            drop(self.opaque.get_or_create(kind));
        }
    }
}

/// Brings a counter up to a total that is counted elsewhere. Two at a time do
/// no harm: it only grows.
pub fn grow(counter: &Counter, total: u64) {
    counter.inner().fetch_max(total, Ordering::Relaxed);
}

/// The registry as OpenMetrics text.
pub fn encode(registry: &Registry) -> Result<String, fmt::Error> {
    let mut out = String::new();
    text::encode(&mut out, registry)?;
    Ok(out)
}

/// Registers a metric and gives its handle back.
struct Registrar<'a>(&'a mut Registry);

impl Registrar<'_> {
    fn empty<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }

    fn tenants(&mut self) -> Tenants {
        let tenants = Tenants::default();
        let of = &mut self.0;
        let requests = tenants.requests.clone();
        of.register("tenant_requests", "Requests of a tenant by how they ended", requests);
        for (name, help, family) in [
            ("tenant_request_bytes", "Bytes of a tenant's request bodies", &tenants.request_bytes),
            ("tenant_findings", "Values of a tenant that were masked", &tenants.masked),
            ("tenant_restored", "Placeholders restored in a tenant's answers", &tenants.restored),
        ] {
            of.register(name, help, family.clone());
        }
        tenants
    }

    fn process(&mut self) -> Process {
        Process {
            connections: self.empty("connections", "Connections of Envoy"),
            resident_bytes: self.empty("resident_bytes", "Memory of the process"),
            start_time: self.empty("start_time_seconds", "When the process started, in Unix time"),
            certificate_end: self.empty(
                "certificate_end_time_seconds",
                "When a listener's certificate ends, in Unix time",
            ),
            key_time: self.empty(
                "key_file_time_seconds",
                "When the file of the master key was written, in Unix time",
            ),
        }
    }

    fn store(&mut self) -> StoreCounters {
        StoreCounters {
            failures: self
                .empty("store_failures", "Calls to the store that failed or took too long"),
            saved: self.empty("store_saved", "Mappings that were new to the store"),
            revealed: self.empty("store_revealed", "Placeholders that the store had a value for"),
            cache_hits: self.empty("store_cache_hits", "Saves that needed no call"),
            dropped: self
                .empty("store_dropped", "Mappings that left the queue before they were written"),
            collisions: self
                .empty("store_collisions", "Values refused because another has their placeholder"),
            unreadable: self
                .empty("store_unreadable", "Stored mappings that could not be decrypted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_metric_has_its_name_and_help() {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        metrics.findings.add("EC2", "ec2_vpc", false, 1);
        metrics.findings.add("EC2", "ec2_vpc", false, 2);
        metrics.refusals.get_or_create(&Code("too_large")).inc();
        metrics.store_seconds.observe(Duration::from_millis(2));
        for total in [2, 3, 1] {
            grow(&metrics.store.failures, total);
        }
        metrics.mask_seconds.observe(Duration::from_millis(300));
        metrics.buffered_bytes.set(7);
        let text = encode(&registry).unwrap();
        for line in [
            concat!("masker_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "masker_requests_total{outcome=\"masked\"} 0",
            "masker_requests_total{outcome=\"aborted\"} 0",
            "masker_request_bytes_total 0",
            "masker_findings_total{kind=\"EC2\",family=\"ec2_vpc\",critical=\"false\"} 3",
            "masker_refusals_total{code=\"too_large\"} 1",
            "masker_restored_total{result=\"unknown\"} 0",
            "masker_restore_refusals_total{reason=\"foreign_url\"} 0",
            "masker_held_events_total 0",
            "masker_mask_seconds_bucket{le=\"0.5\"} 1",
            "masker_request_seconds_count 0",
            "masker_store_seconds_bucket{le=\"0.0025\"} 1",
            "masker_store_failures_total 3",
            "masker_store_queue 0",
            "masker_breaker_state 0",
            "masker_mode 0",
            "masker_exchanges 0",
            "masker_buffered_bytes 7",
            "masker_unmaskable_total{place=\"name\"} 0",
            "masker_opaque_total{kind=\"document\"} 0",
            "masker_prefix_faults_total{cause=\"unknown\"} 0",
            "masker_records_lost_total 0",
            "masker_provider_tools_total{tool=\"web_search\"} 0",
            "masker_unknown_blocks_total{side=\"request\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
            let name = line.split(' ').nth(2).unwrap();
            assert!(name.starts_with("masker_"), "{line}");
            assert!(text.contains(&format!("# HELP {name} ")), "{line}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
