//! Envoy, as its admin interface shows it: does it reach masker, has it the second
//! lock, and do the clocks agree?

use std::io;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Limited;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::cli::doctor::Finding;
use crate::cli::doctor::bad;
use crate::cli::doctor::good;
use crate::cli::doctor::note;
use crate::listen::Address;
use crate::telemetry::utc;

const PATIENCE: Duration = Duration::from_secs(10);
const STATS: &str = "/stats?filter=rbac%7Cext_proc%7Cmembership_healthy";
/// All of Envoy's numbers are shorter.
const LONGEST: usize = 8 << 20;
/// Seconds that the clocks may differ by.
const APART: u64 = 60;

/// What was answered, and when by the clock of who answered.
pub(super) struct Shown {
    pub(super) text: String,
    date: Option<u64>,
}

pub(super) async fn examine(address: &Address, now: SystemTime) -> Vec<Finding> {
    let shown = match timeout(PATIENCE, fetch(address, STATS)).await {
        Ok(Ok(shown)) => shown,
        Ok(Err(why)) => return vec![unreachable(address, &why)],
        Err(_) => return vec![unreachable(address, "no answer in time")],
    };
    let mut found = vec![good(format!("envoy: answers at {address}"))];
    found.extend(about(&shown.text));
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    found.extend(shown.date.map(|date| clock(date, now)));
    found
}

fn unreachable(address: &Address, why: &str) -> Finding {
    let what = format!("envoy: {address} cannot be asked: {why}");
    bad(what, "start Envoy; --envoy names its admin interface, which must allow /stats")
}

/// One page, without TLS.
pub(super) async fn fetch(address: &Address, path: &str) -> Result<Shown, String> {
    let text = |error: io::Error| error.to_string();
    match address {
        Address::Tcp(address) => get(TcpStream::connect(address).await.map_err(text)?, path).await,
        Address::Unix(socket) => get(UnixStream::connect(socket).await.map_err(text)?, path).await,
    }
}

async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
) -> Result<Shown, String> {
    let text = |error: hyper::Error| error.to_string();
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(text)?;
    let driven = tokio::spawn(connection);
    let request = Request::get(path).header(header::HOST, "localhost").body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let (head, body) = sender.send_request(request).await.map_err(text)?.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map_err(|error| error.to_string())?;
    driven.abort();
    if !head.status.is_success() {
        return Err(format!("it says {}", head.status));
    }
    let date = head.headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(Shown { text, date: date.and_then(utc::http_date) })
}

/// The sum of the numbers whose names end so; none if there is no such number.
fn sum(stats: &str, end: &str) -> Option<u64> {
    let named = stats.lines().filter_map(|line| line.split_once(": "));
    let values = named.filter(|(name, _)| name.ends_with(end));
    values.filter_map(|(_, value)| value.trim().parse::<u64>().ok()).reduce(u64::saturating_add)
}

fn about(stats: &str) -> Vec<Finding> {
    let number = |end| sum(stats, end);
    let filter = match number(".ext_proc.masker.streams_started") {
        None => bad(
            "envoy: no listener hands requests to masker (ext_proc, stat_prefix masker)",
            "use a configuration of scripts/gateway.py or envoy/",
        ),
        Some(streams) => good(format!("envoy: has handed {streams} requests to masker")),
    };
    let lock = match (number(".rbac.allowed"), number(".rbac.denied")) {
        (_, None) | (None, _) => bad(
            "envoy: there is no second lock (rbac) that refuses what has no proof of masking",
            "put the filter rbac of envoy/envoy.yaml behind ext_proc",
        ),
        (_, Some(0)) => good("envoy: the second lock is there and had nothing to refuse"),
        (_, Some(denied)) => note(
            format!("envoy: the second lock refused {denied} requests without a proof"),
            "nothing leaked; was masker changed, or a filter put between the two?",
        ),
    };
    let mut found = vec![filter, lock];
    if let Some(let_through @ 1..) = number(".ext_proc.masker.failure_mode_allowed") {
        found.push(bad(
            format!("envoy: {let_through} requests went past a masker that failed"),
            "set failure_mode_allow: false in the filter ext_proc",
        ));
    }
    found.push(match number("cluster.masker.membership_healthy") {
        Some(0) => bad("envoy: no masker is healthy", "start masker; /readyz says what it lacks"),
        Some(count) => good(format!("envoy: {count} maskers are healthy")),
        None => note(
            "envoy: there is no cluster `masker`, so its health is not seen",
            "name the cluster so, as in envoy/envoy.yaml",
        ),
    });
    found
}

fn clock(theirs: u64, ours: u64) -> Finding {
    let apart = theirs.abs_diff(ours);
    let what = format!("clock: {apart} s beside Envoy's");
    if apart > APART { bad(what, "set the clocks by NTP, on both machines") } else { good(what) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::doctor::Level;

    const WELL: &str = "cluster.masker.membership_healthy: 1\n\
        http.gateway.ext_proc.masker.failure_mode_allowed: 0\n\
        http.gateway.ext_proc.masker.streams_started: 7\n\
        http.gateway.rbac.allowed: 7\n\
        http.gateway.rbac.denied: 0\n";

    #[test]
    fn each_fault_is_named_with_a_remedy() {
        assert!(about(WELL).iter().all(|finding| finding.level == Level::Good));
        let without = |name: &str| {
            let kept: Vec<_> = WELL.lines().filter(|line| !line.contains(name)).collect();
            kept.join("\n")
        };
        for (stats, level, words) in [
            (without("streams_started"), Level::Bad, "no listener hands requests"),
            (without("rbac"), Level::Bad, "no second lock"),
            (without("membership"), Level::Note, "no cluster `masker`"),
            (WELL.replace("denied: 0", "denied: 3"), Level::Note, "refused 3 requests"),
            (WELL.replace("allowed: 0", "allowed: 2"), Level::Bad, "2 requests went past"),
            (WELL.replace("healthy: 1", "healthy: 0"), Level::Bad, "no masker is healthy"),
        ] {
            let found = about(&stats);
            let wrong: Vec<_> = found.iter().filter(|own| own.level != Level::Good).collect();
            assert_eq!((wrong.len(), wrong[0].level), (1, level), "{found:?}");
            assert!(wrong[0].what.contains(words) && wrong[0].remedy.is_some(), "{found:?}");
        }
    }

    #[test]
    fn clocks_may_differ_a_little() {
        assert_eq!(clock(1000, 1060).level, Level::Good);
        assert_eq!(clock(1061, 1000).level, Level::Bad);
    }
}
