//! Three sentinels, a primary and its replica, and what happens when the
//! primary goes.

use std::time::Duration;

use masker::breaker::State;
use masker::store::Store;
use masker::store::config::{Backend, StoreConfig};

use crate::behavior::{self, patient};
use crate::redis_server::Server;
use crate::{impatient, mapping, mappings, redis, reveal, save, scope, until, values};

/// Sentinel's own clock runs in hundreds of milliseconds here.
const FAST: [&str; 12] = [
    "INFO-PERIOD",
    "200",
    "PING-PERIOD",
    "100",
    "ASK-PERIOD",
    "100",
    "PUBLISH-PERIOD",
    "100",
    "DEFAULT-DOWN-AFTER",
    "1000",
    "SLAVE-RECONF-TIMEOUT",
    "1000",
];

pub(crate) struct Sentinels {
    sentinels: Vec<Server>,
    pub(crate) primary: Server,
    pub(crate) replica: Server,
}

impl Sentinels {
    pub(crate) async fn start() -> Self {
        let (primary, replica) = tokio::join!(Server::start(&[]), Server::start(&[]));
        let port = primary.port.to_string();
        replica.command(&["REPLICAOF", "127.0.0.1", &port]).await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let sentinel = Server::start(&["--sentinel"]).await;
            sentinel.command(&[&["SENTINEL", "DEBUG"], FAST.as_slice()].concat()).await;
            sentinel.command(&["SENTINEL", "MONITOR", "main", "127.0.0.1", &port, "2"]).await;
            for (key, value) in [("down-after-milliseconds", "1000"), ("failover-timeout", "2000")]
            {
                sentinel.command(&["SENTINEL", "SET", "main", key, value]).await;
            }
            sentinels.push(sentinel);
        }
        let all = Self { sentinels, primary, replica };
        all.until_complete().await;
        all
    }

    /// Waits until the sentinels know each other and the replica, and it has copied.
    async fn until_complete(&self) {
        for _ in 0..600 {
            let link = self.replica.text(&["INFO", "replication"]).await;
            let mut known = link.contains("master_link_status:up");
            for sentinel in &self.sentinels {
                let about = sentinel.text(&["INFO", "sentinel"]).await;
                known &= about.contains("status=ok") && about.contains("slaves=1,sentinels=3");
            }
            if known {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the sentinels do not find each other");
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> =
            self.sentinels.iter().map(|own| format!("127.0.0.1:{}", own.port)).collect();
        format!("redis+sentinel://{}/main", hosts.join(","))
    }
}

fn from_replicas(config: StoreConfig) -> StoreConfig {
    let Backend::Redis(mut redis) = config.backend else { panic!() };
    redis.read_from_replicas = true;
    StoreConfig { backend: Backend::Redis(redis), ..config }
}

/// GETs that a server has answered.
async fn reads(server: &Server) -> u64 {
    let stats = server.text(&["INFO", "commandstats"]).await;
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_get:calls="));
    line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_by_sentinels() {
    let all = Sentinels::start().await;
    behavior::all(&patient(redis(&all.url())), 500).await;
    behavior::all(&patient(from_replicas(redis(&all.url()))), 100).await;
    assert!(reads(&all.replica).await > 0, "the replica was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_fails_over() {
    let mut all = Sentinels::start().await;
    let store = Store::open(&impatient(&all.url())).await.unwrap();
    let scope = scope("a");
    let values_of = mappings(&scope, 50);
    save(&store, &scope, &values_of).await;
    all.primary.command(&["WAIT", "1", "5000"]).await;
    all.primary.kill().await;
    let late = mapping(&scope, 1000);
    for _ in 0..6 {
        save(&store, &scope, std::slice::from_ref(&late)).await;
    }
    until(&store, "back", |status| status.queued == 0 && status.breaker == State::Closed).await;
    // Every value: from before, and from meanwhile.
    let mut everything = values_of;
    everything.push(late);
    save(&store, &scope, &everything).await;
    assert_eq!(reveal(&store, &scope, &everything).await, values(&everything));
    assert_eq!(all.replica.content().await.len(), 51);
    assert_eq!(store.status().dropped, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_hangs_is_left_for_the_new_one() {
    let all = Sentinels::start().await;
    let deadline = Duration::from_millis(300);
    // Not tried again for an hour: only the sentinels can tell.
    let breaker = masker::breaker::Settings {
        retry_every: Duration::from_secs(3600),
        successes: 1,
        ..Default::default()
    };
    let config = StoreConfig { deadline, breaker, ..redis(&all.url()) };
    let store = Store::open(&config).await.unwrap();
    let scope = scope("a");
    let values_of = mappings(&scope, 10);
    save(&store, &scope, &values_of).await;
    all.primary.command(&["WAIT", "1", "5000"]).await;
    // What no replica has is lost with the primary.
    for _ in 0..200 {
        if all.replica.content().await.len() == 10 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    all.primary.signal("STOP").await;
    let late = mapping(&scope, 1000);
    for _ in 0..6 {
        assert!(save(&store, &scope, std::slice::from_ref(&late)).await.degraded);
    }
    until(&store, "back", |status| status.queued == 0 && status.breaker == State::Closed).await;
    // A call may still meet the change of connections.
    let mut revealed = reveal(&store, &scope, &values_of).await;
    for _ in 0..20 {
        if revealed == values(&values_of) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        revealed = reveal(&store, &scope, &values_of).await;
    }
    assert_eq!(revealed, values(&values_of), "{:?}", store.status());
    assert_eq!(all.replica.content().await.len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_that_are_not_there_are_an_outage() {
    let port = crate::ports::port();
    let url = format!("redis+sentinel://127.0.0.1:{port}/main");
    let store = Store::open(&impatient(&url)).await.unwrap();
    assert_eq!(store.mode(), masker::mode::Mode::Degraded);
    let scope = scope("a");
    assert!(save(&store, &scope, &mappings(&scope, 3)).await.degraded);
}
