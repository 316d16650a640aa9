//! What the machine grants: open files, and memory for what may be held.

use std::fs;

use crate::cli::doctor::Finding;
use crate::cli::doctor::bad;
use crate::cli::doctor::good;
use crate::cli::doctor::note;
use crate::config::Limits;

/// Connections of Envoy, of the store and of operators, with room.
const FILES: u64 = 1024;
/// Where a container's limit stands, in bytes; `max` where there is none.
const CONTAINER: &str = "/sys/fs/cgroup/memory.max";

/// What cannot be read on this system is left out.
pub(super) fn examine(limits: &Limits) -> Vec<Finding> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let own = read("/proc/self/limits");
    let (files, locked) = (soft(&own, "Max open files"), soft(&own, "Max locked memory"));
    let memory = memory(&read("/proc/meminfo"), &read(CONTAINER));
    let buffered = u64::try_from(limits.buffered).unwrap_or(u64::MAX);
    files
        .map(about_files)
        .into_iter()
        .chain(locked.map(about_locked))
        .chain(memory.map(|own| about_memory(own, buffered)))
        .collect()
}

/// The soft limit of this name.
fn soft(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// Bytes that this process may use, all others aside.
fn memory(machine: &str, container: &str) -> Option<u64> {
    let total = machine.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    let total = total.map(|kib| kib.saturating_mul(1024));
    total.into_iter().chain(container.trim().parse().ok()).min()
}

fn about_files(files: u64) -> Finding {
    let what = format!("limits: {files} open files");
    if files < FILES {
        note(what, "raise it: `LimitNOFILE=` in a unit, `ulimit -n` in a shell")
    } else {
        good(what)
    }
}

fn about_locked(bytes: u64) -> Finding {
    if bytes == u64::MAX {
        return good("limits: memory may be locked, so that none of it is swapped");
    }
    note(
        format!("limits: {} KiB of memory may be locked: the rest may be swapped", bytes >> 10),
        "raise it: `LimitMEMLOCK=infinity` in a unit, `ulimit -l unlimited` in a shell; or switch swap off",
    )
}

/// A body is in memory as it came, inflated, and masked.
fn about_memory(memory: u64, buffered: u64) -> Finding {
    let mib = |bytes: u64| bytes >> 20;
    let (held, all) = (mib(buffered), mib(memory));
    let what = format!("limits: bodies may hold {held} MiB of {all} MiB of memory");
    let remedy = "lower limits.buffered to a third of the memory, or give masker more";
    match buffered {
        _ if buffered > memory => bad(what, remedy),
        _ if buffered > memory / 2 => note(what, remedy),
        _ => good(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::doctor::Level;

    #[test]
    fn limits_are_read_as_linux_writes_them() {
        let text = "Limit  Soft Limit  Hard Limit  Units\n\
                    Max open files            256                  4096                 files\n";
        assert_eq!(soft(text, "Max open files"), Some(256));
        assert_eq!(
            soft("Max open files  unlimited  unlimited  files", "Max open files"),
            Some(u64::MAX)
        );
        assert_eq!(soft("", "Max open files"), None);
        let machine = "MemTotal:       16000 kB\nMemFree: 1 kB\n";
        assert_eq!(memory(machine, "max\n"), Some(16_384_000));
        assert_eq!(memory(machine, "4096\n"), Some(4096));
        assert_eq!(memory("", ""), None);
    }

    #[test]
    fn too_little_is_told() {
        assert_eq!(about_files(256).level, Level::Note);
        assert_eq!(about_files(1024).level, Level::Good);
        assert_eq!(about_memory(1 << 30, 1 << 29).level, Level::Good);
        assert_eq!(about_memory(1 << 30, (1 << 29) + 1).level, Level::Note);
        assert_eq!(about_memory(1 << 30, (1 << 30) + 1).level, Level::Bad);
    }
}
