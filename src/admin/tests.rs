//! The admin listener over real sockets, and the API's limits on a paused clock.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use ::http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::transport::Channel;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use super::core::{Answer, Core, CoreError, Document, Format, MaskedText, UnmaskedText};
use super::proto::masker_client::MaskerClient;
use super::*;
use crate::breaker::State;
use crate::listen::{self, Listen};
use crate::mask::{Mapping, MasterKey, Placeholder, Tenant, placeholder};
use crate::mode::{Mode, Modes, Order};
use crate::telemetry::Metrics;
use crate::telemetry::alerts::{Facts, Thresholds};

const VALUE: &str = "i-0123456789abcdef0";
const TOKEN: &str = token::tests::TOKEN;

/// Knows one value.
struct OneValue(MasterKey);

impl OneValue {
    fn mapping(&self, tenant: &Tenant) -> Mapping {
        self.0.scope(tenant).mapping(false, "EC2", VALUE)
    }
}

fn decoded(format: Format, content: &str) -> Result<String, CoreError> {
    match format {
        Format::Text => Ok(content.to_owned()),
        Format::Json => serde_json::from_str(content)
            .map_err(|error| CoreError::Refused(format!("no JSON at {}", error.column()))),
    }
}

impl Core for OneValue {
    fn mask<'a>(&'a self, document: Document<'a>) -> Answer<'a, MaskedText> {
        Box::pin(async move {
            let text = decoded(document.format, document.text)?;
            let count = text.matches(VALUE).count() as u64;
            let text = text.replace(VALUE, self.mapping(&document.tenant).placeholder.as_str());
            let findings = BTreeMap::from([("EC2".to_owned(), count)]);
            Ok(MaskedText { content: text.into_bytes(), findings })
        })
    }

    fn unmask<'a>(&'a self, document: Document<'a>) -> Answer<'a, UnmaskedText> {
        Box::pin(async move {
            let text = decoded(document.format, document.text)?;
            let mapping = self.mapping(&document.tenant);
            let all = placeholder::spans(&text).len() as u64;
            let restored = text.matches(mapping.placeholder.as_str()).count() as u64;
            let text = text.replace(mapping.placeholder.as_str(), mapping.value.expose());
            Ok(UnmaskedText { content: text.into_bytes(), restored, unknown: all - restored })
        })
    }
}

/// A machine of its own, whose clock stands still.
fn order() -> Arc<dyn Fn(Order) -> Result<mode::View, mode::Refused> + Send + Sync> {
    let bypass = Some(Duration::from_secs(60));
    let modes = Mutex::new(Modes::new(mode::Settings { bypass, ..Default::default() }));
    Arc::new(move |order| {
        let mut modes = modes.lock().unwrap();
        modes.order(order, Duration::ZERO)?;
        Ok(modes.view(Duration::ZERO, State::Closed))
    })
}

fn control(dir: &TempDir) -> Control {
    let path = dir.path().join("token");
    token::tests::write(&path, TOKEN, 0o600);
    let key = MasterKey::parse(&(0..32).collect::<Vec<u8>>()).unwrap();
    Control {
        status: Arc::new(|| Status {
            version: "0.1.0",
            mode: mode::View { mode: Mode::Degraded, cause: Some(mode::Cause::Store), left: None },
            backend: "redis",
            breaker: "open",
            queued: 3,
            exchanges: 4,
            buffered_bytes: 5,
            buffered_bytes_limit: 6,
            uptime: Duration::from_millis(7999),
            classes: 8,
        }),
        order: order(),
        readiness: Arc::new(Vec::new),
        metrics: Arc::new(|| Ok("# EOF\n".to_owned())),
        core: Arc::new(OneValue(key)),
        watch: watch(),
        recent: Recent::default(),
        journal: Journal::default(),
        reload: mpsc::channel(1).0,
        log: log_switch(),
        token: Token::load(&path).unwrap(),
        limits: Limits::default(),
    }
}

fn service(control: &Control) -> grpc::Service {
    grpc::service(control, grpc::Guard::new(control))
}

fn log_switch() -> Switch {
    let (switch, filter) = Switch::new("info");
    // In use as long as the test runs.
    std::mem::forget(filter);
    switch
}

