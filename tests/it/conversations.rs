//! Conversations from turn to turn: what the model was shown before never changes.

use std::sync::Arc;

use masker::detect::custom::{Find, Own, Pattern};
use masker::detect::edition::Editions;
use masker::detect::{self, Catalog};
use masker::ext_proc::exchange::{Exchange, Input, Output, Provided};
use masker::ext_proc::settings::Settings;
use masker::ext_proc::tally::Tally;
use masker::mask::masker::Masker;
use masker::mask::resent::Resent;
use masker::store::record::RecordAnswer;
use masker::telemetry::labels::Cause;
use serde_json::{Value, json};

use crate::driver::{
    Kept, answer_body, answer_bytes, answer_headers, drive, headers, request_body, request_headers,
    send_to, settings,
};
use crate::spellings;

/// A provider that knows what it was sent and what it wrote.
#[derive(Default)]
pub(crate) struct Provider {
    /// The messages that must come first in the next request.
    pub(crate) messages: Vec<Value>,
}

/// A client with its history, and masker between it and the provider.
pub(crate) struct Client<'k> {
    pub(crate) settings: Arc<Settings>,
    pub(crate) kept: &'k mut Kept,
    session: Option<&'static str>,
    system: &'static str,
    pub(crate) messages: Vec<Value>,
    pub(crate) provider: Provider,
    /// Characters in one event; 0 for an answer that comes whole.
    pub(crate) piece: usize,
    pub(crate) fault: Option<Cause>,
    pub(crate) lost: bool,
    pub(crate) originals: usize,
    /// Findings of the last request that had not been sent before.
    fresh: u64,
    /// What this replica remembers, which may be old.
    stale: Option<Kept>,
}

impl<'k> Client<'k> {
    pub(crate) fn new(
        settings: &Arc<Settings>,
        kept: &'k mut Kept,
        session: Option<&'static str>,
    ) -> Self {
        Self {
            settings: Arc::clone(settings),
            kept,
            session,
            system: "You help.",
            messages: Vec::new(),
            provider: Provider::default(),
            piece: 3,
            fault: None,
            lost: false,
            originals: 0,
            fresh: 0,
            stale: None,
        }
    }

    fn body(&self) -> String {
        let stream = self.piece > 0;
        json!({"model": "m", "system": self.system, "messages": self.messages, "stream": stream})
            .to_string()
    }

    /// Sends the conversation and gives the masked request, or the code of its refusal.
    fn send(&mut self, exchange: &mut Exchange) -> Result<Value, String> {
        let mut list = vec![
            (":method", "POST"),
            (":path", "/v1/messages"),
            ("content-type", "application/json"),
        ];
        list.extend(self.session.map(|id| ("x-claude-code-session-id", id)));
        let begin =
            Input::RequestHeaders { headers: headers(&list), end: false, fully_streamed: true };
        send_to(exchange, begin, self.kept).unwrap();
        let body = request_body(self.body().as_bytes(), true);
        let out = match self.stale.take() {
            None => send_to(exchange, body, self.kept).unwrap(),
            Some(stale) => {
                exchange.input(body).unwrap();
                let job = exchange.job().unwrap();
                exchange.masked(job.run());
                let read = exchange.needs().unwrap().records.read;
                let read = read.iter().map(|key| stale.get(key).cloned()).collect();
                let records = RecordAnswer { read, ..RecordAnswer::default() };
                exchange.provide(Ok(Provided { records, ..Provided::default() }));
                drive(exchange, self.kept)
            }
        };
        let part = |output: &Output| match output {
            Output::RequestBody { bytes, .. } => bytes.to_vec(),
            _ => Vec::new(),
        };
        if let Some(Output::Refuse(reply)) = out.first() {
            return Err(reply.code.to_owned());
        }
        Ok(serde_json::from_slice(&out.iter().flat_map(part).collect::<Vec<_>>()).unwrap())
    }

    /// One turn: the user says something, the model answers with blocks. Gives the masked
    /// text of the user, and what the client got.
    pub(crate) fn turn(&mut self, said: &str, blocks: impl Fn(&str) -> Value) -> (String, Value) {
        self.messages.push(json!({"role": "user", "content": said}));
        let mut exchange = Exchange::new(Arc::clone(&self.settings));
        let masked = self.send(&mut exchange).unwrap();
        let sent = masked["messages"].as_array().unwrap();
        assert!(sent.starts_with(&self.provider.messages), "{sent:#?}");
        self.fault = self.fault.or(exchange.tally.fault);
        self.lost |= exchange.tally.lost;
        let Tally { findings, again, .. } = &exchange.tally;
        self.fresh = findings.values().sum::<u64>() - again.values().sum::<u64>();
        let said = sent.last().unwrap()["content"].as_str().unwrap().to_owned();
        let wrote = blocks(&said);
        let got = self.answer(&mut exchange, &wrote);
        self.originals += exchange.tally.originals;
        self.provider.messages.clone_from(sent);
        self.provider.messages.push(json!({"role": "assistant", "content": wrote}));
        self.messages.push(json!({"role": "assistant", "content": got}));
        (said, got)
    }

