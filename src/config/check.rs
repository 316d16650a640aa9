//! From the configuration as written to the one that travels: what options must
//! not say together, and the files they name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker;
use crate::config::Admin;
use crate::config::Config;
use crate::config::Detect;
use crate::config::Limits;
use crate::config::Listen;
use crate::config::LockMemory;
use crate::config::Log;
use crate::config::LogFormat;
use crate::config::Mode;
use crate::config::PassThrough;
use crate::config::Refuse;
use crate::config::Shutdown;
use crate::config::TenantRow;
use crate::config::Tls;
use crate::config::apart;
use crate::config::combine;
use crate::config::families;
use crate::config::file::File;
use crate::config::key::KeySource;
use crate::config::outward;
use crate::config::patterns;
use crate::config::patterns::Patterns;
use crate::config::problem::Origin;
use crate::config::restore;
use crate::config::rows;
use crate::config::value::Value;
use crate::detect::custom::Own;
use crate::detect::{ArnStyle, Profile};
use crate::listen::Address;
use crate::mask::care::Rules;
use crate::mask::masker::Around;
use crate::outward::audit::Stream;
use crate::store::config::{Backend, Identity, RedisConfig, StoreConfig};
use crate::telemetry::alerts::Thresholds;

/// The checked configuration, unless there was a problem, now or before.
pub(crate) fn check(mut file: File) -> Result<Config, File> {
    combine::check(&mut file);
    families::check(&mut file);
    let patterns = patterns::own(&mut file);
    let tenants = apart::tenants(&mut file, &patterns);
    let routes = rows::routes(&mut file);
    let restore = restore::rules(&mut file, &patterns.together());
    outward::needs_redis(&mut file);
    let (webhook, events) = (outward::webhook(&mut file), outward::events(&mut file));
    let traces = outward::traces(&mut file);
    let config = Fields(&file).config(tenants, routes, restore, patterns);
    let config = config.map(|config| Config { webhook, events, traces, ..config });
    match config {
        Ok(config) if file.problems.is_empty() => Ok(config),
        Ok(_) => Err(file),
        Err(Missing(key)) => {
            // All options have a default or may be absent, which a test checks; a value
            // that is wrong in the file leaves its default.
            if file.problems.is_empty() {
                file.problem(Origin::Default, format!("{key} is not set"));
            }
            Err(file)
        }
    }
}

/// A key without a value, or with one of another form.
struct Missing(&'static str);

/// Typed reading of values.
pub(crate) struct Fields<'a>(pub(crate) &'a File);