fn watch() -> Watch {
    let metrics = Metrics::new(&mut Registry::default());
    let look = Arc::new(|| Facts {
        breaker: State::Closed,
        mode: Mode::Normal,
        critical: vec!["ACCESS_KEY".into()],
    });
    Watch::new(metrics, Thresholds::default(), look, time::Instant::now())
}

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<Result<(), AdminError>>,
}

async fn run(control: Control) -> Running {
    let listen = Listen { address: "127.0.0.1:0".parse().unwrap(), tls: None };
    let bound = listen::bind(&listen).await.unwrap();
    let address = bound.socket_addr().unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(bound, control, stop.clone().cancelled_owned()));
    Running { address, stop, server }
}

impl Running {
    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn client(&self) -> MaskerClient<Channel> {
        MaskerClient::new(self.channel().await)
    }

    async fn get(&self, path: &str) -> (StatusCode, String, String) {
        self.send(Request::get(path).header("host", "masker").body(String::new()).unwrap()).await
    }

    async fn send(&self, request: Request<String>) -> (StatusCode, String, String) {
        let stream = TokioIo::new(TcpStream::connect(self.address).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        drop(sender);
        connection.await.unwrap().unwrap();
        let kind = head.headers.get("content-type");
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
        (head.status, kind, String::from_utf8(body.into()).unwrap())
    }
}

fn with<T>(token: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

fn ask_mask(tenant: &str, content: &[u8]) -> proto::MaskRequest {
    let format = proto::Format::Text.into();
    proto::MaskRequest { tenant: tenant.to_owned(), format, content: content.to_vec() }
}

fn ask_unmask(format: proto::Format, content: &str) -> proto::UnmaskRequest {
    let (tenant, content) = ("team-a".to_owned(), content.into());
    proto::UnmaskRequest { tenant, format: format.into(), content }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// While one subscriber alone lives, a callsite first reached on another
    /// test's thread, where there is none, is off everywhere: so there are two.
    fn capture() -> (Self, (DefaultGuard, Dispatch)) {
        let second = Dispatch::new(tracing_subscriber::registry());
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (lines, (tracing::subscriber::set_default(subscriber), second))
    }

    fn all(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn audit(&self) -> Vec<String> {
        let all = self.all();
        all.lines().filter(|line| line.contains("masker::audit")).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn health_and_metrics_are_open() {
    let dir = TempDir::new().unwrap();
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&reasons);
    let readiness = Arc::new(move || told.lock().unwrap().clone());
    let running = run(Control { readiness, ..control(&dir) }).await;
    assert_eq!(running.get("/livez").await.0, StatusCode::OK);
    let json = "application/json".to_owned();
    let ready = r#"{"ready":true,"reasons":[]}"#.to_owned();
    assert_eq!(running.get("/readyz").await, (StatusCode::OK, json.clone(), ready));
    reasons.lock().unwrap().push("the store is unreachable".to_owned());
    let waits = r#"{"ready":false,"reasons":["the store is unreachable"]}"#.to_owned();
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(running.get("/readyz").await, (unavailable, json, waits));
    let (code, kind, text) = running.get("/metrics").await;
    assert_eq!((code, text.as_str()), (StatusCode::OK, "# EOF\n"));
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    assert_eq!(running.get("/else").await.0, StatusCode::NOT_FOUND);
    running.stop.cancel();
    running.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn documents_go_there_and_back_and_never_into_the_log() {
    let (lines, _guard) = Lines::capture();
    let dir = TempDir::new().unwrap();
    let running = run(control(&dir)).await;
    let mut client = running.client().await;
    let text = format!("stop {VALUE} now");
    let asked = with(TOKEN, ask_mask("team-a", text.as_bytes()));
    let masked = client.mask(asked).await.unwrap().into_inner();
    let shown = String::from_utf8(masked.content).unwrap();
    assert!(!shown.contains(VALUE), "{shown}");
    assert_eq!(masked.findings.get("EC2"), Some(&1));

    let both = format!("{shown} AWS_EC2_A00000000000");
    let asked = with(TOKEN, ask_unmask(proto::Format::Text, &both));
    let unmasked = client.unmask(asked).await.unwrap().into_inner();
    assert_eq!((unmasked.restored, unmasked.unknown), (1, 1));
    let content = String::from_utf8(unmasked.content).unwrap();
    assert_eq!(content, format!("{text} AWS_EC2_A00000000000"));

    let status = client.get_status(with(TOKEN, proto::GetStatusRequest {})).await.unwrap();
    let status = status.into_inner();
    assert_eq!((status.mode(), status.uptime_seconds), (proto::Mode::Degraded, 7));
    assert_eq!(status.store.unwrap().breaker, "open");

    let audit = lines.audit();
    assert_eq!(audit.len(), 3, "{audit:?}");
    for part in ["call=\"Unmask\"", "tenant=\"team-a\"", "peer=\"127.0.0.1:", "restored=1"] {
        assert!(audit[1].contains(part), "{part}: {}", audit[1]);
    }
    assert!(audit.iter().all(|line| line.contains("outcome=\"ok\"")), "{audit:?}");
    for secret in [VALUE, TOKEN, &text, &shown] {
        assert!(!audit.concat().contains(secret), "{audit:?}");
    }
    drop(client);
    running.stop.cancel();
    running.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn without_the_token_nothing_is_answered() {
    let (lines, _guard) = Lines::capture();
    let dir = TempDir::new().unwrap();
    let running = run(control(&dir)).await;
    let mut client = running.client().await;
    let wrong = TOKEN.replace("canary", "kanary");
    for request in
        [with(&wrong, proto::GetStatusRequest {}), tonic::Request::new(proto::GetStatusRequest {})]
    {
        let refused = client.get_status(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert!(!format!("{refused:?}").contains("0123456789abcdef"), "{refused:?}");
    }
    assert_eq!(lines.audit().len(), 2);
    assert!(lines.audit()[0].contains("outcome=\"unauthenticated\""));
    assert!(!lines.audit().concat().contains("0123456789abcdef"));

    let running = run(Control { token: Token::none(), ..control(&dir) }).await;
    let mut client = running.client().await;
    let asked = with(TOKEN, ask_unmask(proto::Format::Text, ""));
    let refused = client.unmask(asked).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("`token_file` under `[admin]`"), "{refused:?}");
}

#[tokio::test]
async fn bad_requests_are_refused_with_the_cause() {
    let dir = TempDir::new().unwrap();
    let limits = Limits { body: 100, ..Limits::default() };
    let mut client = MaskerClient::new(service(&Control { limits, ..control(&dir) }));
    let unspecified = proto::MaskRequest { format: 0, ..ask_mask("a", b"") };
    for (asked, part) in [
        (ask_mask("", b"x"), "a tenant's name has"),
        (ask_mask("a b", b"x"), "a tenant's name has"),
        (unspecified, "FORMAT_TEXT or FORMAT_JSON"),
        (ask_mask("a", b"ok\xff"), "not UTF-8 at byte 2"),
        (ask_mask("a", &[b'x'; 101]), "content has 101 bytes; at most 100"),
    ] {
        let refused = client.mask(with(TOKEN, asked)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(part), "{refused:?}");
    }
    let huge = with(TOKEN, ask_mask("a", &[b'x'; 10_000]));
    assert_eq!(client.mask(huge).await.unwrap_err().code(), Code::OutOfRange);
    let no_json = with(TOKEN, ask_unmask(proto::Format::Json, "{"));
    assert_eq!(client.unmask(no_json).await.unwrap_err().code(), Code::InvalidArgument);

    let limits = Limits { calls: 0, ..Limits::default() };
    let mut client = MaskerClient::new(service(&Control { limits, ..control(&dir) }));
    let refused = client.mask(with(TOKEN, ask_mask("a", b""))).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_call_that_is_given_up_is_in_the_audit_log() {
    struct Stuck;
    impl Core for Stuck {
        fn mask<'a>(&'a self, _: Document<'a>) -> Answer<'a, MaskedText> {
            Box::pin(std::future::pending())
        }
        fn unmask<'a>(&'a self, _: Document<'a>) -> Answer<'a, UnmaskedText> {
            Box::pin(std::future::pending())
        }
    }
    let (lines, _guard) = Lines::capture();
    let dir = TempDir::new().unwrap();
    let mut client =
        MaskerClient::new(service(&Control { core: Arc::new(Stuck), ..control(&dir) }));
    let call = client.unmask(with(TOKEN, ask_unmask(proto::Format::Text, "x")));
    // Polled once, then dropped.
    assert!(futures_util::FutureExt::now_or_never(call).is_none());
    let audit = lines.audit().concat();
    assert!(audit.contains("call=\"Unmask\"") && audit.contains("\"aborted\""), "{audit}");
}

#[tokio::test(start_paused = true)]
async fn unmask_is_limited_per_minute() {
    let dir = TempDir::new().unwrap();
    let limits = Limits { unmask_calls: 6, unmask_placeholders: 4, ..Limits::default() };
    let mut client = MaskerClient::new(service(&Control { limits, ..control(&dir) }));
    let mut unmask = async |format, text: &str| {
        client.unmask(with(TOKEN, ask_unmask(format, text))).await.map(drop)
    };
    let one = Placeholder::parse("AWS_EC2_A00000000000").unwrap();
    let text = proto::Format::Text;
    assert_eq!(
        unmask(text, &format!("{one} ").repeat(5)).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    unmask(text, &format!("{one} {one} {one}")).await.unwrap();
    // An escape does not hide a placeholder from the limit.
    let escaped = r#""\u0041WS_EC2_A00000000000 \u0041WS_EC2_A00000000000""#;
    let refused = unmask(proto::Format::Json, escaped).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("4 placeholders in a minute"), "{refused:?}");
    assert_eq!(refused.metadata().get("grpc-retry-pushback-ms").unwrap(), "15001");
    time::advance(Duration::from_millis(15_001)).await;
    unmask(proto::Format::Json, escaped).await.unwrap();

    time::advance(Duration::from_secs(60)).await;
    for _ in 0..6 {
        unmask(text, "").await.unwrap();
    }
    let refused = unmask(text, "").await.unwrap_err();
    assert!(refused.message().contains("6 calls of Unmask in a minute"), "{refused:?}");
    time::advance(Duration::from_secs(10)).await;
    unmask(text, "").await.unwrap();
}

#[tokio::test]
async fn modes_are_ordered_and_written_down() {
    let (lines, _guard) = Lines::capture();
    let dir = TempDir::new().unwrap();
    let running = run(control(&dir)).await;
    let mut client = running.client().await;
    let ask = |mode: proto::Mode, seconds, reason: &str| {
        let reason = reason.to_owned();
        with(TOKEN, proto::SetModeRequest { mode: mode.into(), seconds, reason })
    };
    use proto::Mode::{BlockAll, Bypass, Degraded, Normal, Unspecified};
    for (mode, seconds, reason, code, said) in [
        (Unspecified, 0, "", Code::InvalidArgument, "mode must be"),
        (Degraded, 0, "", Code::InvalidArgument, "when the store is down"),
        (Normal, 1, "", Code::InvalidArgument, "has no end"),
        (Bypass, 60, " ", Code::InvalidArgument, "needs a reason"),
        (Bypass, 60, "two\nlines", Code::InvalidArgument, "on one line"),
        (BlockAll, 60, &"long".repeat(51), Code::InvalidArgument, "200 characters"),
        (Bypass, 0, "why", Code::FailedPrecondition, "needs an end"),
        (Bypass, 61, "why", Code::FailedPrecondition, "at most 60 s"),
    ] {
        let status = client.set_mode(ask(mode, seconds, reason)).await.unwrap_err();
        assert_eq!(status.code(), code, "{mode:?}");
        assert!(status.message().contains(said), "{}", status.message());
    }
    for (mode, seconds, cause) in
        [(BlockAll, 0, "operator"), (Bypass, 60, "operator"), (Normal, 0, "")]
    {
        let set = client.set_mode(ask(mode, seconds, "a drill")).await.unwrap().into_inner();
        let set = set.mode.unwrap();
        assert_eq!((set.mode(), set.seconds_left, set.cause.as_str()), (mode, seconds, cause));
    }
    let audit = lines.audit();
    assert_eq!(audit.len(), 11, "{audit:?}");
    for part in ["mode=\"MODE_BYPASS\"", "seconds=60", "reason=\"a drill\"", "outcome=\"ok\""] {
        assert!(audit[9].contains(part), "{part}: {}", audit[9]);
    }
    assert!(audit[7].contains("outcome=\"refused\""), "{}", audit[7]);
    drop(client);
    running.stop.cancel();
    running.server.await.unwrap().unwrap();
}

mod described;
mod operations;
