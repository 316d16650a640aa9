//! The whole store, page by page: to count, move and delete what it holds.
//!
//! What is read and written is sealed, as it is stored. A server is looked
//! through with `SCAN`, which gives all that is there from begin to end; what
//! is written or ends meanwhile may be given or not.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{Cmd, Value};
use thiserror::Error;

use crate::mask::conversation::RecordKey;
use crate::mask::{MasterKey, Scope, Tenant};
use crate::store::batch::StoreKey;
use crate::store::config::{Backend, RedisConfig, StoreConfig};
use crate::store::record::Seal;
use crate::store::redis::{Failure, FileError, Holder, Link, Target};
use crate::store::seal::{self, Sealer};

/// Nobody waits for an answer but the operator.
const LIMIT: Duration = Duration::from_secs(10);
/// So many keys of a server's table are looked at in one step.
const STEP: u32 = 500;
const ALL: &str = "m1:*";

#[derive(Debug, Error)]
pub enum BulkError {
    #[error(
        "the memory store holds nothing outside of the process that serves: set store.url, MASKER_STORE or --store to a Redis"
    )]
    Memory,
    #[error("mapping store: {0}")]
    File(#[from] FileError),
    #[error("the mapping store (store.url) does not do it: {0}{1}")]
    Failed(String, &'static str),
    #[error(
        "the servers of the store changed meanwhile (a restart, a failover or slots that moved): begin again"
    )]
    Moved,
}

impl From<Failure> for BulkError {
    fn from(failure: Failure) -> Self {
        let remedy = match &failure {
            Failure::Refused(code) if &**code == "NOPERM" => {
                "; the user needs SCAN, DBSIZE, PTTL and DEL beside what masker needs to serve"
            }
            Failure::Refused(code) if matches!(&**code, "NOAUTH" | "WRONGPASS") => {
                "; the user or the password in store.url or store.password_file is wrong"
            }
            Failure::Connection(_) | Failure::Deadline(_) => {
                "; is it running there? `masker doctor` says what it finds"
            }
            _ => "",
        };
        Self::Failed(failure.to_string(), remedy)
    }
}

/// How far it was looked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub server: usize,
    pub cursor: u64,
}

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Mapping,
    Record,
}

/// A sealed value under its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub key: String,
    pub sealed: Vec<u8>,
    /// How long it still lives; none if it never ends.
    pub left: Option<Duration>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, {} bytes)", self.key, self.sealed.len())
    }
}

impl Row {
    /// None: not a key of masker's.
    #[must_use]
    pub fn own(&self) -> Option<Own> {
        parse(&self.key).map(|(own, _)| own)
    }

    /// The number of the key that sealed it.
    #[must_use]
    pub fn seal_id(&self) -> Option<u8> {
        match self.own()? {
            Own::Mapping => seal::id(&self.sealed),
            Own::Record => self.sealed.get(1).copied(),
        }
    }

    /// Was it sealed for this tenant?
    fn is_of(&self, scope: &Scope) -> bool {
        match parse(&self.key) {
            Some((Own::Mapping, key)) => Sealer::new(scope).open(&key, &self.sealed).is_ok(),
            Some((Own::Record, key)) => {
                Seal::new(scope).open(RecordKey(key), &self.sealed).is_some()
            }
            None => false,
        }
    }
}

/// Nothing in a key shows whose it is: only the tenant's own keys open the value.
#[must_use]
pub fn of_tenant(rows: Vec<Row>, master: &MasterKey, tenant: &Tenant) -> Vec<Row> {
    let scope = master.scope(tenant);
    rows.into_iter().filter(|row| row.is_of(&scope)).collect()
}

