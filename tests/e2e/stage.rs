//! What a client needs to play Envoy on one stream.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::ext_proc::v3::body_mutation::Mutation;
use envoy_types::pb::envoy::service::ext_proc::v3::external_processor_client::ExternalProcessorClient;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_request::Request as Input;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_response::Response as Output;
use envoy_types::pb::envoy::service::ext_proc::v3::{
    BodyResponse, HttpBody, HttpHeaders, HttpTrailers, ProcessingRequest, ProcessingResponse,
    ProtocolConfiguration,
};
use envoy_types::pb::google::protobuf::value::Kind;
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::bed::Bed;

const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must come before it counts as silence.
const SILENCE: Duration = Duration::from_millis(300);
/// `FULL_DUPLEX_STREAMED`.
const FULL_DUPLEX: i32 = 4;

/// One message of Envoy.
#[derive(Debug)]
pub(crate) enum Play {
    /// Request headers with the right modes.
    Headers,
    /// Request headers with these body modes, or none.
    HeadersIn(Option<(i32, i32)>),
    Body(Vec<u8>, bool),
    Trailers,
    /// Response headers with a media type.
    Reply(&'static str),
    ReplyBody(Vec<u8>, bool),
    ReplyTrailers,
    /// A message that holds nothing.
    Nothing,
    /// The client's half of the stream ends.
    Close,
}

/// How a stream ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Ok,
    Error,
    /// An immediate response.
    Refused,
    /// Nothing more came.
    Never,
}

/// What masker sent for the request.
#[derive(Debug, Default)]
pub(crate) struct Masked {
    pub(crate) ok: bool,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) removed: Vec<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) largest: usize,
}

pub(crate) struct Exchange {
    inputs: Option<mpsc::Sender<ProcessingRequest>>,
    outputs: Streaming<ProcessingResponse>,
}

impl Exchange {
    pub(crate) async fn open(bed: &Bed) -> Self {
        let address = format!("http://127.0.0.1:{}", bed.masker_port);
        let mut client = ExternalProcessorClient::connect(address).await.expect("masker listens");
        let (inputs, receiver) = mpsc::channel(10_000);
        let answer = client.process(ReceiverStream::new(receiver)).await.expect("a stream");
        Self { inputs: Some(inputs), outputs: answer.into_inner() }
    }

    pub(crate) async fn play(&mut self, play: &Play) {
        let Some(message) = message(play) else {
            self.inputs = None;
            return;
        };
        // Masker may have ended the stream already.
        let inputs = self.inputs.as_ref().expect("the stream is open");
        let _sent = inputs.send(message).await;
    }

    async fn next(&mut self) -> Option<Output> {
        let message = timeout(PATIENCE, self.outputs.message()).await.expect("an output in time");
        let message = message.expect("no error").expect("no end");
        message.response
    }

    pub(crate) async fn assert_silent(&mut self) {
        let output = timeout(SILENCE, self.outputs.message()).await;
        assert!(output.is_err(), "{output:?}");
    }

