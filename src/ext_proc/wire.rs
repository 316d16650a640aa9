//! Envoy's messages to inputs, and outputs to Envoy's messages.

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::extensions::filters::http::ext_proc::v3::processing_mode::BodySendMode;
use envoy_types::pb::envoy::service::ext_proc::v3::body_mutation::Mutation;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_request::Request;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_response::Response;
use envoy_types::pb::envoy::service::ext_proc::v3::{
    BodyMutation, BodyResponse, CommonResponse, HeaderMutation, HeadersResponse, HttpBody,
    ImmediateResponse, ProcessingRequest, ProcessingResponse, ProtocolConfiguration,
    StreamedBodyResponse, TrailersResponse,
};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::value::Kind as ProtoKind;
use envoy_types::pb::google::protobuf::{Struct, Value as ProtoValue};

use crate::ext_proc::exchange::{Input, Output};
use crate::ext_proc::headers::Headers;
use crate::ext_proc::refuse::Reply;

/// The namespace of the proof, `metadata_options.receiving_namespaces` in Envoy.
const NAMESPACE: &str = "masker";

/// Reads one message. `None`: it holds nothing that masker knows.
#[must_use]
pub fn input(message: ProcessingRequest) -> Option<Input> {
    let config = message.protocol_config;
    Some(match message.request? {
        Request::RequestHeaders(own) => Input::RequestHeaders {
            fully_streamed: config.is_some_and(|config| fully_streamed(&config)),
            headers: headers(own.headers),
            end: own.end_of_stream,
        },
        Request::RequestBody(HttpBody { body, end_of_stream, .. }) => {
            Input::RequestBody { bytes: Bytes::from(body), end: end_of_stream }
        }
        Request::RequestTrailers(own) => {
            Input::RequestTrailers { names: headers(own.trailers).names() }
        }
        Request::ResponseHeaders(own) => {
            Input::ResponseHeaders { headers: headers(own.headers), end: own.end_of_stream }
        }
        Request::ResponseBody(HttpBody { body, end_of_stream, .. }) => {
            Input::ResponseBody { bytes: Bytes::from(body), end: end_of_stream }
        }
        Request::ResponseTrailers(_) => Input::ResponseTrailers,
    })
}

fn fully_streamed(config: &ProtocolConfiguration) -> bool {
    let duplex = i32::from(BodySendMode::FullDuplexStreamed);
    config.request_body_mode == duplex && config.response_body_mode == duplex
}

fn headers(map: Option<HeaderMap>) -> Headers {
    let own = |mut header: HeaderValue| {
        // Envoy fills `raw_value`; `value` is its older form.
        let value = if header.raw_value.is_empty() {
            Bytes::from(header.value)
        } else {
            Bytes::from(header.raw_value)
        };
        header.key.make_ascii_lowercase();
        (header.key, value)
    };
    map.into_iter().flat_map(|map| map.headers).map(own).collect()
}

/// Writes one message.
#[must_use]
pub fn output(output: Output) -> ProcessingResponse {
    let mut message = ProcessingResponse::default();
    message.response = Some(match output {
        Output::RequestHeaders { remove, findings } => {
            message.dynamic_metadata = Some(metadata(proof(findings)));
            let mutation = HeaderMutation {
                // Compressed answers would have to be inflated.
                set_headers: vec![header("accept-encoding", "identity")],
                remove_headers: owned(&remove),
            };
            Response::RequestHeaders(headers_response(Some(mutation)))
        }
        Output::BypassHeaders => {
            message.dynamic_metadata = Some(metadata(vec![("bypass", ProtoKind::BoolValue(true))]));
            let mutation = HeaderMutation {
                remove_headers: owned(&["x-masker-tenant"]),
                ..HeaderMutation::default()
            };
            Response::RequestHeaders(headers_response(Some(mutation)))
        }
        Output::BypassedHeaders => {
            let mutation = HeaderMutation {
                set_headers: vec![header("x-masker-mode", "bypass")],
                ..HeaderMutation::default()
            };
            Response::ResponseHeaders(headers_response(Some(mutation)))
        }
        Output::RequestBody { bytes, end } => Response::RequestBody(body_response(bytes, end)),
        Output::RequestTrailers { remove } => Response::RequestTrailers(TrailersResponse {
            header_mutation: Some(HeaderMutation {
                remove_headers: remove,
                ..HeaderMutation::default()
            }),
        }),
        Output::ResponseHeaders { remove } => {
            let mutation = (!remove.is_empty()).then(|| HeaderMutation {
                remove_headers: owned(&remove),
                ..HeaderMutation::default()
            });
            Response::ResponseHeaders(headers_response(mutation))
        }
        Output::ResponseBody { bytes, end } => Response::ResponseBody(body_response(bytes, end)),
        Output::ResponseTrailers => Response::ResponseTrailers(TrailersResponse::default()),
        Output::Refuse(reply) => Response::ImmediateResponse(immediate(reply)),
    });
    message
}

