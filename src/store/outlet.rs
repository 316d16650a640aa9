//! A connection of its own to the Redis that holds the mappings, for what is told to others:
//! whatever happens to it, mappings do not wait.

use std::time::Duration;

use redis::{Cmd, Value};
use thiserror::Error;
use tokio::time::timeout;

use crate::store::OpenError;
use crate::store::config::{Backend, RedisConfig, StoreConfig};
use crate::store::redis::{Failure, Link, Target};

/// What another connection may be told otherwise: by another server, or with what the password
/// file holds by now.
const RENEWED: [&str; 6] =
    ["READONLY", "NOAUTH", "WRONGPASS", "LOADING", "MASTERDOWN", "CLUSTERDOWN"];

/// What failed. Holds no text of a message.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("Redis: {0}")]
pub struct OutletError(Failure);

#[derive(Debug)]
pub struct Outlet {
    link: Link,
    limit: Duration,
}

impl Outlet {
    /// None: the store is not in Redis. One that is down is found later.
    pub async fn open(config: &StoreConfig) -> Result<Option<Self>, OpenError> {
        let Backend::Redis(redis) = &config.backend else { return Ok(None) };
        let limit = config.connect_timeout.max(config.deadline);
        let target = Target {
            redis: RedisConfig::clone(redis),
            connect_timeout: config.connect_timeout,
            deadline: limit,
            ttl: config.ttl,
            lasting_ttl: config.lasting_ttl,
        };
        let link = Link::new(target).await?;
        Ok(Some(Self { link, limit }))
    }

    /// Tells who listens to these channels now, in one round trip.
    pub async fn publish(&self, messages: &[(&'static str, String)]) -> Result<(), OutletError> {
        let publish = |(channel, text): &(&'static str, String)| {
            let mut publish = redis::cmd("PUBLISH");
            publish.arg(*channel).arg(text);
            ((*channel).to_owned(), vec![publish])
        };
        self.call(messages.iter().map(publish).collect()).await.map(drop)
    }

    /// Appends to a stream, which forgets the oldest above about `most`.
    pub async fn append(
        &self,
        key: &str,
        most: u64,
        fields: &[(&str, &str)],
    ) -> Result<(), OutletError> {
        let mut add = redis::cmd("XADD");
        add.arg(key).arg("MAXLEN").arg("~").arg(most).arg("*").arg(fields);
        self.call(vec![(key.to_owned(), vec![add])]).await.map(drop)
    }

    /// All of a stream: fields and values of each entry in turn.
    pub async fn range(
        &self,
        key: &str,
        from: &str,
        count: usize,
    ) -> Result<Vec<Entry>, OutletError> {
        let mut range = redis::cmd("XRANGE");
        range.arg(key).arg(from).arg("+").arg("COUNT").arg(count);
        let answers = self.call(vec![(key.to_owned(), vec![range])]).await?;
        let value = answers.into_iter().next().unwrap_or(Value::Nil);
        let read: Vec<(String, Vec<(String, String)>)> = redis::from_redis_value(value)
            .map_err(|_| OutletError(Failure::Client("protocol error")))?;
        Ok(read)
    }

    async fn call(&self, commands: Vec<(String, Vec<Cmd>)>) -> Result<Vec<Value>, OutletError> {
        let called = timeout(self.limit, self.link.each(commands, self.limit)).await;
        let result = called.unwrap_or(Err(Failure::Deadline(self.limit)));
        let answers = result.and_then(|answers| answers.into_iter().collect());
        // Another server may be the primary by now; what hangs is left behind. A command that
        // this user may not send is refused by the next connection too.
        let renew = match &answers {
            Err(Failure::Refused(code)) => RENEWED.contains(&code.as_ref()),
            answers => answers.is_err(),
        };
        if renew {
            self.link.renew().await.ok();
        }
        answers.map_err(OutletError)
    }
}

/// The id of an entry, and its fields.
pub type Entry = (String, Vec<(String, String)>);
