//! Looks into a store as an operator would, and says what to do about what it finds.

use std::time::Duration;

use redis::Cmd;
use tokio::time::Instant;

use crate::mask::MasterKey;
use crate::store::config::{Backend, RedisConfig, StoreConfig, Topology};
use crate::store::redis::{Facts, Failure, FileError, Link, Target};

/// Ends soon.
const KEY: &str = "m1:doctor";
const CALLS: usize = 21;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Good,
    /// Good to know.
    Note,
    /// To be repaired.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    pub what: String,
    pub remedy: Option<&'static str>,
}

pub(crate) fn good(what: impl Into<String>) -> Finding {
    Finding { level: Level::Good, what: what.into(), remedy: None }
}

pub(crate) fn note(what: impl Into<String>, remedy: &'static str) -> Finding {
    Finding { level: Level::Note, what: what.into(), remedy: Some(remedy) }
}

pub(crate) fn bad(what: impl Into<String>, remedy: &'static str) -> Finding {
    Finding { level: Level::Bad, what: what.into(), remedy: Some(remedy) }
}

/// Looks at everything that can be seen with the configured login.
pub async fn examine(config: &StoreConfig, master: &MasterKey) -> Result<Vec<Finding>, FileError> {
    let redis = match &config.backend {
        Backend::Memory { .. } => {
            return Ok(vec![note(
                "store: memory, which ends with the process",
                "for several replicas, or to restore after a restart, set store.url to a Redis",
            )]);
        }
        Backend::Redis(redis) => RedisConfig::clone(redis),
    };
    let name = format!("store: {}, {}", redis.url.topology().as_str(), redis.url);
    let mut found: Vec<_> = encryption(&redis).into_iter().collect();
    let target = Target {
        redis,
        connect_timeout: config.connect_timeout,
        deadline: config.deadline,
        ttl: config.ttl,
        lasting_ttl: config.lasting_ttl,
    };
    let link = Link::new(target).await?;
    link.expect(master.check());
    if let Err(failure) = link.probe().await {
        found.insert(0, bad(format!("{name}: {failure}"), remedy(&failure)));
        return Ok(found);
    }
    found.insert(0, good(name));
    found.extend(rights(&link, config).await);
    found.push(latency(&link, config.deadline).await);
    link.look().await;
    match link.facts() {
        Some(facts) => found.extend(about(&facts)),
        None => found.push(note(
            "the server tells nothing of itself",
            "give the user INFO, so that eviction and an exchanged server are noticed",
        )),
    }
    found.extend(
        link.unfit()
            .into_iter()
            .filter(|reason| !reason.contains("evicts"))
            .map(|what| bad(what, "masker is not ready with this store until that is put right")),
    );
    Ok(found)
}

fn encryption(redis: &RedisConfig) -> Option<Finding> {
    let local = |host: &str| host == "localhost" || host.parse().is_ok_and(is_loopback);
    if redis.url.is_tls() {
        return Some(good("connections are encrypted"));
    }
    let all = redis.url.hosts().iter().all(|(host, _)| local(host));
    (!all).then(|| {
        note(
            "connections are not encrypted: values are sealed, but the password travels in clear",
            "use rediss:// and, for an authority of your own, store.ca_file",
        )
    })
}

fn is_loopback(address: std::net::IpAddr) -> bool {
    address.is_loopback()
}

fn remedy(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(code) => match &**code {
            "NOPERM" => "give the user SET, GET and EXPIRE on m1:*",
            "NOAUTH" => {
                "set store.password_file, and store.username_file if it is not the default user"
            }
            "WRONGPASS" => {
                "user or password are wrong, or the user is off: compare store.password_file and store.username_file with the server's ACL LIST"
            }
            "READONLY" => "this is a replica: use the primary's address, or redis+sentinel://",
            "OOM" => "the server is full: give it more memory, or lower store.ttl",
            "LOADING" => "the server still reads its files: wait",
            "MOVED" => "this is a cluster: use redis+cluster://",
            "CLUSTERDOWN" => "the cluster has lost slots: see CLUSTER INFO",
            _ => "look the code up in the server's documentation; it must be 7.0 or newer",
        },
        Failure::Deadline(_) => {
            "the server is too slow or cannot be reached: raise store.deadline only if it is far away"
        }
        Failure::Connection(_) => {
            "check host, port and, for rediss://, the certificates: store.ca_file, store.cert_file"
        }
        Failure::Client(_) => {
            "check user and password, and that the sentinels know the primary by this name"
        }
    }
}

