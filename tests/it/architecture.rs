//! The house: who may name whom, and what the core never names.

use std::fs;
use std::path::{Path, PathBuf};

/// What each module may name, beside itself. A request goes down this list.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("detect", &[]),
    ("body", &["detect"]),
    ("mask", &["detect", "body"]),
    ("breaker", &[]),
    ("mode", &["breaker"]),
    ("telemetry", &["breaker", "mode"]),
    ("listen", &["telemetry"]),
    ("store", &["detect", "body", "mask", "mode", "breaker"]),
    ("outward", &["store", "telemetry"]),
    ("ext_proc", &["detect", "body", "mask", "store", "mode", "breaker", "telemetry"]),
    ("admin", &["detect", "body", "mask", "store", "mode", "breaker", "telemetry", "listen"]),
    // Below: plain types of the parts that a configuration speaks of.
    ("config", &["detect", "body", "mask", "breaker"]),
    ("lib.rs", &[]),
    ("main.rs", &["cli"]),
];

/// Exceptions, each with its reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("config", "listen", "an address is read and checked where the listener defines it"),
    ("config", "store", "a backend's settings are defined by the store"),
    ("config", "telemetry", "thresholds of alerts are options, defined where the rules are"),
    ("config", "outward", "who is told is checked where it is told"),
    ("telemetry", "config", "the log's level and format are options"),
];

/// Files that do no I/O and read no clock.
const CORE: &[&str] = &[
    "detect/",
    "body/",
    "mask/",
    "mode.rs",
    "breaker.rs",
    "ext_proc/aside.rs",
    "ext_proc/exchange.rs",
    "ext_proc/exchange/",
    "ext_proc/request.rs",
    "ext_proc/request/",
    "ext_proc/answer.rs",
    "ext_proc/endpoint.rs",
    "ext_proc/headers.rs",
    "ext_proc/messages.rs",
    "ext_proc/pieces.rs",
    "ext_proc/refuse.rs",
    "ext_proc/budget.rs",
    "ext_proc/settings.rs",
    "ext_proc/talk.rs",
    "ext_proc/tally.rs",
];

const NOT_IN_CORE: &[&str] = &[
    "tokio",
    "tonic",
    "redis",
    "axum",
    "envoy_types",
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "stdin",
    "std::env",
    "std::thread",
    "Instant",
    "SystemTime",
];

/// Only these put the parts together: they name both the store and an edge.
const WIRING: &[&str] = &["cli/serve.rs", "cli/wiring.rs", "cli/core.rs"];

/// Longer files are two files.
const LINES: usize = 450;

struct Source {
    name: String,
    /// Without comments and without the tests at the file's end.
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                let tests = name.ends_with("tests.rs");
                let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
                let code = text.get(..end).unwrap_or_default();
                let lines = if tests { 0 } else { code.lines().count() };
                let comment = |line: &&str| !line.trim_start().starts_with("//");
                let code: Vec<_> = code.lines().filter(comment).collect();
                let code = if tests { String::new() } else { code.join("\n") };
                found.push(Source { name, code, lines });
            }
        }
    }
    assert!(found.len() > 50, "the sources are found");
    found
}

fn module(name: &str) -> &str {
    let first = name.split('/').next().unwrap_or_default();
    if matches!(first, "lib.rs" | "main.rs") { first } else { first.trim_end_matches(".rs") }
}

/// The modules that a file names by `crate::x` or `masker::x`.
fn named(source: &Source) -> Vec<String> {
    let after = |prefix: &str| {
        let parts = source.code.split(prefix).skip(1);
        let word = |part: &str| {
            part.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().map(str::to_owned)
        };
        parts.filter_map(word).collect::<Vec<_>>()
    };
    let mut names = after("crate::");
    if source.name == "main.rs" {
        names.extend(after("masker::"));
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn modules_name_only_what_lies_below() {
    let mut used = Vec::new();
    for source in sources() {
        let own = module(&source.name);
        let Some((_, below)) = MAY_NAME.iter().find(|(name, _)| *name == own) else {
            assert_eq!(own, "cli", "{} is not on the list", source.name);
            continue;
        };
        for name in
            named(&source).iter().filter(|name| *name != own && !below.contains(&name.as_str()))
        {
            let exception = EXCEPTIONS.iter().position(|(a, b, _)| a == &own && b == name);
            assert!(exception.is_some(), "src/{} names crate::{name}", source.name);
            used.extend(exception);
        }
    }
    for (index, (a, b, _)) in EXCEPTIONS.iter().enumerate() {
        assert!(used.contains(&index), "the exception for {a} -> {b} is not needed any more");
    }
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let all = sources();
    for core in CORE {
        assert!(all.iter().any(|source| source.name.starts_with(core)), "{core} is gone");
    }
    for source in all.iter().filter(|s| CORE.iter().any(|core| s.name.starts_with(core))) {
        for banned in NOT_IN_CORE {
            // Programs whose options are read are no parts of this one.
            let code = source.code.replace("redis-cli", "");
            let word = |at: &usize| {
                let before = code.get(..*at).and_then(|head| head.chars().last());
                before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            };
            let hit = code.match_indices(banned).map(|(at, _)| at).find(word);
            assert_eq!(hit, None, "src/{} names {banned}", source.name);
        }
    }
}

#[test]
fn files_are_short_and_only_the_wiring_wires() {
    for source in sources() {
        assert!(source.lines <= LINES, "src/{} has {} lines", source.name, source.lines);
        let names = named(&source);
        let has = |name: &str| names.iter().any(|own| own == name);
        let wires =
            module(&source.name) == "cli" && has("store") && (has("ext_proc") || has("admin"));
        assert!(!wires || WIRING.contains(&source.name.as_str()), "src/{} wires", source.name);
    }
}
