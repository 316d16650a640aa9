//! Ports that no other test takes while this one runs, also while nobody listens there: a
//! server may end and start again.

use std::fs::{self, File};
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

/// Below those that the system gives to outgoing connections.
const FIRST: u32 = 11_000;
const COUNT: u32 = 20_000;

/// A port of its own for the rest of this process. A locked file says so to other tests, and
/// the system takes the lock back when the process ends, however it does.
pub(crate) fn port() -> u16 {
    static TAKEN: Mutex<(u32, Vec<File>)> = Mutex::new((0, Vec::new()));
    let dir = std::env::temp_dir().join("masker-test-ports");
    fs::create_dir_all(&dir).expect("a directory for locks");
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Tests side by side do not begin at the same.
    let own = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let port = FIRST + own.wrapping_add(taken.0) % COUNT;
        taken.0 += 1;
        let port = u16::try_from(port).expect("below 65,536");
        let lock = File::options().create(true).append(true).open(dir.join(port.to_string()));
        let locked = lock.ok().filter(|lock| lock.try_lock().is_ok());
        if let Some(lock) = locked
            && TcpListener::bind(("127.0.0.1", port)).is_ok()
        {
            taken.1.push(lock);
            return port;
        }
    }
    panic!("no port is free");
}
