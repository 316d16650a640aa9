//! A faulty processor. It ends its stream with the status OK, after which
//! Envoy goes on without it and only the gate behind it is left; or it panics.

use std::pin::Pin;

use envoy_types::pb::envoy::service::ext_proc::v3::external_processor_server::{
    ExternalProcessor, ExternalProcessorServer,
};
use envoy_types::pb::envoy::service::ext_proc::v3::processing_request::Request as Input;
use envoy_types::pb::envoy::service::ext_proc::v3::{ProcessingRequest, ProcessingResponse};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// When the processor ends its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    Nothing,
    Headers,
    Body,
}

/// How it does so.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// With the status OK.
    Well,
    /// In the task that takes Envoy's messages and gives the answers.
    Panic,
    /// In a task beside it, which drops the sender of the answers.
    PanicBeside,
}

pub(crate) async fn serve(listener: TcpListener, after: After, how: How) {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ExternalProcessorServer<HangUp>>().await;
    let served = Server::builder()
        .add_service(health_service)
        .add_service(ExternalProcessorServer::new(HangUp(after, how)))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await;
    served.expect("the processor is served");
}

#[derive(Debug)]
struct HangUp(After, How);

type Answers = Pin<Box<dyn Stream<Item = Result<ProcessingResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ExternalProcessor for HangUp {
    type ProcessStream = Answers;

    async fn process(
        &self,
        request: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let Self(after, how) = *self;
        let mut done = matches!(after, After::Nothing);
        let inbound = request.into_inner();
        let mut answers = inbound.take_while(move |message| {
            let now = done;
            assert!(!now || matches!(how, How::Well), "as planned");
            let message = message.as_ref().ok().and_then(|message| message.request.as_ref());
            done = match after {
                After::Nothing | After::Headers => true,
                After::Body => matches!(message, Some(Input::RequestBody(_))),
            };
            !now
        });
        if matches!(how, How::PanicBeside) {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(async move {
                while answers.next().await.is_some() {}
                drop(sender);
            });
            return Ok(Response::new(Box::pin(ReceiverStream::new(receiver))));
        }
        // Messages are taken in and answered by nothing.
        Ok(Response::new(Box::pin(answers.filter_map(|_| None))))
    }
}