/// What the RBAC filter behind this one asks for.
fn proof(findings: u64) -> Vec<(&'static str, ProtoKind)> {
    // Metadata numbers are doubles; counts are far below 2^53.
    let count = f64::from(u32::try_from(findings).unwrap_or(u32::MAX));
    vec![("ok", ProtoKind::BoolValue(true)), ("count", ProtoKind::NumberValue(count))]
}

/// Under our own name in Envoy's dynamic metadata.
fn metadata(fields: Vec<(&'static str, ProtoKind)>) -> Struct {
    let own = |name: &str, kind| (name.to_owned(), ProtoValue { kind: Some(kind) });
    let fields = fields.into_iter().map(|(name, kind)| own(name, kind));
    let inner = Struct { fields: fields.collect() };
    let outer = own(NAMESPACE, ProtoKind::StructValue(inner));
    Struct { fields: [outer].into_iter().collect() }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn header(name: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            raw_value: value.as_bytes().to_vec(),
            ..HeaderValue::default()
        }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    }
}

fn headers_response(mutation: Option<HeaderMutation>) -> HeadersResponse {
    let common = CommonResponse { header_mutation: mutation, ..CommonResponse::default() };
    HeadersResponse { response: Some(common) }
}

fn body_response(bytes: Bytes, end: bool) -> BodyResponse {
    // The only mutation that FULL_DUPLEX_STREAMED accepts.
    let streamed = StreamedBodyResponse {
        // Not copied, unless somebody else holds a part of it.
        body: bytes.into(),
        end_of_stream: end,
        ..StreamedBodyResponse::default()
    };
    let mutation = BodyMutation { mutation: Some(Mutation::StreamedResponse(streamed)) };
    let common = CommonResponse { body_mutation: Some(mutation), ..CommonResponse::default() };
    BodyResponse { response: Some(common) }
}

fn immediate(reply: Reply) -> ImmediateResponse {
    let mut set_headers = vec![
        header("content-type", "application/json"),
        // One of a closed set, for operators and tests.
        header("x-masker-refused", reply.code),
        header("x-masker-error", reply.error),
    ];
    set_headers.extend(reply.error_type.map(|name| header("x-amzn-errortype", name)));
    set_headers
        .extend(reply.retry_after.map(|seconds| header("retry-after", &seconds.to_string())));
    ImmediateResponse {
        status: Some(HttpStatus { code: i32::from(reply.status) }),
        headers: Some(HeaderMutation { set_headers, ..HeaderMutation::default() }),
        body: reply.body.into_bytes(),
        details: format!("masker_{}", reply.code),
        ..ImmediateResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_goes_with_released_headers_only() {
        let sent = output(Output::RequestHeaders { remove: vec!["x-masker-tenant"], findings: 3 });
        let metadata = sent.dynamic_metadata.unwrap();
        let Some(ProtoKind::StructValue(inner)) = metadata.fields["masker"].kind.clone() else {
            panic!("no struct");
        };
        assert_eq!(inner.fields["ok"].kind, Some(ProtoKind::BoolValue(true)));
        assert_eq!(inner.fields["count"].kind, Some(ProtoKind::NumberValue(3.0)));
        let sent = output(Output::BypassHeaders).dynamic_metadata.unwrap();
        let Some(ProtoKind::StructValue(inner)) = sent.fields["masker"].kind.clone() else {
            panic!("no struct");
        };
        assert_eq!(inner.fields.keys().collect::<Vec<_>>(), ["bypass"], "no proof");
        for other in [
            Output::BypassedHeaders,
            Output::RequestBody { bytes: Bytes::new(), end: true },
            Output::ResponseHeaders { remove: Vec::new() },
            Output::ResponseTrailers,
        ] {
            assert_eq!(output(other).dynamic_metadata, None);
        }
    }
}
