//! The table of all options: the single source for reading and checking a
//! configuration, for its printed default and for what overrides it.

/// One option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opt {
    /// Dotted, as in the file.
    pub(crate) key: &'static str,
    pub(crate) form: Form,
    pub(crate) given: Given,
    /// Sentences for the operator.
    pub(crate) doc: &'static str,
}

/// What an option is when nobody sets it. Both texts are TOML.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given {
    Default(&'static str),
    /// Not set; the text is an example.
    Unset(&'static str),
    /// A field of a row that may be left out; the text is an example.
    Maybe(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Address,
    Store,
    /// A file that masker reads.
    File,
    /// The file of the master key: nobody else may read it.
    KeyFile,
    Flag,
    Choice(&'static [&'static str]),
    Count {
        min: u64,
        max: u64,
    },
    /// In bytes.
    Size {
        min: u64,
        max: u64,
    },
    /// In milliseconds.
    Time {
        min: u64,
        max: u64,
    },
    Text,
    List,
    /// An array of tables with these fields.
    Rows(&'static [Opt]),
}

/// What overrides an option: the flag first, then the environment.
pub(crate) struct Override {
    pub(crate) key: &'static str,
    pub(crate) flag: &'static str,
    pub(crate) env: &'static str,
}

pub(crate) const OVERRIDES: [Override; 4] = [
    Override { key: "listen.address", flag: "--listen", env: "MASKER_LISTEN" },
    Override { key: "admin.address", flag: "--admin", env: "MASKER_ADMIN" },
    Override { key: "store.url", flag: "--store", env: "MASKER_STORE" },
    Override { key: "key_file", flag: "--key-file", env: "MASKER_KEY_FILE" },
];

pub(crate) const CONFIG_ENV: &str = "MASKER_CONFIG";

/// The option of this dotted key.
pub(crate) fn find(key: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|opt| opt.key == key)
}

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

use Form::{Address, Choice, Count, File, Flag, KeyFile, List, Rows, Size, Store, Text, Time};
use Given::{Default, Maybe, Unset};

const fn opt(key: &'static str, form: Form, given: Given, doc: &'static str) -> Opt {
    Opt { key, form, given, doc }
}

/// In the order in which they are printed: a section's options stand together,
/// arrays of tables last, as TOML wants it.
#[rustfmt::skip]
pub(crate) const OPTIONS: &[Opt] = &[
    opt("key_file", KeyFile, Default("\".masker/key\""),
        "The master key: 64 hexadecimal characters or 32 bytes, or a ring of keys (`masker keys add`), in a file that only its owner may read. `masker keys new --out FILE` makes one. All replicas need the same key; whoever has it can tell which value a placeholder stands for, by guessing."),
    opt("key_command", List, Unset("[\"vault\", \"kv\", \"get\", \"-field=ring\", \"secret/masker\"]"),
        "A program, and its arguments, that prints the master key or the ring, in place of key_file. It is run at the start, and when the configuration is read again. Or put the keys into the variable MASKER_KEY."),
    opt("tenants_metrics", Flag, Default("true"),
        "Counts requests, bytes and values of each tenant that a row of [[tenants]] names; all others are `other`."),
    opt("tenants_bearer_prefixes", List, Default("[\"sk-\"]"),
        "A bearer token that begins with one of these is a static API key, which names a tenant. Tokens that rotate (`sk-ant-oat`, `ya29.`, JWTs) never are: their users share the tenant `default`."),

    opt("listen.address", Address, Default("\"127.0.0.1:50051\""),
        "Where Envoy reaches the external processor: IP:PORT or unix:PATH. Originals travel here, so any other address than loopback or a unix socket needs a certificate, its key and a client authority."),
    opt("listen.allow_plaintext", Flag, Default("false"),
        "Allows an address that other machines reach, without mutual TLS. Only where something else protects the way."),
    opt("listen.tls.cert", File, Unset("\"/etc/masker/tls/cert.pem\""),
        "Certificate chain, PEM. Read again when it changes."),
    opt("listen.tls.key", File, Unset("\"/etc/masker/tls/key.pem\""),
        "Private key of the certificate, PEM."),
    opt("listen.tls.client_ca", File, Unset("\"/etc/masker/tls/envoy-ca.pem\""),
        "Clients must show a certificate of this authority, PEM."),

    opt("admin.address", Address, Default("\"127.0.0.1:9400\""),
        "Where health, metrics and the API are served: IP:PORT or unix:PATH. Any other address than loopback or a unix socket needs a certificate, its key and a token."),
    opt("admin.allow_plaintext", Flag, Default("false"),
        "Allows an address that other machines reach, without TLS and token. Only where something else protects the way."),
    opt("admin.token_file", File, Unset("\"/etc/masker/admin-token\""),
        "Holds the bearer token of the API, on one line. Without it the API is off; health and metrics are served."),
    opt("admin.calls", Count { min: 1, max: 1_000 }, Default("8"),
        "Calls of the API at a time. More are refused."),
    opt("admin.call_time", Time { min: 100, max: HOUR }, Default("\"30s\""),
        "The longest that one call of the API may take."),
    opt("admin.unmask_per_minute", Count { min: 0, max: 1_000_000 }, Default("60"),
        "How many Unmask calls of the API are answered in one minute. 0 turns them off."),
    opt("admin.unmask_placeholders_per_minute", Count { min: 0, max: 100_000_000 }, Default("10_000"),
        "How many placeholders those calls may ask for in one minute."),
    opt("admin.tls.cert", File, Unset("\"/etc/masker/tls/cert.pem\""),
        "Certificate chain, PEM. Read again when it changes."),
    opt("admin.tls.key", File, Unset("\"/etc/masker/tls/key.pem\""),
        "Private key of the certificate, PEM."),
    opt("admin.tls.client_ca", File, Unset("\"/etc/masker/tls/operators-ca.pem\""),
        "Clients must show a certificate of this authority, PEM."),

    opt("store.url", Store, Default("\"memory\""),
        "Where mappings are kept: memory (one process, lost at its end), redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], redis+sentinel://HOST[:PORT],…/PRIMARY[/DATABASE], or redis+cluster://HOST[:PORT],…; each with rediss for TLS. A password belongs into password_file or the environment, never into a flag."),
    opt("store.memory_entries", Count { min: 1_000, max: 100_000_000 }, Default("200_000"),
        "How many mappings the memory store holds. The least recently used go first."),
    opt("store.ca_file", File, Unset("\"/etc/masker/tls/redis-ca.pem\""),
        "Authority of the Redis servers' certificates, PEM, instead of the public ones. For rediss only."),
    opt("store.cert_file", File, Unset("\"/etc/masker/tls/redis-cert.pem\""),
        "Certificate that is shown to Redis, PEM. For rediss only."),
    opt("store.key_file", File, Unset("\"/etc/masker/tls/redis-key.pem\""),
        "Private key of that certificate, PEM."),
    opt("store.username_file", File, Unset("\"/etc/masker/redis-user\""),
        "Holds the Redis ACL user, on one line."),
    opt("store.password_file", File, Unset("\"/etc/masker/redis-password\""),
        "Holds the Redis password, or ElastiCache's auth token, on one line."),
    opt("store.sentinel_username_file", File, Unset("\"/etc/masker/sentinel-user\""),
        "Holds the user of the sentinels themselves, if they want one."),
    opt("store.sentinel_password_file", File, Unset("\"/etc/masker/sentinel-password\""),
        "Holds the password of the sentinels themselves, if they want one."),
    opt("store.read_from_replicas", Flag, Default("false"),
        "Asks replicas what a placeholder stands for, and the primary only for what a replica does not know yet. For sentinels and clusters."),
    opt("store.allow_eviction", Flag, Default("false"),
        "Lets masker be ready with a Redis whose maxmemory-policy is not noeviction, and so may throw mappings away that are in use. What was thrown away is not restored by other replicas."),
    opt("store.ttl", Time { min: 60 * SECOND, max: 3650 * DAY }, Default("\"7d\""),
        "How long a mapping lives that nobody uses."),
    opt("store.lasting_ttl", Time { min: 60 * SECOND, max: 3650 * DAY }, Default("\"35d\""),
        "The same for what is sent to endpoints that keep it for later answers: batches, files, stored conversations. In Redis only: with the memory store such requests are refused."),
    opt("store.deadline", Time { min: 1, max: 60 * SECOND }, Default("\"150ms\""),
        "The longest that one round trip may take, for each 1,000 mappings in it. After that the exchange goes on without the store."),
    opt("store.connect_timeout", Time { min: 10, max: 60 * SECOND }, Default("\"1s\""),
        "The longest that connecting to Redis may take."),
    opt("store.cache_entries", Count { min: 1, max: 10_000_000 }, Default("100_000"),
        "How many mappings are remembered in front of Redis, so that a conversation sent again does not write again."),
    opt("store.record_bytes", Size { min: 1024 * KIB, max: 64 * GIB }, Default("\"64MiB\""),
        "Bytes of the records of conversations that are remembered, sealed; in front of Redis, or all there are without it. As many may wait for a Redis that is down. A record of a long conversation may take 300 KiB, most take less than 4."),
    opt("store.queue_entries", Count { min: 1, max: 10_000_000 }, Default("100_000"),
        "How many mappings wait for a Redis that is down. The oldest are dropped first; what was dropped is written when it is used again."),
    opt("store.breaker.failures", Count { min: 1, max: 1_000 }, Default("5"),
        "After so many failures in a row the store is not asked any more."),
    opt("store.breaker.retry_every", Time { min: 100, max: HOUR }, Default("\"2s\""),
        "How often a store that is not asked is tried again, beside the requests. `retry-after` of a 503 that needs the store says the same."),
    opt("store.breaker.successes", Count { min: 1, max: 1_000 }, Default("3"),
        "After so many successes in a row the store is asked again as before."),

    opt("mode.allow_bypass", Flag, Default("false"),
        "Allows operators to let requests pass unmasked for a time: `masker mode bypass`. Envoy's own configuration must admit it too, which it does not by default."),
    opt("mode.longest_bypass", Time { min: SECOND, max: DAY }, Default("\"1h\""),
        "The longest that a bypass may last. It always has an end."),
    opt("mode.failures", Count { min: 2, max: 1_000 }, Default("5"),
        "So many different bodies of two or more tenants that could not be masked, for no fault of theirs, block all requests. Those of one tenant block that tenant, and one body that fails as often is blocked alone."),
    opt("mode.window", Time { min: SECOND, max: HOUR }, Default("\"60s\""),
        "Failures that lie further back do not count."),
    opt("mode.block", Time { min: SECOND, max: DAY }, Default("\"300s\""),
        "How long failures block. `masker mode normal` ends it at once."),

    opt("limits.body", Size { min: KIB, max: GIB }, Default("\"32MiB\""),
        "The largest request body, as it came and after inflating. Larger: 413."),
    opt("limits.buffered", Size { min: KIB, max: 1024 * GIB }, Default("\"512MiB\""),
        "Bytes held for all exchanges together, counting a body as it came, inflated and masked. Full: 529. A tenant holds at most a quarter unless it is alone."),
    opt("limits.body_time", Time { min: 100, max: HOUR }, Default("\"30s\""),
        "The longest that a request body may take to arrive."),
    opt("limits.findings", Count { min: 1, max: 10_000_000 }, Default("50_000"),
        "Distinct findings in one request. More: the request is refused."),
    opt("limits.depth", Count { min: 8, max: 1_024 }, Default("128"),
        "Nesting of a JSON body. Deeper: 400."),
    opt("limits.streams", Count { min: 1, max: 1_000_000 }, Default("1_000"),
        "Exchanges at once on one connection from Envoy."),
    opt("limits.send_time", Time { min: 100, max: HOUR }, Default("\"60s\""),
        "The longest that Envoy may take to accept one message."),
    opt("limits.answer", Size { min: KIB, max: GIB }, Default("\"32MiB\""),
        "The largest answer that is held whole to be restored: JSON that is not streamed, as it came and after inflating."),
    opt("limits.resent", Size { min: 0, max: 64 * GIB }, Default("\"64MiB\""),
        "Memory for what masking of parts of conversations gave: when they come again, they are not scanned again. 0: off."),
    opt("limits.slice", Size { min: KIB, max: GIB }, Default("\"256KiB\""),
        "A body above this is masked on a thread of its own, so that other exchanges do not wait."),

    opt("detect.private_ip", Flag, Default("true"),
        "Masks private IP addresses."),
    opt("detect.public_ip", Flag, Default("false"),
        "Masks public IP addresses by their shape, which versions have too; without it only beside a key or words that say so."),
    opt("detect.profile", Choice(&["default", "strict"]), Default("\"default\""),
        "\"strict\" also masks bare shapes: any 12 digits, public addresses, UUIDs, names such \
         as prod-mysql-db. Noise rather than risk."),
    opt("detect.arn_style", Choice(&["fields", "whole"]), Default("\"fields\""),
        "\"fields\" keeps the shape of an ARN and masks account and names; \"whole\" masks an ARN \
         as one, unless it holds a wildcard or a variable."),
    opt("detect.edition", Choice(&["pinned", "newest"]), Default("\"pinned\""),
        "\"pinned\": a conversation that runs keeps the patterns it began with, and patterns that are added act on new ones. \"newest\": they act on all at once, which changes what the model was shown before: providers may then refuse its thinking blocks (400), and prompt caches begin anew."),
    opt("detect.families_off", List, Default("[]"),
        "Families of the catalog that are not looked for: the FAMILY of `masker patterns list`. \"arn\" is the structure of ARNs, \"context\" what is found beside a key or words (accounts, secret keys, passwords), \"keys\" names under AWS's keys, \"hosts\" host names, \"prose\" names behind the word for what they name."),

    opt("allow.values", List, Default("[]"),
        "Values that are never masked, each as it is found whole: an account id, a bucket's name. What is allowed goes to the provider as it is, at your own risk. Read again when it changes, with [detect] and [[patterns]]."),
    opt("allow.expressions", List, Default("[]"),
        "A value that one of these expressions matches whole is never masked. Written as patterns.expression is."),

    opt("refuse.url_findings", Flag, Default("true"),
        "Refuses a request with a finding in a URL that must not change."),
    opt("refuse.credential_findings", Flag, Default("true"),
        "Refuses a request with a secret in a place that must not change."),
    opt("refuse.id_findings", Flag, Default("false"),
        "Refuses a request with an identifier or a name in a place that must not change."),
    opt("refuse.images", Flag, Default("false"),
        "Refuses requests with images, which masker does not look into."),
    opt("refuse.pdf", Flag, Default("false"),
        "Refuses requests with PDF documents, which masker does not look into."),
    opt("refuse.files", Flag, Default("false"),
        "Refuses requests that name files kept by the provider, which masker does not see."),

    opt("refuse.audio", Flag, Default("false"),
        "Refuses requests with sound, which masker does not look into. refuse.images does so, too."),
    opt("refuse.video", Flag, Default("false"),
        "Refuses requests with videos, which masker does not look into. refuse.images does so, too."),
    opt("refuse.web_search", Flag, Default("false"),
        "Refuses requests that let the provider search the web: it searches for placeholders."),
    opt("refuse.web_fetch", Flag, Default("false"),
        "Refuses requests that let the provider fetch pages, with placeholders in their addresses."),
    opt("refuse.code_execution", Flag, Default("false"),
        "Refuses requests that let the provider run code, which works with placeholders."),
    opt("refuse.mcp", Flag, Default("false"),
        "Refuses requests that let the provider call MCP servers, which get placeholders."),
    opt("refuse.file_search", Flag, Default("false"),
        "Refuses requests that let the provider search files that it keeps."),

    opt("request.schemas", Flag, Default("true"),
        "Widens schemas of tools and of outputs whose pattern, format, maxLength or minLength would forbid placeholders. A function of the schema alone; enum and const are masked as text in any case."),
    opt("request.note", Flag, Default("false"),
        "Tells the model in one constant sentence, behind the system text of each request, that placeholders are names to be copied exactly. Turning it on or off changes the prefix of every conversation once."),

    opt("restore.always", List, Default("[]"),
        "Kinds, such as \"ACCOUNT\", whose placeholders in an answer are restored everywhere. By default a critical kind is not restored inside a URL whose host is neither AWS's nor in the client's own text, and a secret found by its context that a shell would read as more than a word is not restored into the input of tools. Read again when it changes."),
    opt("restore.text_only", List, Default("[]"),
        "Kinds that are restored in text, as by default, but not in the input of tools."),
    opt("restore.never", List, Default("[]"),
        "Kinds that are not restored in answers."),

    opt("restore.thinking", Flag, Default("false"),
        "Restores what a Claude model thought for the client to see, and sends it back to the model as it wrote it: masked again, or, where that gives something else, kept in the conversation's record under its signature. A conversation keeps what it began with; one that runs when this is switched off needs its record until it ends. Off, thinking passes as it is, with placeholders. Read again when it changes."),
    opt("restore.spellings", Flag, Default("true"),
        "Restores placeholders also as models spell them: in lower case, with Markdown's backslashes, in escapes of URLs or HTML, with hyphens, with an O for a 0. On, since a command with a misspelled placeholder is of no use, and since only placeholders of this exchange are restored, by all their symbols; beside a letter or digit none ever is. Read again when it changes."),

    opt("shutdown.notice", Time { min: 0, max: 10 * 60 * SECOND }, Default("\"5s\""),
        "How long health says \"not serving\" before new exchanges are refused."),
    opt("shutdown.drain", Time { min: 0, max: HOUR }, Default("\"30s\""),
        "The longest that running exchanges are waited for."),

    opt("alerts.failures_warning", Count { min: 1, max: 100 }, Default("10"),
        "Warns when so many of a hundred requests of five minutes failed in masker."),
    opt("alerts.failures_critical", Count { min: 1, max: 100 }, Default("20"),
        "From here on that is critical."),
    opt("alerts.p95", Time { min: 1, max: HOUR }, Default("\"100ms\""),
        "Warns when 95 of a hundred requests of five minutes take up to more than this in masker."),
    opt("alerts.p99", Time { min: 1, max: HOUR }, Default("\"500ms\""),
        "The same for 99 of a hundred."),
    opt("alerts.critical_per_hour", Count { min: 1, max: 1_000_000_000 }, Default("10"),
        "Warns when more values of one critical kind are masked in an hour. What a conversation sends again counts once."),
    opt("alerts.cooldown", Time { min: SECOND, max: DAY }, Default("\"15m\""),
        "An alert does not begin again before this."),
    opt("alerts.webhook.url_file", File, Unset("\"/etc/masker/webhook-url\""),
        "Holds the URL, on one line, to which each alert is posted as JSON when it begins and when it ends; Slack and those like it show its `text`. Tried again for about two minutes."),
    opt("alerts.webhook.token_file", File, Unset("\"/etc/masker/webhook-token\""),
        "Holds a bearer token for it."),
    opt("alerts.webhook.ca_file", File, Unset("\"/etc/masker/tls/webhook-ca.pem\""),
        "Trust this authority alone, PEM, in place of the usual ones."),

    opt("events.channels", List, Default("[]"),
        "Which of masking, unmasking, security and performance are published to channels of the store's Redis, under the names of the system before masker (`aws-masker:events:masking` and so on). No text travels."),
    opt("events.every", Time { min: SECOND, max: HOUR }, Default("\"10s\""),
        "How often the performance is published."),

    opt("traces.url_file", File, Unset("\"/etc/masker/traces-url\""),
        "Holds the URL of a collector, such as http://127.0.0.1:4318/v1/traces, to which spans of exchanges go (OTLP over HTTP, JSON). A client's traceparent goes on; no text travels."),
    opt("traces.token_file", File, Unset("\"/etc/masker/traces-token\""),
        "Holds a bearer token for it."),
    opt("traces.ca_file", File, Unset("\"/etc/masker/tls/collector-ca.pem\""),
        "Trust this authority alone, PEM, in place of the usual ones."),
    opt("traces.percent", Count { min: 0, max: 100 }, Default("100"),
        "So many of a hundred exchanges whose client sends no traceparent get a trace."),

    opt("memory.lock", Choice(&["auto", "require", "off"]), Default("\"auto\""),
        "Keeps what masker has in memory (keys, and bodies while they are masked) out of swap. auto: where the limit of locked memory is unlimited (`LimitMEMLOCK=infinity` in a unit, `ulimit -l` in a shell), and warns else. require: refuses to start without. off: does not try."),

    opt("audit.file", Text, Unset("\"/var/lib/masker/audit.log\""),
        "Calls of the API, changes of the mode, reloads, starts and stops are kept in this file, each line with the hash of the one before. `masker audit verify` checks it. Without it they are in the log only."),
    opt("audit.keep", Time { min: DAY, max: 3650 * DAY }, Default("\"365d\""),
        "How long lines are kept there. A file that covers a twelfth of this time is renamed, with the latest time in it behind its name, and the next one goes on with its chain; files whose latest line is older are deleted once six later ones stand beside them, so that no wrong clock deletes any."),

    opt("audit.stream", Text, Unset("\"masker:audit\""),
        "The same lines are appended to this stream of the store's Redis. `masker audit verify --stream` checks it. Maskers write there side by side, each its own chain."),
    opt("audit.stream_length", Count { min: 100, max: 1_000_000_000 }, Default("1_000_000"),
        "About so many lines are kept there; the oldest go."),

    opt("log.level", Choice(&["error", "warn", "info", "debug", "trace"]), Default("\"info\""),
        "What is logged. Libraries never log more than warnings."),
    opt("log.format", Choice(&["json", "text"]), Default("\"json\""),
        "Lines of JSON or of text, to standard error."),

    opt("patterns", Rows(PATTERN), Unset("[]"),
        "Patterns of your own, masked like the catalog's, which they win over. Each has one of expression, literals and file. Read again on SIGHUP and when this file or a list of names changes; what is wrong is refused then, and what was before stays."),
    opt("tenants", Rows(TENANT), Unset("[]"),
        "Tenants by name: the static API keys that share one, so that a rotated key finds what the old one masked, and what differs for it. Read again on SIGHUP."),
    opt("routes", Rows(ROUTE), Unset("[]"),
        "Paths on which bodies of other, binary media types are let through unmasked, and counted. Elsewhere: 415."),
];

#[rustfmt::skip]
const PATTERN: &[Opt] = &[
    opt("name", Text, Unset("\"ticket\""),
        "What you call it."),
    opt("kind", Text, Unset("\"TICKET\""),
        "Stands in the placeholder: 1 to 20 of A-Z, 0-9 and _, a letter first, and between two _ neither AWS nor 12 characters."),
    opt("expression", Text, Maybe("'PRJ-[0-9]{3,6}'"),
        "A regular expression of the regex crate, at most 1000 bytes, for 3 to 1024 bytes: repetitions have a bound. It matches where no letter or digit stands beside it."),
    opt("literals", List, Maybe("[\"acme-payments\"]"),
        "Values in place of an expression, each of 3 to 1024 bytes."),
    opt("file", File, Maybe("\"/etc/masker/bucket-names\""),
        "Such values in a file, one on each line; a line that begins with # is none."),
    opt("critical", Flag, Maybe("false"),
        "As bad to lose as a key: a request with it in a place that must not change is refused, as refuse.credential_findings says."),
    opt("examples", List, Maybe("[\"see PRJ-1234\"]"),
        "Texts in which it finds something. An expression needs one."),
    opt("counter_examples", List, Maybe("[\"PRJ-12\"]"),
        "Texts in which it finds nothing."),
    opt("tenants", List, Maybe("[\"payments\"]"),
        "Only for these tenants, each a row of [[tenants]]."),
];

#[rustfmt::skip]
const TENANT: &[Opt] = &[
    opt("name", Text, Unset("\"payments\""),
        "1 to 64 characters of a-z, A-Z, 0-9, '.', '_' and '-'."),
    opt("keys_file", File, Maybe("\"/etc/masker/payments-keys\""),
        "One API key on each line, or sha256: and its SHA-256 in hexadecimal. Without it the tenant is one that Envoy names in x-masker-tenant."),
    opt("families_off", List, Maybe("[\"tokens\"]"),
        "In place of detect.families_off."),
    opt("profile", Choice(&["default", "strict"]), Maybe("\"strict\""),
        "In place of detect.profile."),
    opt("body", Size { min: KIB, max: GIB }, Maybe("\"4MiB\""),
        "In place of limits.body."),
    opt("findings", Count { min: 1, max: 10_000_000 }, Maybe("1_000"),
        "In place of limits.findings."),
    opt("refuse", List, Maybe("[\"url_findings\", \"credential_findings\", \"images\"]"),
        "In place of [refuse]: the names of those options that are true, all others are false."),
];

#[rustfmt::skip]
const ROUTE: &[Opt] = &[
    opt("path_prefix", Text, Unset("\"/v1/audio/\""),
        "Begins with a slash."),
    opt("media_types", List, Unset("[\"audio/mpeg\"]"),
        "Exact media types, without parameters."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_unique_and_documented() {
        let keys: BTreeSet<_> = OPTIONS.iter().map(|opt| opt.key).collect();
        assert_eq!(keys.len(), OPTIONS.len());
        for opt in OPTIONS.iter().chain(PATTERN).chain(TENANT).chain(ROUTE) {
            assert!(opt.doc.ends_with('.'), "{}", opt.key);
        }
        for Override { key, .. } in OVERRIDES {
            assert!(find(key).is_some(), "{key}");
        }
    }
}
