//! A sentinel, and a copy of the Redis that it watches.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::bed::{Process, READY, program};
use crate::ports::port;

/// Looks often, and does nothing by itself: tests start Redis again on its port.
const CONFIG: &str = "sentinel down-after-milliseconds main 600000\n\
                      sentinel failover-timeout main 5000\n";
const OFTEN: &str = "SENTINEL DEBUG INFO-PERIOD 200 PING-PERIOD 100 ASK-PERIOD 100 \
                     PUBLISH-PERIOD 100";

#[derive(Debug)]
pub(crate) struct Sentinel {
    port: u16,
    primary: u16,
    copy: u16,
    _processes: [Process; 2],
}

impl Sentinel {
    /// Copies the Redis on this port, and watches both.
    pub(super) async fn start(primary: u16, dir: &Path) -> Self {
        let (own, copy) = (port(), port());
        let (of, at) = (primary.to_string(), copy.to_string());
        let names = dir.to_string_lossy();
        let copying = ["--port", &at, "--replicaof", "127.0.0.1", &of, "--save", ""];
        let place = ["--bind", "127.0.0.1", "--dir", &names, "--dbfilename", "copy.rdb"];
        let redis = program("REDIS_SERVER");
        let replica = Process::start("copy", &redis, &[&copying[..], &place].concat(), &[], dir);
        replica.until_listening(copy, READY).await;
        let config = dir.join("sentinel.conf");
        let text = format!(
            "port {own}\nbind 127.0.0.1\ndir {names}\nsentinel monitor main 127.0.0.1 {of} 1\n{CONFIG}"
        );
        fs::write(&config, text).expect("the sentinel's configuration is written");
        let config = config.to_string_lossy();
        let sentinel = Process::start("sentinel", &redis, &[&config, "--sentinel"], &[], dir);
        sentinel.until_listening(own, READY).await;
        let answer = ask(own, OFTEN).await;
        assert!(answer.starts_with("+OK"), "{answer}");
        let own = Self { port: own, primary, copy, _processes: [replica, sentinel] };
        own.until_copied().await;
        own
    }

    pub(super) fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/main/0", self.port)
    }

    /// Makes the copy the primary, once it has all, and what was the primary its copy.
    pub(crate) async fn fail_over(&self) {
        self.until_copied().await;
        assert_eq!(ask(self.primary, "WAIT 1 5000").await, ":1\r\n", "all is copied");
        // On a busy machine the Sentinel has not yet heard that the copy is well: NOGOODSLAVE.
        until(self.port, "SENTINEL FAILOVER main", "+OK").await;
        until(self.port, "SENTINEL GET-MASTER-ADDR-BY-NAME main", &self.copy.to_string()).await;
        until(self.primary, "INFO replication", "role:slave").await;
    }

    async fn until_copied(&self) {
        until(self.copy, "INFO replication", "master_link_status:up").await;
        until(self.port, "SENTINEL REPLICAS main", &self.copy.to_string()).await;
    }
}

async fn until(port: u16, command: &str, says: &str) {
    for _ in 0..600 {
        if ask(port, command).await.contains(says) {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{command} does not say {says}");
}

/// The beginning of what a Redis answers to a command.
pub(super) async fn ask(port: u16, command: &str) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let mut stream = stream.expect("Redis listens");
    stream.write_all(format!("{command}\r\n").as_bytes()).await.expect("sent");
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
