//! Our part of Envoy's protocol, held against Envoy's own files.

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::extensions::filters::http::ext_proc::v3::processing_mode::BodySendMode;
use envoy_types::pb::envoy::service::ext_proc::v3::body_mutation::Mutation;
use envoy_types::pb::envoy::service::ext_proc::v3::common_response::ResponseStatus;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_request::Request;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_response::Response;
use envoy_types::pb::envoy::service::ext_proc::v3::{
    HeaderMutation, HttpBody, HttpHeaders, HttpTrailers, ProcessingRequest, ProcessingResponse,
    ProtocolConfiguration,
};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use masker::ext_proc::exchange::{Input, Output};
use masker::ext_proc::refuse::Reply;
use masker::ext_proc::{proto, wire};
use prost::Message as _;

fn header(key: &str, value: &str, raw: &[u8]) -> HeaderValue {
    HeaderValue { key: key.to_owned(), value: value.to_owned(), raw_value: raw.to_vec() }
}

/// What we read of what Envoy writes, with all that we do not know set too.
fn read(request: Request) -> Input {
    let text = Value { kind: Some(Kind::StringValue("ignored".to_owned())) };
    let other = Struct { fields: [("other".to_owned(), text)].into() };
    let message = ProcessingRequest {
        request: Some(request),
        attributes: [("envoy.filters.http.ext_proc".to_owned(), other)].into(),
        metadata_context: Some(Default::default()),
        protocol_config: Some(ProtocolConfiguration {
            request_body_mode: BodySendMode::FullDuplexStreamed.into(),
            response_body_mode: BodySendMode::FullDuplexStreamed.into(),
            send_body_without_waiting_for_header_response: true,
        }),
        ..ProcessingRequest::default()
    };
    let bytes = message.encode_to_vec();
    let own = proto::ProcessingRequest::decode(bytes.as_slice()).expect("it is read");
    wire::input(own).expect("it is known")
}

/// What Envoy reads of what we write.
fn written(output: Output) -> ProcessingResponse {
    let bytes = wire::output(output).encode_to_vec();
    let theirs = ProcessingResponse::decode(bytes.as_slice()).expect("it is read");
    assert_eq!(theirs.encoded_len(), bytes.len(), "Envoy knows every field");
    theirs
}

#[test]
fn every_message_of_envoy_is_read() {
    let headers = HeaderMap {
        headers: vec![header(":path", "", b"/v1/messages"), header("X-Old", "older", b"")],
    };
    let own =
        HttpHeaders { headers: Some(headers.clone()), end_of_stream: true, ..Default::default() };
    let Input::RequestHeaders { headers: seen, end: true, fully_streamed: true } =
        read(Request::RequestHeaders(own.clone()))
    else {
        panic!("request headers");
    };
    assert_eq!((seen.path(), seen.text("x-old")), ("/v1/messages", Some("older")));
    let Input::ResponseHeaders { headers: seen, end: true } = read(Request::ResponseHeaders(own))
    else {
        panic!("response headers");
    };
    assert_eq!(seen.text("x-old"), Some("older"));
    for end in [false, true] {
        let own = HttpBody { body: b"text".to_vec(), end_of_stream: end, ..Default::default() };
        let Input::RequestBody { bytes, end: seen } = read(Request::RequestBody(own.clone()))
        else {
            panic!("a request's body");
        };
        assert_eq!((bytes.as_ref(), seen), (b"text".as_slice(), end));
        let Input::ResponseBody { bytes, end: seen } = read(Request::ResponseBody(own)) else {
            panic!("an answer's body");
        };
        assert_eq!((bytes.as_ref(), seen), (b"text".as_slice(), end));
    }
    let own = HttpTrailers { trailers: Some(headers) };
    let Input::RequestTrailers { names } = read(Request::RequestTrailers(own.clone())) else {
        panic!("request trailers");
    };
    assert_eq!(names, [":path", "x-old"]);
    assert!(matches!(read(Request::ResponseTrailers(own)), Input::ResponseTrailers));
}

