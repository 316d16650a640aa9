//! A Redis Cluster: the commands of a call are grouped by the node that holds
//! their keys, so that each node gets one pipeline.
//!
//! The client finds nodes, reconnects and follows redirections, but sends a
//! pipeline to one node as a whole. While slots move, a group is taken apart
//! and each key finds its own way; then the map of slots is read again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::join_all;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, Slot, SlotAddr};
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::time::timeout;

use crate::store::redis::Failure;
use crate::store::redis::line::{Answers, Ask, Who, checked, pipeline};

/// Which node holds a slot: nodes are numbered as they are met.
type Nodes = HashMap<Slot, usize>;

const SLOTS: u16 = 16_384;

#[derive(Clone)]
pub(super) struct Cluster {
    connection: ClusterConnection,
    replicas: bool,
    nodes: Arc<ArcSwapOption<Nodes>>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster")
    }
}

/// Commands for one node, and which of the call's asks they are.
struct Group {
    places: Vec<usize>,
    asks: Vec<Ask>,
}

impl Cluster {
    pub(super) fn new(connection: ClusterConnection, replicas: bool) -> Self {
        Self { connection, replicas, nodes: Arc::default() }
    }

    pub(super) const fn reads_from_replicas(&self) -> bool {
        self.replicas
    }

    /// A node that does not answer within the limit fails alone.
    pub(super) async fn send(&self, asks: Vec<Ask>, who: Who, limit: Duration) -> Answers {
        // The caller waits for as long: what came in time must still reach it.
        let limit = limit.saturating_sub(limit / 8);
        let count = asks.len();
        let calls = self.groups(asks).await.into_iter().map(|group| async move {
            let sizes: Vec<_> = group.asks.iter().map(|ask| ask.commands.len()).collect();
            let answers = timeout(limit, self.group(group.asks, who)).await;
            let answers = answers.unwrap_or(Err(Failure::Deadline(limit)));
            (group.places, sizes, answers)
        });
        let mut found: Vec<Answers> = vec![Vec::new(); count];
        for (places, sizes, answers) in join_all(calls).await {
            let mut answers = answers.map(Vec::into_iter);
            for (place, size) in places.into_iter().zip(sizes) {
                let own = match &mut answers {
                    Ok(answers) => answers.take(size).collect(),
                    Err(failure) => vec![Err(failure.clone()); size],
                };
                if let Some(slot) = found.get_mut(place) {
                    *slot = own;
                }
            }
        }
        found.into_iter().flatten().collect()
    }

    async fn groups(&self, asks: Vec<Ask>) -> Vec<Group> {
        let nodes = match self.nodes.load_full() {
            Some(nodes) => nodes,
            None => self.find_nodes().await,
        };
        let mut groups: HashMap<Result<usize, usize>, Group> = HashMap::new();
        for (place, ask) in asks.into_iter().enumerate() {
            // A slot that nobody is known to hold goes alone.
            let node = nodes.get(&Slot::for_key(&ask.key)).copied().ok_or(place);
            let group = groups
                .entry(node)
                .or_insert_with(|| Group { places: Vec::new(), asks: Vec::new() });
            group.places.push(place);
            group.asks.push(ask);
        }
        groups.into_values().collect()
    }