    /// Header answer and body, up to the end of the request.
    pub(crate) async fn request(&mut self) -> Masked {
        let first = timeout(PATIENCE, self.outputs.message()).await.expect("an output in time");
        let first = first.expect("no error").expect("no end");
        let mut masked = Masked::default();
        let masker = first.dynamic_metadata.as_ref().and_then(|data| data.fields.get("masker"));
        if let Some(Kind::StructValue(masker)) = masker.and_then(|value| value.kind.as_ref()) {
            let ok = masker.fields.get("ok").and_then(|value| value.kind.as_ref());
            masked.ok = matches!(ok, Some(Kind::BoolValue(true)));
        }
        let Some(Output::RequestHeaders(headers)) = first.response else {
            panic!("headers come first: {:?}", first.response)
        };
        let mutation =
            headers.response.and_then(|common| common.header_mutation).unwrap_or_default();
        masked.removed = mutation.remove_headers;
        for header in mutation.set_headers.into_iter().filter_map(|option| option.header) {
            let value = if header.raw_value.is_empty() {
                header.value.into_bytes()
            } else {
                header.raw_value
            };
            masked.set.push((header.key, String::from_utf8_lossy(&value).into_owned()));
        }
        loop {
            match self.next().await {
                Some(Output::RequestBody(part)) => {
                    let (bytes, end) = streamed(part);
                    masked.largest = masked.largest.max(bytes.len());
                    masked.body.extend(bytes);
                    if end {
                        return masked;
                    }
                }
                Some(Output::RequestTrailers(_)) => return masked,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The restored answer, which ends as the provider's did.
    pub(crate) async fn answer(&mut self, trailers: bool) -> Vec<u8> {
        assert!(matches!(self.next().await, Some(Output::ResponseHeaders(_))));
        let mut restored = Vec::new();
        loop {
            match self.next().await {
                Some(Output::ResponseBody(part)) => {
                    let (bytes, end) = streamed(part);
                    restored.extend(bytes);
                    if end {
                        assert!(!trailers, "trailers are the end");
                        return restored;
                    }
                }
                Some(Output::ResponseTrailers(_)) if trailers => return restored,
                other => panic!("{other:?}"),
            }
        }
    }

    /// All that still comes, encoded, and how it ends.
    pub(crate) async fn end(&mut self) -> (End, Vec<u8>) {
        let mut bytes = Vec::new();
        loop {
            let Ok(next) = timeout(PATIENCE, self.outputs.message()).await else {
                return (End::Never, bytes);
            };
            match next {
                Ok(Some(message)) => {
                    bytes.extend(message.encode_to_vec());
                    if matches!(message.response, Some(Output::ImmediateResponse(_))) {
                        return (End::Refused, bytes);
                    }
                }
                Ok(None) => return (End::Ok, bytes),
                Err(status) => {
                    bytes.extend(format!("{status:?}").into_bytes());
                    return (End::Error, bytes);
                }
            }
        }
    }
}

fn streamed(part: BodyResponse) -> (Vec<u8>, bool) {
    let mutation = part.response.and_then(|common| common.body_mutation);
    match mutation.and_then(|mutation| mutation.mutation) {
        Some(Mutation::StreamedResponse(part)) => (part.body, part.end_of_stream),
        other => panic!("only streamed answers are legal: {other:?}"),
    }
}

fn message(play: &Play) -> Option<ProcessingRequest> {
    let modes = |modes: (i32, i32)| ProtocolConfiguration {
        request_body_mode: modes.0,
        response_body_mode: modes.1,
        ..Default::default()
    };
    let body = |body: &Vec<u8>, end_of_stream: &bool| HttpBody {
        body: body.clone(),
        end_of_stream: *end_of_stream,
        ..Default::default()
    };
    let mut message = ProcessingRequest::default();
    message.request = match play {
        Play::Headers | Play::HeadersIn(_) => {
            message.protocol_config = match play {
                Play::HeadersIn(given) => given.map(modes),
                _ => Some(modes((FULL_DUPLEX, FULL_DUPLEX))),
            };
            Some(Input::RequestHeaders(headers(&[
                (":method", "POST"),
                (":path", "/v1/messages"),
                (":authority", "gateway"),
                (":scheme", "http"),
                ("content-type", "application/json"),
                ("x-api-key", "sk-ant-api03-e2e"),
                ("x-masker-tenant", "stage"),
            ])))
        }
        Play::Body(bytes, end) => Some(Input::RequestBody(body(bytes, end))),
        Play::Trailers => Some(Input::RequestTrailers(HttpTrailers::default())),
        Play::Reply(media_type) => Some(Input::ResponseHeaders(headers(&[
            (":status", "200"),
            ("content-type", media_type),
        ]))),
        Play::ReplyBody(bytes, end) => Some(Input::ResponseBody(body(bytes, end))),
        Play::ReplyTrailers => Some(Input::ResponseTrailers(HttpTrailers::default())),
        Play::Nothing => None,
        Play::Close => return None,
    };
    Some(message)
}

fn headers(pairs: &[(&str, &str)]) -> HttpHeaders {
    let headers = pairs.iter().map(|(key, value)| HeaderValue {
        key: (*key).to_owned(),
        raw_value: value.as_bytes().to_vec(),
        ..Default::default()
    });
    HttpHeaders { headers: Some(HeaderMap { headers: headers.collect() }), ..Default::default() }
}