/// `m1:…` or `m1:r:…`, and nothing else that stands beside them.
fn parse(key: &str) -> Option<(Own, StoreKey)> {
    let rest = key.strip_prefix("m1:")?;
    let (own, text) = match rest.strip_prefix("r:") {
        Some(text) => (Own::Record, text),
        None => (Own::Mapping, rest),
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some((own, bytes.try_into().ok()?))
}

/// A connection of its own: no exchange waits for what is done here.
#[derive(Debug)]
pub struct Bulk {
    link: Link,
    holders: Vec<Holder>,
    ttl: Duration,
}

impl Bulk {
    pub async fn open(config: &StoreConfig) -> Result<Self, BulkError> {
        let Backend::Redis(redis) = &config.backend else { return Err(BulkError::Memory) };
        let target = Target {
            redis: RedisConfig::clone(redis),
            connect_timeout: config.connect_timeout,
            deadline: LIMIT,
            ttl: config.ttl,
            lasting_ttl: config.lasting_ttl,
        };
        let link = Link::new(target).await?;
        let holders = link.holders(LIMIT).await?;
        Ok(Self { link, holders, ttl: config.ttl })
    }

    #[must_use]
    pub fn servers(&self) -> usize {
        self.holders.len()
    }

    /// Which runs of which servers these are: a [`Place`] is of use only there.
    #[must_use]
    pub fn run(&self) -> String {
        let runs: Vec<_> = self.holders.iter().map(|holder| holder.run.as_str()).collect();
        runs.join(",")
    }

    /// About how many keys there are, others' too.
    pub async fn size(&self) -> Result<u64, BulkError> {
        let mut size = 0_u64;
        for holder in &self.holders {
            let own = number(&self.link.ask(holder, redis::cmd("DBSIZE"), LIMIT).await?)?;
            size = size.saturating_add(u64::try_from(own).unwrap_or_default());
        }
        Ok(size)
    }

    /// The next rows, and where to go on; none at the end.
    pub async fn page(&self, at: Place) -> Result<(Vec<Row>, Option<Place>), BulkError> {
        self.scan(at, ALL, |key| parse(key).is_some()).await
    }

    /// The same for keys of this pattern that are wanted.
    pub(crate) async fn scan(
        &self,
        at: Place,
        pattern: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(Vec<Row>, Option<Place>), BulkError> {
        let Some(holder) = self.holders.get(at.server) else { return Ok((Vec::new(), None)) };
        let mut scan = redis::cmd("SCAN");
        scan.arg(at.cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
        let (cursor, mut keys) = scanned(self.link.ask(holder, scan, LIMIT).await?)?;
        keys.retain(|key| wanted(key));
        let rows = self.rows(keys).await?;
        let server = if cursor == 0 { at.server.saturating_add(1) } else { at.server };
        let next = (server < self.holders.len()).then_some(Place { server, cursor });
        if next.is_none() && self.link.holders(LIMIT).await? != self.holders {
            return Err(BulkError::Moved);
        }
        Ok((rows, next))
    }

    /// What stands under these keys.
    pub(crate) async fn rows(&self, keys: Vec<String>) -> Result<Vec<Row>, BulkError> {
        let ask = |key: &String| {
            let mut get = redis::cmd("GET");
            get.arg(key);
            let mut left = redis::cmd("PTTL");
            left.arg(key);
            (key.clone(), vec![get, left])
        };
        let answers = self.link.each(keys.iter().map(ask).collect(), LIMIT).await?;
        let mut answers = answers.into_iter();
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let (Some(sealed), Some(left)) = (answers.next(), answers.next()) else {
                return Err(Failure::Client("protocol error").into());
            };
            let left = number(&left?)?;
            // -1: it never ends; -2: it has ended since.
            if let (Value::BulkString(sealed), -1..) = (sealed?, left) {
                let left = u64::try_from(left).ok().map(Duration::from_millis);
                rows.push(Row { key, sealed, left });
            }
        }
        Ok(rows)
    }

    /// Writes what is not there yet, with the life that it has left, and says how much that was.
    pub async fn write(&self, rows: &[Row]) -> Result<u64, BulkError> {
        let set = |row: &Row| {
            let left = row.left.unwrap_or(self.ttl).max(Duration::from_millis(1)).as_millis();
            let mut set = Cmd::with_capacity(6, 64 + row.sealed.len());
            set.arg("SET").arg(&row.key).arg(&row.sealed).arg("NX");
            set.arg("PX").arg(u64::try_from(left).unwrap_or(u64::MAX));
            (row.key.clone(), vec![set])
        };
        let answers = self.link.each(rows.iter().map(set).collect(), LIMIT).await?;
        let mut new = 0;
        for answer in answers {
            new += u64::from(answer? != Value::Nil);
        }
        Ok(new)
    }

    /// Deletes, and says how many were still there.
    pub async fn delete(&self, rows: &[Row]) -> Result<u64, BulkError> {
        let delete = |row: &Row| {
            let mut delete = redis::cmd("DEL");
            delete.arg(&row.key);
            (row.key.clone(), vec![delete])
        };
        let answers = self.link.each(rows.iter().map(delete).collect(), LIMIT).await?;
        let mut gone = 0_u64;
        for answer in answers {
            gone = gone.saturating_add(u64::try_from(number(&answer?)?).unwrap_or_default());
        }
        Ok(gone)
    }
}

fn number(value: &Value) -> Result<i64, Failure> {
    match value {
        Value::Int(number) => Ok(*number),
        _ => Err(Failure::Client("protocol error")),
    }
}

/// The cursor to go on with, and the keys. A key that is no text is not ours.
fn scanned(value: Value) -> Result<(u64, Vec<String>), Failure> {
    let wrong = || Failure::Client("protocol error");
    let Value::Array(parts) = value else { return Err(wrong()) };
    let Ok([Value::BulkString(cursor), Value::Array(keys)]) = <[Value; 2]>::try_from(parts) else {
        return Err(wrong());
    };
    let cursor = std::str::from_utf8(&cursor).ok().and_then(|text| text.parse().ok());
    let text = |key| match key {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    };
    Ok((cursor.ok_or_else(wrong)?, keys.into_iter().filter_map(text).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_keys_are_taken() {
        let text = URL_SAFE_NO_PAD.encode([7; 16]);
        assert_eq!(parse(&format!("m1:{text}")), Some((Own::Mapping, [7; 16])));
        assert_eq!(parse(&format!("m1:r:{text}")), Some((Own::Record, [7; 16])));
        for other in ["m1:check", "m1:probe", "m1:r:check", &text, "m1:", &format!("m1:x{text}")] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_step_is_read() {
        let bytes = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let step = |cursor, keys| Value::Array(vec![cursor, Value::Array(keys)]);
        let keys = vec![bytes("m1:a"), Value::BulkString(vec![0xFF])];
        assert_eq!(scanned(step(bytes("42"), keys)), Ok((42, vec!["m1:a".to_owned()])));
        for wrong in [Value::Nil, step(bytes("x"), vec![]), Value::Array(vec![bytes("1")])] {
            assert!(scanned(wrong).is_err());
        }
    }
}
