//! What a server says of itself, and whether its content is ours to read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Value;

/// Written by every replica: which keys it has, and what time it is.
pub(crate) const CHECK_KEY: &str = "m1:check";
/// It is written again after this.
pub(crate) const CHECK_AGE: u64 = 60;
/// Clocks may differ by this much.
const AHEAD: u64 = 300;

/// From `INFO`. What is not known is empty or 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub(crate) run: String,
    pub version: String,
    /// `maxmemory_policy`.
    pub policy: String,
    pub max_memory: u64,
    pub used_memory: u64,
    pub appends: bool,
    /// The last snapshot failed.
    pub snapshot_failed: bool,
    pub role: String,
}

impl Facts {
    pub(crate) fn read(info: Value) -> Option<Self> {
        let text = match info {
            Value::BulkString(bytes) => String::from_utf8(bytes).ok()?,
            Value::VerbatimString { text, .. } => text,
            _ => return None,
        };
        let mut facts = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
            let number = || value.parse().unwrap_or_default();
            match name {
                "run_id" => value.clone_into(&mut facts.run),
                "redis_version" => value.clone_into(&mut facts.version),
                "maxmemory_policy" => value.clone_into(&mut facts.policy),
                "maxmemory" => facts.max_memory = number(),
                "used_memory" => facts.used_memory = number(),
                "aof_enabled" => facts.appends = value == "1",
                "rdb_last_bgsave_status" => facts.snapshot_failed = value != "ok",
                "role" => value.clone_into(&mut facts.role),
                _ => {}
            }
        }
        Some(facts)
    }

    /// Does it throw mappings away that have not ended?
    #[must_use]
    pub fn evicts(&self) -> bool {
        !matches!(self.policy.as_str(), "" | "noeviction")
    }

    /// Major and minor version, if they are known.
    #[must_use]
    pub fn release(&self) -> Option<(u32, u32)> {
        let mut parts = self.version.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    }
}

/// What stands under [`CHECK_KEY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Nothing, or ours of long ago: it is to be written.
    Stale,
    Ours,
    /// Written by a masker with another key.
    Foreign,
    /// Written by a masker whose clock is ahead of ours.
    Ahead,
}

pub(crate) fn check_text(key: &[u8; 16]) -> String {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("1 {hex} {}", seconds())
}

pub(crate) fn check(stored: Option<&[u8]>, key: &[u8; 16]) -> Checked {
    let now = seconds();
    let text = stored.and_then(|stored| std::str::from_utf8(stored).ok());
    let Some(text) = text else { return Checked::Stale };
    let own = check_text(key);
    let (Some((theirs, time)), Some((ours, _))) = (text.rsplit_once(' '), own.rsplit_once(' '))
    else {
        return Checked::Stale;
    };
    let Ok(time) = time.parse::<u64>() else { return Checked::Stale };
    if time > now.saturating_add(AHEAD) {
        Checked::Ahead
    } else if theirs != ours {
        Checked::Foreign
    } else if now.saturating_sub(time) > CHECK_AGE {
        Checked::Stale
    } else {
        Checked::Ours
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_tells() {
        let info = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nmaxmemory_policy:allkeys-lru\r\n\
                    aof_enabled:1\r\nrdb_last_bgsave_status:err\r\nused_memory:7\r\nrole:master\r\n";
        let facts = Facts::read(Value::BulkString(info.as_bytes().to_vec())).unwrap();
        assert_eq!((facts.release(), facts.evicts(), facts.appends), (Some((7, 0)), true, true));
        assert!(facts.snapshot_failed && facts.used_memory == 7 && facts.run == "abc");
        assert!(!Facts::default().evicts());
        assert_eq!(Facts::read(Value::Nil), None);
    }

    #[test]
    fn a_check_shows_other_keys_and_clocks() {
        let (own, other) = ([1; 16], [2; 16]);
        let at = |seconds: u64| {
            check_text(&own).rsplit_once(' ').unwrap().0.to_owned() + &format!(" {seconds}")
        };
        for (stored, found) in [
            (None, Checked::Stale),
            (Some("rubbish".to_owned()), Checked::Stale),
            (Some(check_text(&own)), Checked::Ours),
            (Some(check_text(&other)), Checked::Foreign),
            (Some(at(seconds() - 61)), Checked::Stale),
            (Some(at(seconds() + 200)), Checked::Ours),
            (Some(at(seconds() + 400)), Checked::Ahead),
        ] {
            assert_eq!(check(stored.as_deref().map(str::as_bytes), &own), found, "{stored:?}");
        }
    }
}