impl Fields<'_> {
    pub(crate) fn path(&self, key: &str) -> Option<PathBuf> {
        match self.value(key) {
            Some(Value::Text(path)) => Some(path.into()),
            _ => None,
        }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.0.values.get(key).map(|(value, _)| value)
    }

    fn flag(&self, key: &'static str) -> Result<bool, Missing> {
        match self.value(key) {
            Some(Value::Flag(flag)) => Ok(*flag),
            _ => Err(Missing(key)),
        }
    }

    fn number<N: TryFrom<u64>>(&self, key: &'static str) -> Result<N, Missing> {
        match self.value(key) {
            Some(Value::Number(number)) => N::try_from(*number).map_err(|_| Missing(key)),
            _ => Err(Missing(key)),
        }
    }

    fn time(&self, key: &'static str) -> Result<Duration, Missing> {
        match self.value(key) {
            Some(Value::Time(time)) => Ok(*time),
            _ => Err(Missing(key)),
        }
    }

    fn text(&self, key: &'static str) -> Result<String, Missing> {
        match self.value(key) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(Missing(key)),
        }
    }

    fn list(&self, key: &'static str) -> Result<Vec<String>, Missing> {
        match self.value(key) {
            Some(Value::List(list)) => Ok(list.clone()),
            _ => Err(Missing(key)),
        }
    }

    fn address(&self, key: &'static str) -> Result<Address, Missing> {
        match self.value(key) {
            Some(Value::Address(address)) => Ok(address.clone()),
            _ => Err(Missing(key)),
        }
    }

    fn tls(&self, section: &str) -> Option<Tls> {
        Some(Tls {
            cert: self.path(&format!("{section}.tls.cert"))?,
            key: self.path(&format!("{section}.tls.key"))?,
            client_ca: self.path(&format!("{section}.tls.client_ca")),
        })
    }

    fn config(
        &self,
        tenants: Vec<TenantRow>,
        routes: Vec<PassThrough>,
        restore: Rules,
        Patterns { own, files, .. }: Patterns,
    ) -> Result<Config, Missing> {
        Ok(Config {
            listen: Listen { address: self.address("listen.address")?, tls: self.tls("listen") },
            admin: Admin {
                address: self.address("admin.address")?,
                tls: self.tls("admin"),
                token_file: self.path("admin.token_file"),
                calls: self.number("admin.calls")?,
                call_time: self.time("admin.call_time")?,
                unmask_per_minute: self.number("admin.unmask_per_minute")?,
                unmask_placeholders_per_minute: self
                    .number("admin.unmask_placeholders_per_minute")?,
            },
            store: self.store()?,
            key: self.key()?,
            mode: Mode {
                allow_bypass: self.flag("mode.allow_bypass")?,
                longest_bypass: self.time("mode.longest_bypass")?,
                failures: self.number("mode.failures")?,
                window: self.time("mode.window")?,
                block: self.time("mode.block")?,
            },
            limits: self.limits()?,
            detect: self.detect(own, files)?,
            tenants,
            tenants_metrics: self.flag("tenants_metrics")?,
            bearer_prefixes: self.list("tenants_bearer_prefixes")?,
            routes,
            refuse: Refuse::read(|key| self.flag(key))?,
            around: self.around()?,
            restore,
            lenient: self.flag("restore.spellings")?,
            shutdown: Shutdown {
                notice: self.time("shutdown.notice")?,
                drain: self.time("shutdown.drain")?,
            },
            lock_memory: match self.text("memory.lock")?.as_str() {
                "require" => LockMemory::Require,
                "off" => LockMemory::Off,
                _ => LockMemory::Auto,
            },
            audit_file: self.path("audit.file"),
            audit_keep: self.time("audit.keep")?,
            audit_stream: self.audit_stream()?,
            alerts: self.alerts()?,
            webhook: None,
            events: None,
            traces: None,
            log: Log {
                level: self.text("log.level")?,
                format: match self.text("log.format")?.as_str() {
                    "text" => LogFormat::Text,
                    _ => LogFormat::Json,
                },
            },
        })
    }

    fn detect(&self, own: Own, files: Vec<PathBuf>) -> Result<Detect, Missing> {
        Ok(Detect {
            private_ip: self.flag("detect.private_ip")?,
            public_ip: self.flag("detect.public_ip")?,
            families_off: self.list("detect.families_off")?,
            profile: match self.text("detect.profile")?.as_str() {
                "strict" => Profile::Strict,
                _ => Profile::Default,
            },
            arn_style: match self.text("detect.arn_style")?.as_str() {
                "whole" => ArnStyle::Whole,
                _ => ArnStyle::Fields,
            },
            newest: self.text("detect.edition")? == "newest",
            own: Arc::new(own),
            files,
        })
    }

    fn key(&self) -> Result<KeySource, Missing> {
        match self.list("key_command") {
            Ok(words) => Ok(KeySource::Command(words)),
            Err(_) => Ok(KeySource::File(self.text("key_file")?.into())),
        }
    }

    fn store(&self) -> Result<StoreConfig, Missing> {
        let backend = match self.value("store.url") {
            Some(Value::Store(Some(url))) => Backend::Redis(Box::new(RedisConfig {
                url: url.clone(),
                ca: self.path("store.ca_file"),
                identity: self
                    .path("store.cert_file")
                    .zip(self.path("store.key_file"))
                    .map(|(cert, key)| Identity { cert, key }),
                username_file: self.path("store.username_file"),
                password_file: self.path("store.password_file"),
                sentinel_username_file: self.path("store.sentinel_username_file"),
                sentinel_password_file: self.path("store.sentinel_password_file"),
                read_from_replicas: self.flag("store.read_from_replicas")?,
                allow_eviction: self.flag("store.allow_eviction")?,
            })),
            Some(Value::Store(None)) => {
                Backend::Memory { entries: self.number("store.memory_entries")? }
            }
            _ => return Err(Missing("store.url")),
        };
        Ok(StoreConfig {
            backend,
            ttl: self.time("store.ttl")?,
            lasting_ttl: self.time("store.lasting_ttl")?,
            deadline: self.time("store.deadline")?,
            connect_timeout: self.time("store.connect_timeout")?,
            cache_entries: self.number("store.cache_entries")?,
            record_bytes: self.number("store.record_bytes")?,
            queue_entries: self.number("store.queue_entries")?,
            breaker: breaker::Settings {
                failures: self.number("store.breaker.failures")?,
                retry_every: self.time("store.breaker.retry_every")?,
                successes: self.number("store.breaker.successes")?,
            },
        })
    }

    fn audit_stream(&self) -> Result<Option<Stream>, Missing> {
        let most = self.number("audit.stream_length")?;
        Ok(self.text("audit.stream").ok().map(|key| Stream { key, most }))
    }

    fn alerts(&self) -> Result<Thresholds, Missing> {
        Ok(Thresholds {
            failures_warning: self.number("alerts.failures_warning")?,
            failures_critical: self.number("alerts.failures_critical")?,
            p95: self.time("alerts.p95")?,
            p99: self.time("alerts.p99")?,
            critical_per_hour: self.number("alerts.critical_per_hour")?,
            cooldown: self.time("alerts.cooldown")?,
        })
    }

    fn limits(&self) -> Result<Limits, Missing> {
        Ok(Limits {
            body: self.number("limits.body")?,
            buffered: self.number("limits.buffered")?,
            body_time: self.time("limits.body_time")?,
            findings: self.number("limits.findings")?,
            depth: self.number("limits.depth")?,
            streams: self.number("limits.streams")?,
            send_time: self.time("limits.send_time")?,
            answer: self.number("limits.answer")?,
            resent: self.number("limits.resent")?,
            slice: self.number("limits.slice")?,
        })
    }

    fn around(&self) -> Result<Around, Missing> {
        Ok(Around {
            schemas: self.flag("request.schemas")?,
            note: self.flag("request.note")?,
            thinking: self.flag("restore.thinking")?,
        })
    }
}
