//! A faulty processor: it ends its stream with the status OK, after which
//! Envoy goes on without it. Only the gate behind it is left.

use std::pin::Pin;

use envoy_types::pb::envoy::service::ext_proc::v3::external_processor_server::{
    ExternalProcessor, ExternalProcessorServer,
};
use envoy_types::pb::envoy::service::ext_proc::v3::processing_request::Request as Input;
use envoy_types::pb::envoy::service::ext_proc::v3::{ProcessingRequest, ProcessingResponse};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// When the processor hangs up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    Nothing,
    Headers,
    Body,
}

pub(crate) async fn serve(listener: TcpListener, after: After) {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ExternalProcessorServer<HangUp>>().await;
    let served = Server::builder()
        .add_service(health_service)
        .add_service(ExternalProcessorServer::new(HangUp(after)))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await;
    served.expect("the processor is served");
}

#[derive(Debug)]
struct HangUp(After);

type Answers = Pin<Box<dyn Stream<Item = Result<ProcessingResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ExternalProcessor for HangUp {
    type ProcessStream = Answers;

    async fn process(
        &self,
        request: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let after = self.0;
        let mut done = matches!(after, After::Nothing);
        let inbound = request.into_inner();
        let answers = inbound.take_while(move |message| {
            let now = done;
            let message = message.as_ref().ok().and_then(|message| message.request.as_ref());
            done = match after {
                After::Nothing | After::Headers => true,
                After::Body => matches!(message, Some(Input::RequestBody(_))),
            };
            !now
        });
        // Messages are taken in and answered by nothing.
        Ok(Response::new(Box::pin(answers.filter_map(|_| None))))
    }
}
