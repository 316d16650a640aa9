//! Echoes every message of Envoy, as a correct processor in the mode
//! `FULL_DUPLEX_STREAMED` must, and says `masker.ok` so that the gate opens.

use std::pin::Pin;

use envoy_types::pb::envoy::service::ext_proc::v3::body_mutation::Mutation;
use envoy_types::pb::envoy::service::ext_proc::v3::external_processor_server::{
    ExternalProcessor, ExternalProcessorServer,
};
use envoy_types::pb::envoy::service::ext_proc::v3::processing_request::Request as Input;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_response::Response as Output;
use envoy_types::pb::envoy::service::ext_proc::v3::{
    BodyMutation, BodyResponse, CommonResponse, HeadersResponse, HttpBody, ProcessingRequest,
    ProcessingResponse, StreamedBodyResponse, TrailersResponse,
};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

const MIB: u32 = 1 << 20;

/// Serves the processor and its health, with the transport limits that many
/// aborted requests need (a small-frame budget follows from the connection window).
pub(crate) async fn serve(listener: TcpListener) -> Result<(), tonic::transport::Error> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ExternalProcessorServer<Noop>>().await;
    let processor = ExternalProcessorServer::new(Noop).max_decoding_message_size(64 << 20);
    Server::builder()
        .initial_connection_window_size(1024 * MIB)
        .initial_stream_window_size(MIB)
        .http2_max_pending_accept_reset_streams(Some(1_000_000))
        .http2_max_local_error_reset_streams(None)
        .add_service(health_service)
        .add_service(processor)
        .serve_with_incoming(TcpListenerStream::new(listener).map(|stream| {
            let stream = stream?;
            stream.set_nodelay(true)?;
            Ok::<_, std::io::Error>(stream)
        }))
        .await
}

#[derive(Debug)]
struct Noop;

type Answers = Pin<Box<dyn Stream<Item = Result<ProcessingResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ExternalProcessor for Noop {
    type ProcessStream = Answers;

    async fn process(
        &self,
        request: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let mut inbound = request.into_inner();
        let (answers, receiver) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok(Some(message)) = inbound.message().await {
                let Some(answer) = message.request.map(echo) else { return };
                if answers.send(Ok(answer)).await.is_err() {
                    return;
                }
            }
        });
        // A stream that ends well lets Envoy go on alone; this one never does.
        let end = tokio_stream::once(Err(Status::aborted("the stream has ended")));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver).chain(end))))
    }
}

fn echo(input: Input) -> ProcessingResponse {
    let mut dynamic_metadata = None;
    let response = match input {
        Input::RequestHeaders(_) => {
            dynamic_metadata = Some(structure(
                "masker",
                Kind::StructValue(structure("ok", Kind::BoolValue(true))),
            ));
            Output::RequestHeaders(HeadersResponse::default())
        }
        Input::ResponseHeaders(_) => Output::ResponseHeaders(HeadersResponse::default()),
        Input::RequestBody(body) => Output::RequestBody(same(body)),
        Input::ResponseBody(body) => Output::ResponseBody(same(body)),
        Input::RequestTrailers(_) => Output::RequestTrailers(TrailersResponse::default()),
        Input::ResponseTrailers(_) => Output::ResponseTrailers(TrailersResponse::default()),
    };
    ProcessingResponse { dynamic_metadata, response: Some(response), ..Default::default() }
}

fn same(body: HttpBody) -> BodyResponse {
    let streamed = StreamedBodyResponse {
        body: body.body,
        end_of_stream: body.end_of_stream,
        ..Default::default()
    };
    let mutation = BodyMutation { mutation: Some(Mutation::StreamedResponse(streamed)) };
    let common = CommonResponse { body_mutation: Some(mutation), ..Default::default() };
    BodyResponse { response: Some(common) }
}

fn structure(key: &str, kind: Kind) -> Struct {
    Struct { fields: [(key.to_owned(), Value { kind: Some(kind) })].into() }
}
