//! Drives exchanges without Envoy: what the service does, on one thread.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use masker::detect::edition::Editions;
use masker::ext_proc::answer::Answer;
use masker::ext_proc::budget::Budget;
use masker::ext_proc::endpoint::Endpoint;
use masker::ext_proc::exchange::{Exchange, Input, Output, Provided, Violation};
use masker::ext_proc::headers::Headers;
use masker::ext_proc::request::{Masked, Worked};
use masker::ext_proc::settings::{Limits, Refuse, Settings, Tenants};
use masker::mask::conversation::RecordKey;
use masker::mask::table::Table;
use masker::store::record::{Plain, RecordAnswer, RecordWants};
use proptest::prelude::ProptestConfig;

use crate::setup::{DEPTH, masker, master};

pub(crate) static SETTINGS: LazyLock<Arc<Settings>> = LazyLock::new(|| Arc::new(settings()));

/// Settings with a fixed key, so that placeholders can be written down.
pub(crate) fn settings() -> Settings {
    Settings {
        masker: masker(),
        editions: editions(1),
        master: master(),
        tenants: Tenants::default(),
        limits: Limits {
            body: 1 << 20,
            body_time: Duration::from_secs(30),
            answer: 1 << 20,
            depth: DEPTH,
            slice: 1 << 18,
        },
        refuse: Refuse { urls: true, credentials: true, ..Refuse::default() },
        lasting: true,
        retry: Duration::from_secs(2),
        restore: Arc::default(),
        lenient: true,
        routes: Vec::new(),
        budget: Budget::new(1 << 26),
        apart: HashMap::new(),
    }
}

/// The editions of the usual catalog, read at a time.
pub(crate) fn editions(read: u64) -> Arc<Editions> {
    let settings = masker::detect::Settings::default();
    Arc::new(Editions::new(masker().catalog, settings, read, false))
}

pub(crate) fn headers(list: &[(&str, &str)]) -> Headers {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), Bytes::from((*value).to_owned()));
    list.iter().map(own).collect()
}

pub(crate) fn request_headers(path: &str, media: &str, end: bool) -> Input {
    let headers = headers(&[(":method", "POST"), (":path", path), ("content-type", media)]);
    Input::RequestHeaders { headers, end, fully_streamed: true }
}

pub(crate) fn request_body(bytes: &[u8], end: bool) -> Input {
    Input::RequestBody { bytes: Bytes::copy_from_slice(bytes), end }
}

pub(crate) fn answer_headers(media: &str, more: &[(&str, &str)]) -> Input {
    let list = [&[(":status", "200"), ("content-type", media)], more].concat();
    Input::ResponseHeaders { headers: headers(&list), end: false }
}

pub(crate) fn answer_body(bytes: &[u8], end: bool) -> Input {
    Input::ResponseBody { bytes: Bytes::copy_from_slice(bytes), end }
}

pub(crate) fn new() -> Exchange {
    Exchange::new(Arc::clone(&SETTINGS))
}

/// Takes one message, does the work it brings, and gives the outputs.
pub(crate) fn send(exchange: &mut Exchange, input: Input) -> Result<Vec<Output>, Violation> {
    send_to(exchange, input, &mut Kept::default())
}

/// Records that are kept, and nothing else.
pub(crate) type Kept = HashMap<RecordKey, Plain>;

/// The same with a store that keeps records.
pub(crate) fn send_to(
    exchange: &mut Exchange,
    input: Input,
    kept: &mut Kept,
) -> Result<Vec<Output>, Violation> {
    exchange.input(input)?;
    Ok(drive(exchange, kept))
}

/// Does the work that an input brought.
pub(crate) fn drive(exchange: &mut Exchange, kept: &mut Kept) -> Vec<Output> {
    loop {
        if let Some(job) = exchange.job() {
            exchange.masked(job.run());
        } else if let Some(needs) = exchange.needs() {
            let RecordWants { read, write, .. } = needs.records;
            let found = write.into_iter().map(|(key, plain)| kept.insert(key, plain)).collect();
            let read = read.into_iter().map(|key| kept.get(&key).cloned()).collect();
            let records = RecordAnswer { read, found };
            exchange.provide(Ok(Provided { records, ..Provided::default() }));
        } else {
            return outputs(exchange);
        }
    }
}