    async fn group(&self, asks: Vec<Ask>, who: Who) -> Result<Answers, Failure> {
        match self.pipe(asks.clone(), who).await {
            Ok(answers) => Ok(answers),
            Err(error) if asks.len() > 1 && is_elsewhere(&error) => {
                self.nodes.store(None);
                let calls = asks.into_iter().map(|ask| async move {
                    let size = ask.commands.len();
                    let answers = self.pipe(vec![ask], who).await;
                    answers.unwrap_or_else(|error| vec![Err(error.into()); size])
                });
                Ok(join_all(calls).await.into_iter().flatten().collect())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One pipeline to the node of the first key.
    async fn pipe(&self, asks: Vec<Ask>, who: Who) -> Result<Answers, RedisError> {
        let Some(first) = asks.first() else { return Ok(Vec::new()) };
        let who = match who {
            Who::Primary => SlotAddr::Master,
            Who::Anybody => SlotAddr::ReplicaOptional,
        };
        let route = SingleNodeRoutingInfo::SpecificNode(Route::with_key(&first.key, who));
        let pipeline = pipeline(asks);
        let count = pipeline.len();
        let answers = self.connection.clone().route_pipeline(pipeline, 0, count, route).await?;
        checked(answers, count)
            .map_err(|_| RedisError::from((ErrorKind::Parse, "answers and commands differ")))
    }

    /// A slot of each primary, and which slots it has.
    pub(super) async fn primaries(&self, limit: Duration) -> Result<Vec<(Slot, String)>, Failure> {
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("SLOTS");
        let anybody = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
        let Value::Array(ranges) = self.route(ask, anybody, limit).await? else {
            return Err(Failure::Client("protocol error"));
        };
        let nodes = read_slots(ranges);
        // Whoever answers, they come in the order of their slots.
        let mut primaries: Vec<(usize, Slot, String)> = Vec::new();
        let mut before = None;
        for number in 0..SLOTS {
            let slot = Slot::new(number);
            let held = slot.and_then(|slot| Some((slot, *nodes.get(&slot)?)));
            let node = held.map(|(_, node)| node);
            if let Some((slot, node)) = held.filter(|_| node != before) {
                match primaries.iter_mut().find(|(own, ..)| *own == node) {
                    Some((_, _, ranges)) => ranges.push_str(&format!("+{number}")),
                    None => primaries.push((node, slot, format!("+{number}"))),
                }
            }
            before = node;
        }
        if primaries.is_empty() {
            return Err(Failure::Client("no server of the cluster holds slots"));
        }
        Ok(primaries.into_iter().map(|(_, slot, ranges)| (slot, ranges)).collect())
    }

    /// One command to the primary of a slot.
    pub(super) async fn ask(
        &self,
        slot: Slot,
        command: Cmd,
        limit: Duration,
    ) -> Result<Value, Failure> {
        let route = Route::with_slot(slot, SlotAddr::Master);
        let route = RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(route));
        self.route(command, route, limit).await
    }

    async fn route(
        &self,
        command: Cmd,
        route: RoutingInfo,
        limit: Duration,
    ) -> Result<Value, Failure> {
        let mut connection = self.connection.clone();
        let answer = timeout(limit, connection.route_command(command, route)).await;
        Ok(answer.map_err(|_| Failure::Deadline(limit))??)
    }

    /// Without an answer every key goes alone.
    async fn find_nodes(&self) -> Arc<Nodes> {
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("SLOTS");
        let anybody = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
        let nodes = match self.connection.clone().route_command(ask, anybody).await {
            Ok(Value::Array(ranges)) => read_slots(ranges),
            Ok(_) | Err(_) => Nodes::new(),
        };
        let nodes = Arc::new(nodes);
        if !nodes.is_empty() {
            self.nodes.store(Some(Arc::clone(&nodes)));
        }
        nodes
    }
}

/// The keys of the group are with several nodes, or their node is another one now.
fn is_elsewhere(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, CrossSlot, Moved, ReadOnly, TryAgain};
    matches!(error.kind(), ErrorKind::Server(Ask | Moved | TryAgain | CrossSlot | ReadOnly))
}

/// `CLUSTER SLOTS`: for each range its first and last slot, its primary, its replicas.
fn read_slots(ranges: Vec<Value>) -> Nodes {
    let mut primaries: Vec<Value> = Vec::new();
    let mut nodes = Nodes::new();
    for range in ranges {
        let Value::Array(range) = range else { continue };
        let mut range = range.into_iter();
        let (Some(Value::Int(first)), Some(Value::Int(last)), Some(primary)) =
            (range.next(), range.next(), range.next())
        else {
            continue;
        };
        let known = primaries.iter().position(|known| *known == primary);
        let node = known.unwrap_or(primaries.len());
        if known.is_none() {
            primaries.push(primary);
        }
        let slots = (first..=last).filter_map(|slot| Slot::new(u16::try_from(slot).ok()?));
        nodes.extend(slots.map(|slot| (slot, node)));
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read_by_their_primary() {
        let node =
            |port| Value::Array(vec![Value::BulkString(b"127.0.0.1".to_vec()), Value::Int(port)]);
        let range = |first, last, port| {
            Value::Array(vec![Value::Int(first), Value::Int(last), node(port), node(9)])
        };
        let wrong = Value::Array(vec![Value::Int(1)]);
        let nodes = read_slots(vec![range(0, 9, 1), range(10, 19, 2), wrong, range(30, 30, 1)]);
        let of = |slot| nodes.get(&Slot::new(slot).unwrap()).copied();
        assert_eq!(
            [of(0), of(9), of(10), of(19), of(20), of(30)],
            [Some(0), Some(0), Some(1), Some(1), None, Some(0)]
        );
        assert_eq!(nodes.len(), 21);
    }
}