/// Tries each command that masker uses.
async fn rights(link: &Link, config: &StoreConfig) -> Vec<Finding> {
    let command = |words: &[&str]| {
        let mut command = Cmd::new();
        command.arg(words);
        command
    };
    let mut tried = vec![
        (["SET", KEY, "1", "EX", "60"].as_slice(), "SET", Level::Bad),
        (["GET", KEY].as_slice(), "GET", Level::Bad),
        (["EXPIRE", KEY, "60"].as_slice(), "EXPIRE", Level::Bad),
    ];
    if let Backend::Redis(redis) = &config.backend {
        match redis.url.topology() {
            Topology::Standalone => {}
            Topology::Sentinel { .. } => tried.push((["ROLE"].as_slice(), "ROLE", Level::Bad)),
            Topology::Cluster => {
                tried.push((["CLUSTER", "SLOTS"].as_slice(), "CLUSTER|SLOTS", Level::Bad));
            }
        }
    }
    let mut found = Vec::new();
    for (words, name, level) in tried {
        let answer = link.raw(KEY, command(words), config.connect_timeout).await;
        if let Err(Failure::Refused(code)) = answer {
            let what = format!("{name} is refused: {code}");
            found.push(Finding { level, what, remedy: Some("add it to the user's ACL rules") });
        }
    }
    if found.is_empty() {
        found.push(good("the user may do what masker does"));
    }
    found
}

async fn latency(link: &Link, deadline: Duration) -> Finding {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let mut get = redis::cmd("GET");
        get.arg(KEY);
        let begun = Instant::now();
        if link.raw(KEY, get, deadline).await.is_ok() {
            times.push(begun.elapsed());
        }
    }
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or(deadline);
    let what = format!("a round trip takes {median:.1?}, of {deadline:?} that it may");
    if median > deadline / 3 {
        note(what, "put masker nearer to the store, or raise store.deadline")
    } else {
        good(what)
    }
}

fn about(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    found.push(match facts.release() {
        Some(release) if release < (7, 0) => bad(
            format!("the server has version {}", facts.version),
            "SET with NX and GET needs Redis 7.0, or Valkey",
        ),
        _ => good(format!("the server has version {}", facts.version)),
    });
    if facts.evicts() {
        found.push(bad(
            format!("maxmemory-policy is {}: mappings in use may be thrown away", facts.policy),
            "CONFIG SET maxmemory-policy noeviction, or store.allow_eviction = true",
        ));
    } else {
        found.push(good("the server evicts nothing"));
    }
    let used = facts.used_memory.saturating_mul(100).checked_div(facts.max_memory);
    if let Some(used) = used.filter(|used| *used >= 80) {
        found.push(bad(
            format!("{used} % of maxmemory is used"),
            "give the server more memory, or lower store.ttl",
        ));
    }
    if facts.snapshot_failed {
        found.push(bad(
            "the last snapshot failed",
            "see the server's log: disk full, or too little memory to fork",
        ));
    }
    found.push(if facts.appends {
        good("the server keeps an append-only file")
    } else {
        note(
            "the server keeps no append-only file: a restart forgets what the last snapshot lacks",
            "appendonly yes; masking needs it not, restoring old answers does",
        )
    });
    if facts.role == "slave" {
        found.push(bad(
            "the server is a replica",
            "use the primary's address, or redis+sentinel://",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_have_a_remedy_unless_all_is_well() {
        let well = Facts {
            version: "7.2.4".into(),
            policy: "noeviction".into(),
            appends: true,
            ..Facts::default()
        };
        assert!(about(&well).iter().all(|finding| finding.level == Level::Good), "{well:?}");
        for (facts, what) in [
            (Facts { version: "6.2.0".into(), ..well.clone() }, "version 6.2.0"),
            (Facts { policy: "allkeys-lru".into(), ..well.clone() }, "allkeys-lru"),
            (Facts { max_memory: 100, used_memory: 85, ..well.clone() }, "85 % of maxmemory"),
            (Facts { snapshot_failed: true, ..well.clone() }, "snapshot"),
            (Facts { role: "slave".into(), ..well.clone() }, "replica"),
        ] {
            let found = about(&facts);
            let wrong: Vec<_> =
                found.iter().filter(|finding| finding.level == Level::Bad).collect();
            assert_eq!(wrong.len(), 1, "{found:?}");
            assert!(wrong[0].what.contains(what) && wrong[0].remedy.is_some(), "{found:?}");
        }
        let note = about(&Facts { appends: false, ..well });
        assert!(note.iter().any(|finding| finding.level == Level::Note));
    }

    #[test]
    fn only_what_leaves_the_machine_must_be_encrypted() {
        let of = |url: &str| {
            encryption(&RedisConfig::new(url.parse().unwrap())).map(|found| found.level)
        };
        assert_eq!(of("redis://127.0.0.1"), None);
        assert_eq!(of("redis://cache:1"), Some(Level::Note));
        assert_eq!(of("redis+cluster://localhost,10.1.1.1"), Some(Level::Note));
        assert_eq!(of("rediss://cache"), Some(Level::Good));
    }
}