    fn answer(&mut self, exchange: &mut Exchange, blocks: &Value) -> Value {
        let media = if self.piece == 0 { "application/json" } else { "text/event-stream" };
        let mut all = send_to(exchange, answer_headers(media, &[]), self.kept).unwrap();
        let body = if self.piece == 0 {
            json!({"type": "message", "role": "assistant", "content": blocks}).to_string()
        } else {
            events(blocks, self.piece)
        };
        for piece in body.as_bytes().chunks(7) {
            all.extend(send_to(exchange, answer_body(piece, false), self.kept).unwrap());
        }
        all.extend(send_to(exchange, answer_body(b"", true), self.kept).unwrap());
        let got = String::from_utf8(answer_bytes(&all)).unwrap();
        if self.piece == 0 {
            serde_json::from_str::<Value>(&got).unwrap()["content"].clone()
        } else {
            read(&got)
        }
    }
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

fn events(blocks: &Value, piece: usize) -> String {
    let mut out = event(&json!({"type": "message_start", "message": {"content": []}}));
    for (index, block) in blocks.as_array().unwrap().iter().enumerate() {
        let kind = block["type"].as_str().unwrap();
        if kind == "redacted_thinking" {
            let start =
                json!({"type": "content_block_start", "index": index, "content_block": block});
            out += &event(&start);
            out += &event(&json!({"type": "content_block_stop", "index": index}));
            continue;
        }
        let (field, delta, text) = match kind {
            "thinking" => ("thinking", "thinking_delta", block["thinking"].to_string()),
            "text" => ("text", "text_delta", block["text"].to_string()),
            _ => ("partial_json", "input_json_delta", block["input"].to_string()),
        };
        let text = if kind == "tool_use" { text } else { serde_json::from_str(&text).unwrap() };
        let mut empty = block.clone();
        empty[if kind == "tool_use" { "input" } else { field }] =
            if kind == "tool_use" { json!({}) } else { json!("") };
        if kind == "thinking" {
            empty["signature"] = json!("");
        }
        out +=
            &event(&json!({"type": "content_block_start", "index": index, "content_block": empty}));
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(piece) {
            let piece: String = piece.iter().collect();
            let delta = json!({"type": delta, field: piece});
            out += &event(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        if let Some(signature) = block.get("signature") {
            let delta = json!({"type": "signature_delta", "signature": signature});
            out += &event(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        out += &event(&json!({"type": "content_block_stop", "index": index}));
    }
    out += &event(&json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}));
    out + &event(&json!({"type": "message_stop"}))
}

/// The blocks that a client puts together.
fn read(stream: &str) -> Value {
    let (mut blocks, mut sources) = (Vec::<Value>::new(), Vec::<String>::new());
    for data in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let event: Value = serde_json::from_str(data).unwrap();
        if event["type"] == "content_block_start" {
            blocks.push(event["content_block"].clone());
            sources.push(String::new());
        }
        let Some(index) = event["index"].as_u64() else { continue };
        let index = usize::try_from(index).unwrap();
        for field in ["text", "thinking", "signature"] {
            if let Some(more) = event["delta"][field].as_str() {
                let old = blocks[index][field].as_str().unwrap().to_owned();
                blocks[index][field] = json!(old + more);
            }
        }
        sources[index] += event["delta"]["partial_json"].as_str().unwrap_or_default();
    }
    for (block, source) in blocks.iter_mut().zip(sources) {
        if !source.is_empty() {
            block["input"] = serde_json::from_str(&source).unwrap();
        }
    }
    blocks.into()
}

fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

pub(crate) fn echo(said: &str) -> Value {
    text(&format!("I see: {said}"))
}

/// Settings with these names as patterns of the operator's own.
pub(crate) fn with(names: &[&str], read: u64, newest: bool) -> Arc<Settings> {
    let pattern = |name: &&str| Pattern {
        name: (*name).to_owned(),
        kind: name.to_ascii_uppercase(),
        critical: false,
        find: Find::Names(vec![format!("the-{name}")]),
        examples: Vec::new(),
        counter_examples: Vec::new(),
    };
    let own = Own { patterns: names.iter().map(pattern).collect(), ..Own::default() };
    let detect = detect::Settings { own: Arc::new(own), ..detect::Settings::default() };
    let catalog = Arc::new(Catalog::builtin(&detect).unwrap());
    let editions = Editions::new(Arc::clone(&catalog), detect, read, newest);
    let resent = Resent::new(1 << 20);
    let masker = Masker { catalog, resent, ..settings().masker };
    Arc::new(Settings { masker, editions: Arc::new(editions), ..settings() })
}

const TEXT: &str = "Look at the-one, the-two and i-0123456789abcdef0.";

#[test]
fn a_conversation_keeps_its_edition() {
    let (before, after) = (with(&["one"], 1, false), with(&["one", "two"], 2, false));
    for session in [Some("s"), None] {
        for piece in [0, 3] {
            let mut kept = Kept::new();
            let mut client = Client { piece, ..Client::new(&before, &mut kept, session) };
            assert!(client.turn(TEXT, echo).0.contains("the-two"));
            // Read again after the first answer, and back, and again.
            for settings in [&after, &after, &before, &after] {
                client.settings = Arc::clone(settings);
                let (said, _) = client.turn("And the-two and the-one?", echo);
                assert!(said.contains("the-two") && !said.contains("the-one"), "{said}");
            }
            assert_eq!((client.fault, client.lost), (None, false));
            // A new conversation takes the newest.
            let mut client = Client::new(&after, &mut kept, session);
            let (said, _) = client.turn("Other: the-two.", echo);
            assert!(!said.contains("the-two"), "{said}");
        }
    }
}

#[test]
fn what_was_removed_acts_at_once_and_is_counted() {
    let (before, after) = (with(&["one", "two"], 1, false), with(&["two"], 2, false));
    let mut kept = Kept::new();
    let mut client = Client::new(&before, &mut kept, Some("s"));
    client.turn(TEXT, echo);
    client.settings = after;
    client.provider.messages.clear();
    let (said, _) = client.turn("And the-one and the-two?", echo);
    assert!(said.contains("the-one") && !said.contains("the-two"), "{said}");
    assert_eq!(client.fault, Some(Cause::Settings));
}

#[test]
fn a_replica_that_lags_behind_refuses() {
    let (old, new) = (with(&["one"], 1, false), with(&["one", "two"], 2, false));
    let mut kept = Kept::new();
    let mut client = Client::new(&new, &mut kept, Some("s"));
    assert!(!client.turn(TEXT, echo).0.contains("the-two"));
    client.settings = old;
    client.messages.push(json!({"role": "user", "content": "the-two?"}));
    let mut exchange = Exchange::new(Arc::clone(&client.settings));
    assert_eq!(client.send(&mut exchange), Err("newer_edition".to_owned()));
    client.messages.pop();
    client.settings = new;
    client.turn("the-two?", echo);
    assert_eq!((client.fault, client.lost), (None, false));
}

#[test]
fn an_operator_may_force_the_newest() {
    let (before, after) = (with(&["one"], 1, false), with(&["one", "two"], 2, true));
    let mut kept = Kept::new();
    let mut client = Client::new(&before, &mut kept, Some("s"));
    client.turn(TEXT, echo);
    client.settings = after;
    client.provider.messages.clear();
    assert!(!client.turn("And the-two?", echo).0.contains("the-two"));
    assert_eq!(client.fault, Some(Cause::Edition));
}

#[test]
fn a_record_that_is_lost_is_counted() {
    for session in [Some("s"), None] {
        let (before, after) = (with(&["one"], 1, false), with(&["one", "two"], 2, false));
        let mut kept = Kept::new();
        let mut client = Client::new(&before, &mut kept, session);
        client.turn(TEXT, echo);
        client.kept.clear();
        client.turn("And the-two?", echo);
        assert!(client.lost, "{session:?}");
        client.lost = false;
        client.turn("And now?", echo);
        assert!(!client.lost, "it was written again");
        client.kept.clear();
        client.settings = after;
        client.provider.messages.clear();
        // The newest counts.
        assert!(!client.turn("And the-two?", echo).0.contains("the-two"));
        assert!(client.lost);
    }
}

#[test]
fn names_of_a_session_are_known_in_its_next_conversation() {
    let settings = Arc::new(settings());
    let mut kept = Kept::new();
    let role = "arn:aws:iam::123456789012:role/payments-deployer-7";
    let bare = "Who may use payments-deployer-7 in 123456789012?";
    Client::new(&settings, &mut kept, Some("s")).turn(role, echo);
    let before = kept.clone();
    let hidden =
        |said: &str| !said.contains("payments-deployer-7") && !said.contains("123456789012");
    // After it was compacted, or in a sub-agent: another first message.
    for _ in 0..2 {
        let mut client = Client::new(&settings, &mut kept, Some("s"));
        let (said, got) = client.turn(bare, echo);
        assert!(hidden(&said), "{said}");
        assert_eq!(got, text(&format!("I see: {bare}")));
        // It keeps what it began with, whatever another learns.
        let late = "arn:aws:iam::123456789012:role/late-role-9";
        client.turn("And late-role-9?", echo);
        Client::new(&settings, &mut *client.kept, Some("s")).turn(late, echo);
        assert!(client.turn("And late-role-9?", echo).0.contains("late-role-9"));
        assert_eq!(client.fault, None);
        kept = before.clone();
    }
    for other in [Some("t"), None] {
        let mut client = Client::new(&settings, &mut kept, other);
        assert!(!hidden(&client.turn(bare, echo).0), "{other:?}");
    }
}

#[test]
fn what_the_provider_keeps_needs_a_store_that_lasts() {
    for (lasting, path, code) in [
        (false, "/v1/messages/batches", Some("store_memory")),
        (false, "/v1/files", Some("store_memory")),
        (false, "/v1/messages", None),
        (true, "/v1/messages/batches", None),
    ] {
        let settings = Settings { lasting, ..settings() };
        let mut exchange = Exchange::new(Arc::new(settings));
        let begin = request_headers(path, "application/json", false);
        let out = send_to(&mut exchange, begin, &mut Kept::new()).unwrap();
        let refused = out.first().map(|output| match output {
            Output::Refuse(reply) => {
                assert!(reply.status == 400 && reply.body.contains("`store.url`"), "{reply:?}");
                reply.code
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(refused, code, "{path}");
        if refused.is_none() {
            exchange.input(request_body(br#"{"x":"i-0123456789abcdef0"}"#, true)).unwrap();
            let job = exchange.job().unwrap();
            exchange.masked(job.run());
            assert_eq!(exchange.needs().unwrap().lasting, path.contains("batches"));
        }
    }
}

/// Blocks that do not mask back to what the model wrote.
fn odd(said: &str) -> Vec<Value> {
    let found = |kind: &str| {
        let from = said.find(kind).unwrap();
        said[from..]
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()
            .unwrap()
            .to_owned()
    };
    let (id, name) = (found("AWS_EC2_"), found("AWS_RDS_"));
    let lower = id.to_ascii_lowercase();
    let tool = |input: Value| {
        json!([
            {"type": "thinking", "thinking": format!("About {id}"), "signature": "c2ln"},
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": input},
        ])
    };
    vec![
        text("Such as i-0fedcba9876543210 or vpc-0123abcd4567ef890."),
        text("An ARN is arn:aws:iam::999988887777:role/ExampleRole-1, of 999988887777."),
        text(&format!("The {name} database has {id}.")),
        text(&format!("In lower case it is {lower}.")),
        text("\u{e9}\n\"quoted\\\" i-0fedcba9876543210"),
        tool(
            json!({"command": format!("aws rds reboot-db-instance --db-instance-identifier {name}")}),
        ),
        tool(json!({"b": [1.5, null, {"x": name}], "a": "i-0fedcba9876543210", "c": {}})),
        tool(json!({})),
        tool(json!({"prose": format!("the {name}, {lower}")})),
        json!([
            {"type": "text", "text": "First i-0fedcba9876543210."},
            {"type": "text", "text": format!("Then {name}.")},
            {"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {"q": name}},
        ]),
    ]
}

#[test]
fn what_the_model_wrote_comes_back() {
    let settings = Arc::new(settings());
    let first = "aws rds describe-db-instances --db-instance-identifier prod i-0123456789abcdef0";
    for (session, piece) in [(Some("s"), 1), (None, 5), (Some("s"), 0), (None, 0)] {
        let mut kept = Kept::new();
        let mut client = Client { piece, ..Client::new(&settings, &mut kept, session) };
        client.turn(first, |said| odd(said)[2].clone());
        for which in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 0, 9] {
            let (_, got) = client.turn(first, |said| odd(said)[which].clone());
            assert!(!got.to_string().contains("AWS_RDS_"), "{got}");
            // Clients print what tools got as they like.
            let last = client.messages.last_mut().unwrap();
            let again = serde_json::to_string_pretty(last).unwrap();
            *last = serde_json::from_str(&again).unwrap();
        }
        client.turn("Thanks.", echo);
        assert_eq!((client.fault, client.lost), (None, false), "{session:?} {piece}");
        assert!(client.originals >= 10, "{}", client.originals);
    }
}

#[test]
fn a_misspelled_placeholder_comes_back_as_it_was_spelled() {
    let settings = Arc::new(settings());
    let spelled = spellings::variants();
    let texts: Value =
        spelled.iter().map(|(wrote, _)| json!({"type": "text", "text": wrote})).collect();
    let call = |(wrote, _): &spellings::Spelled| json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": wrote}});
    let calls: Value = spelled.iter().map(call).collect();
    for (session, piece) in [(Some("s"), 5), (None, 0)] {
        let mut kept = Kept::new();
        let mut client = Client { piece, ..Client::new(&settings, &mut kept, session) };
        let (_, got) = client.turn(&spellings::request(), |_| texts.clone());
        for (block, (_, stands_for)) in got.as_array().unwrap().iter().zip(&spelled) {
            assert_eq!(block["text"], *stands_for);
        }
        let (_, got) = client.turn("Run each.", |_| calls.clone());
        for (block, (_, stands_for)) in got.as_array().unwrap().iter().zip(&spelled) {
            assert_eq!(block["input"]["command"], *stands_for);
        }
        client.turn("Thanks.", echo);
        // Each turn compares what is sent with what the model wrote.
        client.turn("Bye.", echo);
        assert_eq!((client.fault, client.lost), (None, false), "{session:?} {piece}");
        assert!(client.originals >= 2 * spelled.len(), "{}", client.originals);
    }
}

/// Sends a request in any format and an answer to it. Gives both as they arrive.
fn exchanged(
    kept: &mut Kept,
    path: &str,
    request: &Value,
    media: &str,
    answer: impl Fn(&str) -> String,
) -> (String, String) {
    let mut exchange = Exchange::new(Arc::new(settings()));
    send_to(&mut exchange, request_headers(path, "application/json", false), kept).unwrap();
    let body = request.to_string();
    let out = send_to(&mut exchange, request_body(body.as_bytes(), true), kept).unwrap();
    let part = |output: &Output| match output {
        Output::RequestBody { bytes, .. } => bytes.to_vec(),
        _ => Vec::new(),
    };
    let masked = String::from_utf8(out.iter().flat_map(part).collect()).unwrap();
    let mut all = send_to(&mut exchange, answer_headers(media, &[]), kept).unwrap();
    for piece in answer(&masked).as_bytes().chunks(50) {
        all.extend(send_to(&mut exchange, answer_body(piece, false), kept).unwrap());
    }
    all.extend(send_to(&mut exchange, answer_body(b"", true), kept).unwrap());
    (masked, String::from_utf8(answer_bytes(&all)).unwrap())
}

/// The placeholder of a database's name in a masked request.
fn database(masked: &str) -> String {
    let from = masked.find("AWS_RDS_").unwrap();
    masked[from..from + "AWS_RDS_".len() + 12].to_owned()
}

const WROTE: [&str; 2] =
    ["Such as i-0fedcba9876543210 beside the {}.", r#"{"q":"{}","n":[1,true]}"#];

fn wrote(masked: &str) -> [String; 2] {
    WROTE.map(|text| text.replacen("{}", &database(masked), 1))
}

fn gave() -> [String; 2] {
    WROTE.map(|text| text.replacen("{}", "prod", 1))
}

fn lines(events: &[Value]) -> String {
    let line = |event: &Value| format!("data: {event}\n\n");
    events.iter().map(line).chain(["data: [DONE]\n\n".to_owned()]).collect()
}

fn chat(masked: &str, stream: bool) -> String {
    let [text, input] = wrote(masked);
    let call = |arguments: &str| {
        json!([{"index": 0, "id": "c", "type": "function",
            "function": {"name": "f", "arguments": arguments}}])
    };
    if !stream {
        let message = json!({"role": "assistant", "content": text, "tool_calls": call(&input)});
        return json!({"choices": [{"index": 0, "message": message}]}).to_string();
    }
    let event = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let mut events: Vec<_> =
        text.split_inclusive(' ').map(|t| event(json!({"content": t}))).collect();
    events.extend(input.split_inclusive('"').map(|t| event(json!({"tool_calls": call(t)}))));
    events.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    lines(&events)
}

fn responses(masked: &str, stream: bool) -> String {
    let [text, input] = wrote(masked);
    let call = json!({"type": "function_call", "name": "f", "arguments": input});
    let content = json!([{"type": "output_text", "text": text}]);
    let output = json!([{"type": "message", "role": "assistant", "content": content}, call]);
    let whole = json!({"object": "response", "output": output});
    if !stream {
        return whole.to_string();
    }
    let of =
        |kind: &str, index: u32| json!({"type": kind, "output_index": index, "content_index": 0});
    let deltas = |kind: &str, index: u32, text: &str| -> Vec<Value> {
        let one = |delta: &str| {
            let mut event = of(&format!("{kind}.delta"), index);
            event["delta"] = json!(delta);
            event
        };
        let mut all: Vec<_> = text.split_inclusive(['"', ' ']).map(one).collect();
        let mut done = of(&format!("{kind}.done"), index);
        done[if index == 0 { "text" } else { "arguments" }] = json!(text);
        all.extend([
            done,
            json!({"type": "response.output_item.done", "output_index": index,
            "item": output[usize::try_from(index).unwrap()]}),
        ]);
        all
    };
    let mut events = deltas("response.output_text", 0, &text);
    events.extend(deltas("response.function_call_arguments", 1, &input));
    events.push(json!({"type": "response.completed", "response": whole}));
    lines(&events)
}

#[test]
fn in_other_formats_too_what_the_model_wrote_comes_back() {
    let said = "aws rds describe-db-instances --db-instance-identifier prod";
    let user = json!({"role": "user", "content": said});
    for (path, list, answer) in [
        ("/v1/chat/completions", "messages", chat as fn(&str, bool) -> String),
        ("/v1/responses", "input", responses),
    ] {
        for stream in [false, true] {
            let mut kept = Kept::new();
            let media = if stream { "text/event-stream" } else { "application/json" };
            let request = |messages: Value| json!({"model": "m", list: messages});
            let (masked, got) =
                exchanged(&mut kept, path, &request(json!([user])), media, |masked| {
                    answer(masked, stream)
                });
            assert!(!got.contains("AWS_RDS_"), "{path}: {got}");
            let [text, input] = gave();
            // As another prints it.
            let input = input.replace(',', ", ");
            let back = if list == "messages" {
                let function = json!({"name": "f", "arguments": input});
                let calls = json!([{"id": "c", "type": "function", "function": function}]);
                json!([user, {"role": "assistant", "content": text, "tool_calls": calls}, user])
            } else {
                let content = json!([{"type": "output_text", "text": text}]);
                json!([user, {"type": "message", "role": "assistant", "content": content},
                    {"type": "function_call", "name": "f", "call_id": "c", "arguments": input}, user])
            };
            let (again, _) = exchanged(&mut kept, path, &request(back), media, |_| String::new());
            let [text, input] = wrote(&masked).map(|own| json!(own).to_string());
            for own in [text, input] {
                assert!(again.contains(&own), "{path} {stream}: {own} is not in {again}");
            }
        }
    }
}

#[test]
fn a_conversation_that_the_provider_keeps_knows_its_names_and_its_edition() {
    let (before, after) = (with(&["one"], 1, false), with(&["one", "two"], 2, false));
    let role = "arn:aws:iam::123456789012:role/payments-deployer-7 the-one the-two";
    let result = |text: &str| json!([{"type": "function_call_output", "output": text}]);
    for conversation in [json!("conv_1"), json!({"id": "conv_1"})] {
        let mut kept = Kept::new();
        let mut sent = |settings: &Arc<Settings>, id: &Value, input: Value| {
            let body = json!({"conversation": id, "input": input}).to_string();
            let mut exchange = Exchange::new(Arc::clone(settings));
            let begin = request_headers("/v1/responses", "application/json", false);
            send_to(&mut exchange, begin, &mut kept).unwrap();
            let out = send_to(&mut exchange, request_body(body.as_bytes(), true), &mut kept);
            assert_eq!((exchange.tally.fault, exchange.tally.lost), (None, false));
            let part = |output: Output| match output {
                Output::RequestBody { bytes, .. } => bytes.to_vec(),
                _ => Vec::new(),
            };
            String::from_utf8(out.unwrap().into_iter().flat_map(part).collect()).unwrap()
        };
        let bare = "payments-deployer-7 the-one the-two";
        assert!(sent(&before, &conversation, result(bare)).contains("payments-deployer-7"));
        sent(&before, &conversation, json!(role));
        // The same again is masked more, and nobody's fault; so is what a tool says.
        for input in [result(bare), json!(role), json!(bare)] {
            let masked = sent(&after, &conversation, input);
            assert!(!masked.contains("payments-deployer-7"), "{masked}");
            assert!(!masked.contains("the-one") && masked.contains("the-two"), "{masked}");
        }
        let other = sent(&after, &json!("conv_2"), json!(bare));
        assert!(other.contains("payments-deployer-7") && !other.contains("the-two"), "{other}");
    }
}

/// How a client of Gemini keeps the parts of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Parts {
    /// Each event is a message, as it came.
    AsTheyCame,
    /// Texts that follow each other are one.
    Joined,
}

/// The events of an answer whose text comes in pieces of that many characters.
fn gemini_events(masked: &str, size: usize) -> Vec<Value> {
    let [text, input] = wrote(masked);
    let chars: Vec<char> =
        format!("{text} i-0FEDCBA9876543210 {}", database(masked).to_lowercase()).chars().collect();
    let event = |parts: Value| {
        let content = json!({"role": "model", "parts": parts});
        json!({"candidates": [{"index": 0, "content": content}]})
    };
    let thought = json!([{"text": "Hm.", "thought": true}]);
    let mut events = vec![event(thought)];
    events.extend(chars.chunks(size).map(|c| event(json!([{"text": String::from_iter(c)}]))));
    let args: Value = serde_json::from_str(&input).unwrap();
    let call = json!({"functionCall": {"name": "f", "args": args}});
    events.push(event(json!([{"text": "So "}, call, {"text": "and vol-0123abcd4567ef890."}])));
    events.push(event(json!([{"text": ""}])));
    events
}

/// The messages of a model, as a client keeps them.
fn kept_by(client: Parts, events: &[Value]) -> Vec<Value> {
    let contents = events.iter().map(|event| event["candidates"][0]["content"].clone());
    if client == Parts::AsTheyCame {
        return contents.collect();
    }
    let mut parts = Vec::<Value>::new();
    for part in contents.flat_map(|content| content["parts"].as_array().unwrap().clone()) {
        let text = part["text"].as_str().map(str::to_owned);
        match (text, parts.last_mut().filter(|last| last.get("text").is_some())) {
            _ if part.get("thought").is_some() => {}
            (Some(text), Some(last)) => {
                last["text"] = json!(last["text"].as_str().unwrap().to_owned() + &text);
            }
            _ => parts.push(part),
        }
    }
    vec![json!({"role": "model", "parts": parts})]
}

/// What the model is shown of a conversation: its texts, wherever they are cut, and the rest.
fn shown(contents: &[Value]) -> Vec<Value> {
    let parts: Vec<Value> =
        contents.iter().flat_map(|c| c["parts"].as_array().unwrap().clone()).collect();
    let events: Vec<_> =
        parts.iter().map(|part| json!({"candidates": [{"content": {"parts": [part]}}]})).collect();
    kept_by(Parts::Joined, &events)
}

#[test]
fn in_streams_of_gemini_too() {
    let said = "aws rds describe-db-instances --db-instance-identifier prod";
    let user = json!({"role": "user", "parts": [{"text": said}]});
    for array in [false, true] {
        for client in [Parts::AsTheyCame, Parts::Joined] {
            for size in [2, 11, 200] {
                let mut kept = Kept::new();
                let mut contents = vec![user.clone()];
                let mut provider = Vec::new();
                for turn in 0..3 {
                    let request = json!({"contents": contents});
                    let media = if array { "application/json" } else { "text/event-stream" };
                    let path = "/v1beta/models/gemini-3:streamGenerateContent";
                    let (masked, got) = exchanged(&mut kept, path, &request, media, |masked| {
                        let events = gemini_events(masked, size);
                        if array { json!(events).to_string() } else { lines(&events) }
                    });
                    let sent: Value = serde_json::from_str(&masked).unwrap();
                    let sent = sent["contents"].as_array().unwrap();
                    let (last, before) = sent.split_last().unwrap();
                    let name = format!("{array} {client:?} {size} {turn}");
                    assert_eq!(shown(before), shown(&provider), "{name}");
                    if array && size == 200 {
                        assert_eq!(before, provider, "{name}");
                    }
                    assert!(!last.to_string().contains("prod"), "{name}");
                    let own = gemini_events(&masked, size);
                    provider.push(last.clone());
                    provider.extend(kept_by(client, &own));
                    let got: Vec<Value> = if array {
                        serde_json::from_str(&got).unwrap()
                    } else {
                        let data = got.lines().filter_map(|line| line.strip_prefix("data: {"));
                        data.map(|data| serde_json::from_str(&format!("{{{data}")).unwrap())
                            .collect()
                    };
                    assert!(!json!(got).to_string().contains("AWS_RDS_"), "{name}");
                    contents.extend(kept_by(client, &got));
                    contents.push(user.clone());
                }
            }
        }
    }
}

#[test]
fn what_another_replica_was_sent_before_is_not_new() {
    let key = |tail| format!("The key is AKIAQ3EGRYZ7T2LM{tail}.");
    let fine = |_: &str| text("Fine.");
    for session in [Some("s"), None] {
        for piece in [0, 3] {
            let replica = || with(&[], 1, false);
            let (here, there) = (replica(), replica());
            let mut kept = Kept::new();
            let mut client = Client { piece, ..Client::new(&here, &mut kept, session) };
            for (settings, said, fresh) in [
                (&here, key("5XWB"), 1),
                (&there, key("6XWC"), 1),
                (&here, "Go on.".to_owned(), 0),
                (&replica(), key("7XWD"), 1),
                (&there, key("7XWD"), 1),
            ] {
                client.settings = Arc::clone(settings);
                client.turn(&said, fine);
                assert_eq!(client.fresh, fresh, "{said} {session:?} {piece}");
            }
            // Nobody remembers: all of it is new to a replica that has just started.
            client.kept.clear();
            client.settings = replica();
            client.turn("Go on.", fine);
            assert_eq!(client.fresh, 4);
        }
    }
}

#[test]
fn a_replica_with_an_old_record_masks_again() {
    let settings = Arc::new(settings());
    for session in [Some("s"), None] {
        let mut kept = Kept::new();
        let mut client = Client::new(&settings, &mut kept, session);
        client.turn("Hello i-0123456789abcdef0.", echo);
        let old = client.kept.clone();
        // Another replica's turns: what the model invents is kept.
        client.turn("Go on.", |_| text("Such as i-0fedcba9876543210."));
        client.turn("Go on.", echo);
        client.stale = Some(old);
        client.turn("And i-0fedcba9876543210?", echo);
        client.turn("Go on.", echo);
        assert_eq!((client.fault, client.lost, client.originals), (None, false, 1));
    }
}

#[test]
fn arguments_that_come_in_pieces_come_back_as_the_model_wrote_them() {
    let said = "aws rds describe-db-instances --db-instance-identifier prod i-0123456789abcdef0";
    let user = json!({"role": "user", "parts": [{"text": said}]});
    let path = "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent";
    let args = |name: &str, id: &str| json!({"name": name, "all": [{"id": id, "n": 1.5}], "also": "i-0fedcba9876543210"});
    // In pieces of these texts, of which a client puts those of one path together.
    let pieces = |name: &str, id: &str| {
        let (from, to) = id.split_at(5);
        let piece = |path: &str, text: &str, more: bool| json!({"jsonPath": path, "stringValue": text, "willContinue": more});
        vec![
            json!({"name": "f", "willContinue": true}),
            json!({"partialArgs": [piece("$.name", name, false), piece("$['all'][0].id", from, true)], "willContinue": true}),
            json!({"partialArgs": [piece("$['all'][0].id", to, false), {"jsonPath": "$.all[0].n", "numberValue": 1.5}], "willContinue": true}),
            json!({"partialArgs": [piece("$.also", "i-0fedcba9876543210", false)], "willContinue": true}),
            json!({}),
        ]
    };
    let mut kept = Kept::new();
    let request = json!({"contents": [user]});
    let (masked, got) = exchanged(&mut kept, path, &request, "text/event-stream", |masked| {
        let from = masked.find("AWS_EC2_").unwrap();
        let calls = pieces(&database(masked), &masked[from..from + 20]);
        let event = |call| json!({"candidates": [{"content": {"role": "model", "parts": [{"functionCall": call}]}}]});
        lines(&calls.into_iter().map(event).collect::<Vec<_>>())
    });
    let from = masked.find("AWS_EC2_").unwrap();
    let wrote = args(&database(&masked), &masked[from..from + 20]);
    assert!(!got.contains("AWS_"), "{got}");
    assert!(got.contains(r#""stringValue":"i-0123456789abcdef0""#), "{got}");
    let call = json!({"functionCall": {"name": "f", "args": args("prod", "i-0123456789abcdef0")}});
    let back = json!({"contents": [user, {"role": "model", "parts": [call]}, user]});
    let (again, _) = exchanged(&mut kept, path, &back, "text/event-stream", |_| String::new());
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["contents"][1]["parts"][0]["functionCall"]["args"], wrote);
}

/// The store lost what another replica wrote, and nobody tells.
#[test]
fn a_replica_that_alone_remembers_less_is_counted() {
    let settings = Arc::new(settings());
    for (turns, lost) in [(0, false), (1, true), (3, true)] {
        let mut kept = Kept::new();
        let mut client = Client::new(&settings, &mut kept, Some("s"));
        client.turn("Hello i-0123456789abcdef0.", echo);
        client.turn("Go on.", echo);
        let old = client.kept.clone();
        for _ in 0..turns {
            client.turn("Go on.", echo);
        }
        client.kept.clear();
        client.stale = Some(old);
        client.turn("Go on.", echo);
        assert_eq!((client.fault, client.lost), (None, lost), "{turns}");
        client.lost = false;
        client.turn("Go on.", echo);
        assert!(!client.lost, "it was written again");
    }
}

#[test]
fn replicas_that_began_a_conversation_with_different_patterns_agree() {
    let (before, after) = (with(&["one"], 1, false), with(&["one", "two"], 2, false));
    let mut kept = Kept::new();
    let mut client = Client::new(&before, &mut kept, Some("s"));
    client.turn(TEXT, echo);
    // The other has met nothing of it, as its answer of the store tells.
    client.settings = after;
    client.stale = Some(Kept::new());
    assert!(client.turn("And the-two?", echo).0.contains("the-two"));
    assert_eq!(client.fault, None);
}

#[test]
fn two_blocks_that_look_the_same_come_back_as_each_was_written() {
    let settings = Arc::new(settings());
    let first = "aws rds describe-db-instances --db-instance-identifier prod --x";
    let call = |name: &str| {
        json!([{"type": "tool_use", "id": "t", "name": "Bash",
            "input": {"command": format!("aws rds reboot-db-instance --db-instance-identifier {name}")}}])
    };
    let named = |said: &str| said.split(' ').nth(4).unwrap().to_owned();
    let mut kept = Kept::new();
    let mut client = Client::new(&settings, &mut kept, Some("s"));
    client.turn(first, |said| call(&named(said)));
    // Guessed by the model: it is masked when it comes back.
    client.turn(first, |_| call("prod"));
    client.turn(first, |said| call(&named(said)));
    client.turn(first, |_| call("prod"));
    client.turn(first, echo);
    assert_eq!(client.fault, None);
}

#[test]
fn a_changed_beginning_is_noticed() {
    let settings = Arc::new(settings());
    let mut kept = Kept::new();
    let mut client = Client::new(&settings, &mut kept, Some("s"));
    client.turn("Hello i-0123456789abcdef0.", |_| text("Such as i-0fedcba9876543210."));
    client.turn("Go on.", echo);
    assert_eq!((client.fault, client.originals), (None, 1));
    // As if the blocks alone were lost.
    for plain in client.kept.values_mut() {
        let source = String::from_utf8(plain.to_vec()).unwrap();
        if let Some(at) = source.find("\"originals\":[") {
            let end = at + source[at..].find(']').unwrap();
            let cut = format!("{}{}", &source[..at + 13], &source[end..]);
            **plain = cut.into_bytes();
        }
    }
    client.provider.messages.clear();
    client.turn("Go on.", echo);
    assert_eq!(client.fault, Some(Cause::Unknown));
    // What the client itself changes is no fault.
    client.fault = None;
    client.messages[0]["content"] = json!("Hello i-0123456789abcdef0!");
    client.provider.messages.clear();
    client.turn("Go on.", echo);
    assert_eq!(client.fault, None);
}
