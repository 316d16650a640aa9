//! A Redis Cluster of three primaries and three replicas: slots that move,
//! nodes that go.

use std::sync::Arc;
use std::time::Duration;

use masker::breaker::State;
use masker::store::Store;
use masker::store::config::{Backend, StoreConfig};
use redis::Value;

use crate::behavior::{self, patient};
use crate::ports::port;
use crate::redis_server::Server;
use crate::{impatient, mapping, mappings, redis, reveal, save, scope, until, values};

/// First and last slot of each primary.
const SLOTS: [(u16, u16); 3] = [(0, 5460), (5461, 10922), (10923, 16383)];

pub(crate) struct Cluster {
    /// Three primaries, then the replica of each.
    pub(crate) nodes: Vec<Server>,
    ids: Vec<String>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..6 {
            let bus = port().to_string();
            let args = [
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "2000",
                "--cluster-port",
                &bus,
            ];
            nodes.push(Server::start(&args).await);
            buses.push(bus);
        }
        let first = nodes[0].port.to_string();
        for (node, (from, to)) in nodes.iter().zip(SLOTS) {
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()]).await;
        }
        for (node, epoch) in nodes.iter().zip(1..) {
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()]).await;
            node.command(&["CLUSTER", "MEET", "127.0.0.1", &first, &buses[0]]).await;
        }
        let mut ids = Vec::new();
        for node in &nodes {
            ids.push(node.text(&["CLUSTER", "MYID"]).await);
        }
        let all = Self { nodes, ids };
        all.until("all met", |info| info.contains("cluster_known_nodes:6")).await;
        for (replica, primary) in all.nodes[3..].iter().zip(&all.ids) {
            replica.command(&["CLUSTER", "REPLICATE", primary]).await;
        }
        all.until("slots served", |info| info.contains("cluster_state:ok")).await;
        all.until_copied().await;
        all
    }

    async fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        for _ in 0..600 {
            let mut all = true;
            for node in &self.nodes {
                all &= holds(&node.text(&["CLUSTER", "INFO"]).await);
            }
            if all {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never {what}");
    }

    async fn until_copied(&self) {
        for _ in 0..600 {
            let mut all = true;
            for replica in &self.nodes[3..] {
                let link = replica.text(&["INFO", "replication"]).await;
                all &= link.contains("master_link_status:up");
            }
            // Every node knows every role.
            for node in &self.nodes {
                let known = node.text(&["CLUSTER", "NODES"]).await;
                all &= known.lines().filter(|line| line.contains("slave")).count() == 3;
            }
            if all {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the replicas do not copy");
    }

    /// Some of its nodes: the others are found.
    pub(crate) fn url(&self) -> String {
        let port = |node: usize| self.nodes[node].port;
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", port(0), port(4))
    }

    async fn size(&self) -> i64 {
        let mut size = 0;
        for node in &self.nodes {
            if node.try_command(&["PING"]).await.is_err() {
                continue;
            }
            let role = node.text(&["INFO", "replication"]).await;
            if !role.contains("role:master") {
                continue;
            }
            // Without the key of the probe.
            let Value::Int(own) = node.command(&["DBSIZE"]).await else { panic!() };
            let Value::Int(probe) =
                node.try_command(&["EXISTS", "m1:probe"]).await.unwrap_or(Value::Int(0))
            else {
                panic!()
            };
            size += own - probe;
        }
        size
    }

    /// Moves slots with their keys from one primary to another.
    async fn move_slots(&self, from: usize, to: usize, slots: std::ops::Range<u16>) {
        let target = self.nodes[to].port.to_string();
        for slot in slots {
            let slot = slot.to_string();
            let set = |node: usize, state: &'static str, id: usize| {
                let words = ["CLUSTER", "SETSLOT", &slot, state, &self.ids[id]].map(str::to_owned);
                async move {
                    let words: Vec<_> = words.iter().map(String::as_str).collect();
                    self.nodes[node].command(&words).await;
                }
            };
            set(to, "IMPORTING", from).await;
            set(from, "MIGRATING", to).await;
            loop {
                let keys =
                    self.nodes[from].command(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]).await;
                let keys: Vec<String> = redis::from_redis_value(keys).unwrap();
                if keys.is_empty() {
                    break;
                }
                let mut words = vec!["MIGRATE", "127.0.0.1", &target, "", "0", "5000", "KEYS"];
                words.extend(keys.iter().map(String::as_str));
                self.nodes[from].command(&words).await;
            }
            set(to, "NODE", to).await;
            set(from, "NODE", to).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_in_a_cluster() {
    let all = Cluster::start().await;
    behavior::all(&patient(redis(&all.url())), 2_000).await;
    let Backend::Redis(mut redis) = redis(&all.url()).backend else { panic!() };
    redis.read_from_replicas = true;
    let config = StoreConfig { backend: Backend::Redis(redis), ..StoreConfig::default() };
    behavior::all(&patient(config), 100).await;
}

/// Calls of a command that the nodes have answered.
async fn calls(all: &Cluster, name: &str) -> Vec<u64> {
    let mut calls = Vec::new();
    for node in &all.nodes[..3] {
        let stats = node.text(&["INFO", "commandstats"]).await;
        let line =
            stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        calls.push(line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap()));
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_gets_its_own_and_nothing_twice() {
    let all = Cluster::start().await;
    let store = Store::open(&redis(&all.url())).await.unwrap();
    let scope = scope("a");
    save(&store, &scope, &mappings(&scope, 1)).await;
    let before: u64 = calls(&all, "set").await.iter().sum();
    let many = mappings(&scope, 901);
    save(&store, &scope, &many).await;
    let after = calls(&all, "set").await;
    // 900 new ones: none was sent to a node that had to send it on.
    assert_eq!(after.iter().sum::<u64>() - before, 900);
    assert!(after.iter().all(|calls| *calls > 200), "{after:?}");
    for node in &all.nodes[..3] {
        let stats = node.text(&["INFO", "errorstats"]).await;
        assert!(!stats.contains("MOVED"), "{stats}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_move_under_load() {
    let all = Arc::new(Cluster::start().await);
    let store = Store::open(&patient(impatient(&all.url()))).await.unwrap();
    let scope = scope("a");
    let many = mappings(&scope, 2_000);
    save(&store, &scope, &many[..1_000]).await;
    let moving = {
        let all = Arc::clone(&all);
        tokio::spawn(async move { all.move_slots(0, 1, 0..400).await })
    };
    let mut sent = 1_000;
    while !moving.is_finished() || sent < many.len() {
        let end = (sent + 20).min(many.len());
        let answer = save(&store, &scope, &many[sent..end]).await;
        assert!(!answer.degraded, "{:?}", store.status());
        let known = &many[sent - 100..sent];
        assert_eq!(reveal(&store, &scope, known).await, values(known));
        sent = end;
    }
    moving.await.unwrap();
    assert_eq!(reveal(&store, &scope, &many).await, values(&many));
    let status = store.status();
    assert_eq!((status.failures, status.collisions, status.unreadable), (0, 0, 0));
    assert_eq!(all.size().await, 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_lost_and_its_replica_takes_over() {
    let mut all = Cluster::start().await;
    let config = StoreConfig { deadline: Duration::from_secs(1), ..impatient(&all.url()) };
    let store = Store::open(&config).await.unwrap();
    let scope = scope("a");
    let many = mappings(&scope, 300);
    save(&store, &scope, &many).await;
    for primary in &all.nodes[..3] {
        primary.command(&["WAIT", "1", "5000"]).await;
    }
    all.nodes[1].kill().await;
    // Some of these belong to the lost node: they wait, the others are written.
    let late: Vec<_> = (1_000..1_060).map(|n| mapping(&scope, n)).collect();
    for part in late.chunks(10) {
        save(&store, &scope, part).await;
    }
    let back =
        |status: masker::store::Status| status.queued == 0 && status.breaker == State::Closed;
    until(&store, "back", back).await;
    assert!(reveal(&store, &scope, &many).await == values(&many));
    assert!(reveal(&store, &scope, &late).await == values(&late));
    assert_eq!(all.size().await, 360);
    assert_eq!(store.status().dropped, 0);
}
