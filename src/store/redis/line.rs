//! What a call goes over: one server, one with a replica to read from, or the
//! nodes of a cluster.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{Cmd, Pipeline, Value};

use crate::store::redis::Failure;
use crate::store::redis::cluster::Cluster;
use crate::store::redis::sentinel::Watch;

/// Commands of one key, which travel together.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) key: String,
    pub(super) commands: Vec<Cmd>,
}

/// One for each command, in order.
pub(super) type Answers = Vec<Result<Value, Failure>>;

#[derive(Clone)]
pub(super) enum Line {
    One { primary: ConnectionManager, watch: Option<Arc<Watch>> },
    Replicated(Replicated),
    Cluster(Cluster),
}

#[derive(Clone)]
pub(super) struct Replicated {
    pub(super) primary: ConnectionManager,
    pub(super) replica: ConnectionManager,
    pub(super) watch: Option<Arc<Watch>>,
}

/// Who may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Primary,
    /// A replica, which may not know the newest.
    Anybody,
}

impl Line {
    /// Are there replicas to read from?
    pub(super) const fn has_replicas(&self) -> bool {
        match self {
            Self::One { .. } => false,
            Self::Replicated(_) => true,
            Self::Cluster(cluster) => cluster.reads_from_replicas(),
        }
    }

    pub(super) fn watch(&self) -> Option<Arc<Watch>> {
        match self {
            Self::One { watch, .. } | Self::Replicated(Replicated { watch, .. }) => watch.clone(),
            Self::Cluster(_) => None,
        }
    }

    /// One round trip to each server that is concerned.
    pub(super) async fn send(
        &self,
        asks: Vec<Ask>,
        who: Who,
        limit: Duration,
    ) -> Result<Answers, Failure> {
        match (self, who) {
            (Self::One { primary, .. }, _)
            | (Self::Replicated(Replicated { primary, .. }), Who::Primary) => {
                send(primary.clone(), asks).await
            }
            (Self::Replicated(Replicated { replica, .. }), Who::Anybody) => {
                send(replica.clone(), asks).await
            }
            (Self::Cluster(cluster), who) => Ok(cluster.send(asks, who, limit).await),
        }
    }
}

async fn send(mut connection: ConnectionManager, asks: Vec<Ask>) -> Result<Answers, Failure> {
    let pipeline = pipeline(asks);
    let expected = pipeline.len();
    let answers: Vec<Value> = pipeline.query_async(&mut connection).await?;
    checked(answers, expected)
}

pub(super) fn pipeline(asks: impl IntoIterator<Item = Ask>) -> Pipeline {
    let mut pipeline = Pipeline::new();
    for command in asks.into_iter().flat_map(|ask| ask.commands) {
        pipeline.add_command(command);
    }
    pipeline.ignore_errors();
    pipeline
}

/// Tells errors of single commands from answers.
pub(super) fn checked(answers: Vec<Value>, expected: usize) -> Result<Answers, Failure> {
    if answers.len() != expected {
        return Err(Failure::Client("protocol error"));
    }
    let check = |answer| match answer {
        Value::ServerError(error) => Err(Failure::Refused(error.code().into())),
        other => Ok(other),
    };
    Ok(answers.into_iter().map(check).collect())
}
