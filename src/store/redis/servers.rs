//! Every server that holds keys, one after the other: what looks through the
//! whole store asks each of them for its own.

use std::time::Duration;

use redis::cluster_routing::Slot;
use redis::{Cmd, Value};

use crate::store::redis::line::{Answers, Ask, Line, Who};
use crate::store::redis::{Failure, Link};

/// A server that holds keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// One of its slots, in a cluster.
    slot: Option<Slot>,
    /// Which run of which server this is, and what it holds: a cursor is of use there only.
    pub(crate) run: String,
}

impl Link {
    /// All that hold keys. Where the server does not tell its run, a restart goes unnoticed.
    pub(crate) async fn holders(&self, limit: Duration) -> Result<Vec<Holder>, Failure> {
        let found = match self.line()? {
            Line::One { .. } | Line::Replicated(_) => vec![(None, String::new())],
            Line::Cluster(cluster) => {
                let of = |(slot, ranges)| (Some(slot), ranges);
                cluster.primaries(limit).await?.into_iter().map(of).collect()
            }
        };
        let mut holders = Vec::with_capacity(found.len());
        for (slot, ranges) in found {
            let mut holder = Holder { slot, run: ranges };
            let mut info = redis::cmd("INFO");
            info.arg("server");
            let told = self.ask(&holder, info, limit).await;
            if let Some(facts) = told.ok().and_then(super::Facts::read) {
                holder.run = format!("{}{}", facts.run, holder.run);
            }
            holders.push(holder);
        }
        Ok(holders)
    }

    /// One command to one of them.
    pub(crate) async fn ask(
        &self,
        holder: &Holder,
        command: Cmd,
        limit: Duration,
    ) -> Result<Value, Failure> {
        match (self.line()?, holder.slot) {
            (Line::Cluster(cluster), Some(slot)) => cluster.ask(slot, command, limit).await,
            _ => self.raw("", command, limit).await,
        }
    }

    /// Commands of many keys, each to where its key is. One answer for each, in order.
    pub(crate) async fn each(
        &self,
        commands: Vec<(String, Vec<Cmd>)>,
        limit: Duration,
    ) -> Result<Answers, Failure> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let asks = commands.into_iter().map(|(key, commands)| Ask { key, commands }).collect();
        self.line()?.send(asks, Who::Primary, limit).await
    }
}
