//! The gRPC server: Envoy's bytes become inputs, and outputs Envoy's bytes.
//!
//! What is generated for the API would hand over Envoy's messages. They are large, and each
//! exchange would have a channel and a queue of them.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use envoy_types::pb::envoy::service::ext_proc::v3::ProcessingRequest;
use envoy_types::pb::envoy::service::ext_proc::v3::external_processor_server::SERVICE_NAME;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use prost::Message as _;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{Body as HttpBody, BoxFuture, Service as Tower, StdError};
use tonic::metadata::GRPC_CONTENT_TYPE;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Code, Status, Streaming};

use crate::ext_proc::messages::{Input, Output};
use crate::ext_proc::service::{Answers, Service};
use crate::ext_proc::wire;

/// The only method of the API.
const METHOD: &str = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
/// What a stream takes for its messages before there is any: most headers have room in it,
/// and for a body as much is taken as it is long.
const BUFFER: usize = 2 << 10;
/// What is written at once, if it is there.
const WRITTEN: usize = 32 << 10;

/// Serves exchanges. Clones share everything.
#[derive(Clone, Debug)]
pub struct Server {
    service: Arc<Service>,
    /// Bytes of a message, either way.
    limit: usize,
}

impl Server {
    #[must_use]
    pub fn new(service: Service, limit: usize) -> Self {
        Self { service: Arc::new(service), limit }
    }
}

impl NamedService for Server {
    const NAME: &'static str = SERVICE_NAME;
}

impl<B> Tower<Request<B>> for Server
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.uri().path() != METHOD {
            return Box::pin(ready(Ok(unimplemented())));
        }
        let (method, limit) = (Method(Arc::clone(&self.service)), Some(self.limit));
        Box::pin(async move {
            let mut grpc = Grpc::new(Wire).apply_max_message_size_config(limit, limit);
            Ok(grpc.streaming(method, request).await)
        })
    }
}

fn unimplemented() -> Response<Body> {
    let mut response = Response::new(Body::default());
    let headers = response.headers_mut();
    headers.insert(Status::GRPC_STATUS, i32::from(Code::Unimplemented).into());
    headers.insert(CONTENT_TYPE, GRPC_CONTENT_TYPE);
    response
}

struct Method(Arc<Service>);

impl StreamingService<Option<Input>> for Method {
    type Response = Output;
    type ResponseStream = Answers;
    type Future = Ready<Result<tonic::Response<Answers>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Option<Input>>>) -> Self::Future {
        let answers = Service::begin(&self.0, request.into_inner());
        ready(Ok(tonic::Response::new(answers)))
    }
}

/// Messages to inputs, None where masker knows nothing of what one holds; and outputs to
/// messages.
#[derive(Debug)]
struct Wire;

impl Codec for Wire {
    type Encode = Output;
    type Decode = Option<Input>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Decoder for Wire {
    type Item = Option<Input>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let message = ProcessingRequest::decode(from);
        let message = message.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Some(wire::input(message)))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, WRITTEN)
    }
}

impl Encoder for Wire {
    type Item = Output;
    type Error = Status;

    fn encode(&mut self, output: Output, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let message = wire::output(output);
        to.reserve(message.encoded_len());
        message.encode(to).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, WRITTEN)
    }
}
