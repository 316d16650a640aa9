//! What operators do over gRPC beside documents and modes.

use super::*;

#[tokio::test]
async fn the_level_of_the_log_is_set_and_written_down() {
    let (lines, _guard) = Lines::capture();
    let dir = TempDir::new().unwrap();
    let control = control(&dir);
    let mut client = MaskerClient::new(service(&control));
    let ask = |level: &str, reason: &str| {
        let (level, reason) = (level.to_owned(), reason.to_owned());
        with(TOKEN, proto::SetLogLevelRequest { level, reason })
    };
    for (level, reason, said) in
        [("loud", "why", "error, warn, info"), ("debug", "two\nlines", "on one line")]
    {
        let status = client.set_log_level(ask(level, reason)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(said), "{}", status.message());
    }
    let set = client.set_log_level(ask("debug", "a riddle")).await.unwrap().into_inner();
    assert_eq!((set.before.as_str(), control.log.level()), ("info", "debug"));
    let status = client.get_status(with(TOKEN, proto::GetStatusRequest {})).await.unwrap();
    assert_eq!(status.into_inner().log_level, "debug");
    let audit = lines.audit();
    for part in ["log_level=\"debug\"", "reason=\"a riddle\"", "outcome=\"ok\""] {
        assert!(audit[2].contains(part), "{part}: {}", audit[2]);
    }
    assert!(control.watch.events()[0].message.contains("debug after info"));
}

#[tokio::test]
async fn health_of_grpc_is_open_and_says_what_readyz_says() {
    let dir = TempDir::new().unwrap();
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&reasons);
    let readiness = Arc::new(move || told.lock().unwrap().clone());
    let running = run(Control { readiness, ..control(&dir) }).await;
    let channel = running.channel().await;
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
    let service = "masker.v1.Masker".to_owned();
    let asked = tonic_health::pb::HealthCheckRequest { service };
    let mut statuses = client.watch(asked).await.unwrap().into_inner();
    let serving = tonic_health::ServingStatus::Serving as i32;
    while statuses.message().await.unwrap().unwrap().status != serving {}
    reasons.lock().unwrap().push("the store is unreachable".to_owned());
    let next = statuses.message().await.unwrap().unwrap();
    assert_eq!(next.status, tonic_health::ServingStatus::NotServing as i32);
}

#[tokio::test]
async fn the_api_describes_itself_to_who_has_the_token() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    let dir = TempDir::new().unwrap();
    let running = run(control(&dir)).await;
    let mut client = ServerReflectionClient::new(running.channel().await);
    let asked = || {
        let symbol = "masker.v1.Masker.WatchEvents".to_owned();
        let message_request = Some(MessageRequest::FileContainingSymbol(symbol));
        tokio_stream::iter([ServerReflectionRequest { host: String::new(), message_request }])
    };
    let refused = client.server_reflection_info(asked()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let answer = client.server_reflection_info(with(TOKEN, asked())).await.unwrap();
    let answer = answer.into_inner().message().await.unwrap().unwrap();
    let shown = format!("{:?}", answer.message_response.unwrap());
    assert!(shown.starts_with("FileDescriptorResponse"), "{shown}");
}

#[tokio::test]
async fn what_happens_is_told_while_somebody_listens() {
    let dir = TempDir::new().unwrap();
    let control = control(&dir);
    control.watch.metrics().findings.add("ACCESS_KEY", "iam_credentials", true, 3);
    let running = run(control.clone()).await;
    let mut client = running.client().await;
    let watching = |client: &mut MaskerClient<Channel>| {
        let mut client = client.clone();
        async move { client.watch_events(with(TOKEN, proto::WatchEventsRequest {})).await }
    };
    let mut events = watching(&mut client).await.unwrap().into_inner();
    control.watch.ordered(Mode::BlockAll, "a drill", "somebody");
    let told = events.message().await.unwrap().unwrap().news.unwrap();
    let proto::watch_events_response::News::Event(event) = told else { panic!("{told:?}") };
    assert_eq!((event.kind.as_str(), event.severity.as_str()), ("mode", "HIGH"));
    assert!(event.message.contains("a drill"), "{event:?}");
    let mut others = Vec::new();
    for _ in 1..16 {
        others.push(watching(&mut client).await.unwrap());
    }
    let refused = watching(&mut client).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let found = client.list_findings(with(TOKEN, proto::ListFindingsRequest {})).await.unwrap();
    let found = &found.into_inner().findings[0];
    assert_eq!((found.kind.as_str(), found.critical, found.count), ("ACCESS_KEY", true, 3));
}

#[tokio::test]
async fn a_reload_is_answered_with_what_came_of_it() {
    let (lines, _guard) = Lines::capture();
    let dir = TempDir::new().unwrap();
    let (reload, mut calls) = mpsc::channel::<oneshot::Sender<bool>>(1);
    let control = Control { reload, ..control(&dir) };
    let mut client = MaskerClient::new(service(&control));
    for applied in [true, false] {
        let answer = client.reload(with(TOKEN, proto::ReloadRequest {}));
        let read = async { calls.recv().await.unwrap().send(applied).unwrap() };
        let (answer, ()) = tokio::join!(answer, read);
        assert_eq!(answer.unwrap().into_inner().applied, applied);
    }
    drop(calls);
    let refused = client.reload(with(TOKEN, proto::ReloadRequest {})).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(lines.audit().len(), 3);
}