pub(crate) fn outputs(exchange: &mut Exchange) -> Vec<Output> {
    std::iter::from_fn(|| exchange.output()).collect()
}

/// The body that goes upstream, of a request that was sent in these pieces.
pub(crate) fn masked_pieces(path: &str, media: &str, pieces: &[&[u8]]) -> Masked {
    let mut exchange = new();
    assert_eq!(send(&mut exchange, request_headers(path, media, false)), Ok(Vec::new()));
    for (index, piece) in pieces.iter().enumerate() {
        assert!(exchange.job().is_none(), "the job waits for the end");
        exchange.input(request_body(piece, index + 1 == pieces.len())).unwrap();
    }
    let mut worked = exchange.job().expect("the body is whole").run();
    loop {
        match worked.expect("the body is masked") {
            Worked::Masked(masked) => return *masked,
            Worked::Asks(asking) => worked = asking.answered(Vec::new()).run(),
        }
    }
}

pub(crate) fn masked(path: &str, media: &str, body: &str) -> Masked {
    masked_pieces(path, media, &[body.as_bytes()])
}

/// An exchange whose request, a text to the Messages endpoint, is upstream.
pub(crate) fn forwarded(text: &str) -> Exchange {
    forwarded_as("/v1/messages", "text/plain", text)
}

pub(crate) fn forwarded_as(path: &str, media: &str, body: &str) -> Exchange {
    let mut exchange = new();
    send(&mut exchange, request_headers(path, media, false)).unwrap();
    let released = send(&mut exchange, request_body(body.as_bytes(), true)).unwrap();
    assert!(matches!(released.first(), Some(Output::RequestHeaders { .. })), "{released:?}");
    exchange
}

/// The bytes of all outputs that carry the answer's body.
pub(crate) fn answer_bytes(outputs: &[Output]) -> Vec<u8> {
    let body = |output: &Output| match output {
        Output::ResponseBody { bytes, .. } => bytes.to_vec(),
        _ => Vec::new(),
    };
    outputs.iter().flat_map(body).collect()
}

/// The answer that the client gets, of one that came in these pieces.
pub(crate) fn answered(exchange: &mut Exchange, media: &str, pieces: &[&[u8]]) -> Vec<u8> {
    let mut all = send(exchange, answer_headers(media, &[])).unwrap();
    for piece in pieces {
        all.extend(send(exchange, answer_body(piece, false)).unwrap());
    }
    all.extend(send(exchange, answer_body(b"", true)).unwrap());
    let ends = |output: &&Output| matches!(output, Output::ResponseBody { end: true, .. });
    assert_eq!(all.iter().filter(ends).count(), 1);
    answer_bytes(&all)
}

/// Answers to one request, without the exchange around them: that is masked once.
pub(crate) struct Answers {
    headers: Headers,
    endpoint: Endpoint,
    table: Arc<Table>,
}

impl Answers {
    pub(crate) fn new(path: &str, media: &str, request: &str) -> Self {
        let Masked { head, table, .. } = masked(path, "text/plain", request);
        let headers = headers(&[("content-type", media)]);
        Self { headers, endpoint: head.endpoint, table: Arc::new(table) }
    }

    /// What the client gets of an answer that came in these pieces.
    pub(crate) fn restored(&self, pieces: &[&[u8]]) -> Vec<u8> {
        let table = Arc::clone(&self.table);
        let answer = Answer::new(&self.headers, self.endpoint, table, None, 1 << 20, DEPTH);
        let mut answer = answer.unwrap().unwrap();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(answer.push(piece).unwrap());
        }
        out.extend(answer.finish().unwrap());
        out
    }
}

/// 64 cases, or as many as `PROPTEST_CASES` says; failures are printed, not kept.
pub(crate) fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(64),
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..ProptestConfig::default()
    }
}
