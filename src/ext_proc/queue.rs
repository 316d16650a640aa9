//! What Envoy has sent and the exchange has not taken yet, bounded in bytes.
//!
//! Messages are read in a task of their own: the HTTP/2 connection of a reader
//! that waits for something else would count small frames as an attack and be
//! cut, with all streams on it.

use std::sync::Arc;

use envoy_types::pb::envoy::service::ext_proc::v3::ProcessingRequest;
use envoy_types::pb::envoy::service::ext_proc::v3::processing_request::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tonic::Streaming;

/// Bytes of bodies of one stream that may wait. A message that is larger waits alone.
const BYTES: u32 = 2 << 20;
/// Messages of one stream that may wait.
const MESSAGES: usize = 4096;

#[derive(Debug)]
pub(crate) struct Queue(mpsc::Receiver<Message>);

/// A message and its share of the queue.
#[derive(Debug)]
pub(crate) struct Message {
    inner: ProcessingRequest,
    _share: Option<OwnedSemaphorePermit>,
}

impl Message {
    /// The message; its share is given back.
    pub(crate) fn into_inner(self) -> ProcessingRequest {
        self.inner
    }
}

impl Queue {
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.0.recv().await
    }
}

/// Reads a stream until it ends or the queue is dropped.
pub(crate) fn read(mut stream: Streaming<ProcessingRequest>) -> Queue {
    let (sender, receiver) = mpsc::channel(MESSAGES);
    let room = Arc::new(Semaphore::new(usize::try_from(BYTES).unwrap_or(Semaphore::MAX_PERMITS)));
    tokio::spawn(async move {
        loop {
            let message = tokio::select! {
                message = stream.message() => message,
                () = sender.closed() => return,
            };
            // A reset is how Envoy ends a stream that is done: no error.
            let Ok(Some(inner)) = message else { return };
            let bytes = u32::try_from(len(&inner)).unwrap_or(BYTES).clamp(1, BYTES);
            let share = tokio::select! {
                share = Arc::clone(&room).acquire_many_owned(bytes) => share.ok(),
                () = sender.closed() => return,
            };
            if sender.send(Message { inner, _share: share }).await.is_err() {
                return;
            }
        }
    });
    Queue(receiver)
}

fn len(message: &ProcessingRequest) -> usize {
    match &message.request {
        Some(Request::RequestBody(body) | Request::ResponseBody(body)) => body.body.len(),
        _ => 0,
    }
}
