//! What Envoy has sent and the exchange has not taken yet, bounded in bytes.
//!
//! Whatever an exchange waits for, its messages are read meanwhile: the HTTP/2 connection of
//! a reader that waits for something else would count small frames as an attack and be cut,
//! with all streams on it.

use std::collections::VecDeque;
use std::pin::pin;

use tonic::Streaming;

use crate::ext_proc::messages::Input;

/// Bytes of bodies of one stream that may wait, and one message more.
const BYTES: usize = 2 << 20;
/// Messages of one stream that may wait.
const MESSAGES: usize = 4096;

/// None: it holds nothing that masker knows.
type Message = Option<Input>;

#[derive(Debug)]
pub(crate) struct Queue {
    stream: Streaming<Message>,
    waiting: VecDeque<Message>,
    /// Of the bodies in `waiting`.
    bytes: usize,
    ended: bool,
}

impl Queue {
    pub(crate) fn new(stream: Streaming<Message>) -> Self {
        Self { stream, waiting: VecDeque::new(), bytes: 0, ended: false }
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        let waiting = self.waiting.pop_front();
        if let Some(message) = waiting {
            self.bytes -= len(&message);
            return Some(message);
        }
        if self.ended {
            return None;
        }
        let read = self.stream.message().await;
        self.came(read)
    }

    /// Does some work, and reads on until it is done.
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let room = !self.ended && self.bytes < BYTES && self.waiting.len() < MESSAGES;
            let read = tokio::select! {
                biased;
                done = &mut work => return done,
                read = self.stream.message(), if room => read,
            };
            if let Some(message) = self.came(read) {
                self.bytes += len(&message);
                self.waiting.push_back(message);
            }
        }
    }

    fn came<E>(&mut self, read: Result<Option<Message>, E>) -> Option<Message> {
        // A reset is how Envoy ends a stream that is done: no error.
        let message = read.ok().flatten();
        self.ended = message.is_none();
        message
    }
}

fn len(message: &Message) -> usize {
    match message {
        Some(Input::RequestBody { bytes, .. } | Input::ResponseBody { bytes, .. }) => bytes.len(),
        _ => 0,
    }
}