#[test]
fn another_body_mode_is_seen() {
    for mode in [BodySendMode::None, BodySendMode::Buffered, BodySendMode::Streamed] {
        let config = ProtocolConfiguration {
            request_body_mode: BodySendMode::FullDuplexStreamed.into(),
            response_body_mode: mode.into(),
            ..ProtocolConfiguration::default()
        };
        let message = ProcessingRequest {
            request: Some(Request::RequestHeaders(HttpHeaders::default())),
            protocol_config: Some(config),
            ..ProcessingRequest::default()
        };
        let own = proto::ProcessingRequest::decode(message.encode_to_vec().as_slice());
        let input = wire::input(own.expect("it is read"));
        assert!(matches!(input, Some(Input::RequestHeaders { fully_streamed: false, .. })));
    }
}

#[test]
fn envoy_reads_every_answer() {
    let sent = written(Output::RequestHeaders { remove: vec!["x-masker-tenant"], findings: 3 });
    let Kind::StructValue(proof) =
        sent.dynamic_metadata.expect("the proof").fields["masker"].kind.clone().expect("a value")
    else {
        panic!("the proof is a struct");
    };
    assert_eq!(proof.fields["ok"].kind, Some(Kind::BoolValue(true)));
    assert_eq!(proof.fields["count"].kind, Some(Kind::NumberValue(3.0)));
    let Some(Response::RequestHeaders(headers)) = sent.response else { panic!("request headers") };
    let common = headers.response.expect("what is common");
    assert_eq!(common.status(), ResponseStatus::Continue);
    let mutation = common.header_mutation.expect("headers change");
    assert_eq!(mutation.remove_headers, ["x-masker-tenant"]);
    assert_eq!(set(&mutation), [("accept-encoding".to_owned(), "identity".to_owned())]);

    for end in [false, true] {
        let bytes = Bytes::from_static(b"text");
        let request = written(Output::RequestBody { bytes: bytes.clone(), end }).response;
        let answer = written(Output::ResponseBody { bytes, end }).response;
        let (Some(Response::RequestBody(one)), Some(Response::ResponseBody(other))) =
            (request, answer)
        else {
            panic!("bodies");
        };
        for body in [one, other] {
            let mutation = body.response.and_then(|common| common.body_mutation?.mutation);
            let Some(Mutation::StreamedResponse(streamed)) = mutation else { panic!("streamed") };
            assert_eq!(
                (streamed.body.as_slice(), streamed.end_of_stream),
                (b"text".as_slice(), end)
            );
        }
    }
    let remove = vec!["x-checksum".to_owned()];
    let Some(Response::RequestTrailers(trailers)) =
        written(Output::RequestTrailers { remove: remove.clone() }).response
    else {
        panic!("request trailers");
    };
    assert_eq!(trailers.header_mutation.expect("trailers change").remove_headers, remove);
    assert!(matches!(
        written(Output::ResponseHeaders { remove: Vec::new() }).response,
        Some(Response::ResponseHeaders(_))
    ));
    assert!(matches!(
        written(Output::ResponseTrailers).response,
        Some(Response::ResponseTrailers(_))
    ));
}

#[test]
fn envoy_reads_a_refusal() {
    let reply = Reply {
        status: 413,
        body: "{}".to_owned(),
        retry_after: Some(7),
        error_type: None,
        code: "too_large",
        error: "AWS_MASKER_2003",
    };
    let Some(Response::ImmediateResponse(sent)) = written(Output::Refuse(reply)).response else {
        panic!("an answer at once");
    };
    assert_eq!(sent.status.expect("a status").code, 413);
    assert_eq!(
        (sent.body.as_slice(), sent.details.as_str()),
        (b"{}".as_slice(), "masker_too_large")
    );
    let headers = set(&sent.headers.expect("headers"));
    for (name, value) in [("x-masker-refused", "too_large"), ("retry-after", "7")] {
        assert!(headers.contains(&(name.to_owned(), value.to_owned())), "{headers:?}");
    }
}

fn set(mutation: &HeaderMutation) -> Vec<(String, String)> {
    let one = |option: &envoy_types::pb::envoy::config::core::v3::HeaderValueOption| {
        assert_eq!(option.append_action(), HeaderAppendAction::OverwriteIfExistsOrAdd);
        let header = option.header.clone().expect("a header");
        (header.key, String::from_utf8(header.raw_value).expect("text"))
    };
    mutation.set_headers.iter().map(one).collect()
}
