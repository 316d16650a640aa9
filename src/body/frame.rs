//! The framings of streams: what an event is in each.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use crate::body::{eventstream, items, sse};

/// How a stream is cut into events.
#[derive(Debug)]
pub enum Framing {
    Sse(sse::Framer),
    /// AWS's binary messages.
    Messages(eventstream::Framer),
    /// The items of a JSON array.
    Items(items::Framer),
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    #[error("an event is longer than {0} bytes")]
    TooLong(usize),
    #[error("a checksum or length of an event is wrong")]
    Damaged,
}

impl From<sse::TooLong> for FrameError {
    fn from(sse::TooLong(limit): sse::TooLong) -> Self {
        Self::TooLong(limit)
    }
}

impl Framing {
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Sse(framer) => framer.push(bytes),
            Self::Messages(framer) => framer.push(bytes),
            Self::Items(framer) => framer.push(bytes),
        }
    }

    /// The next whole event.
    pub fn frame(&mut self) -> Result<Option<Frame>, FrameError> {
        Ok(match self {
            Self::Sse(framer) => framer.event()?.map(Frame::Sse),
            Self::Messages(framer) => framer.frame()?.map(Frame::Message),
            Self::Items(framer) => framer.item()?.map(Frame::Item),
        })
    }

    /// What is left at the end of the stream: an event that was cut off.
    #[must_use]
    pub fn rest(&mut self) -> Option<Frame> {
        let raw = match self {
            Self::Sse(framer) => return framer.rest().map(Frame::Sse),
            Self::Messages(framer) => framer.rest(),
            Self::Items(framer) => framer.rest(),
        };
        (!raw.is_empty()).then_some(Frame::Rest(raw))
    }
}

/// One event.
#[derive(Debug)]
pub enum Frame {
    Sse(sse::Event),
    Message(eventstream::Frame),
    Item(items::Item),
    /// Bytes that are no event.
    Rest(Bytes),
}

impl Frame {
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        match self {
            Self::Sse(event) => event.raw(),
            Self::Message(frame) => frame.raw(),
            Self::Item(item) => item.raw(),
            Self::Rest(raw) => raw,
        }
    }

    /// What the framing calls the event.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Message(frame) => frame.name(),
            _ => None,
        }
    }

    /// A comment that only shows that the sender is alive.
    #[must_use]
    pub fn is_sign_of_life(&self) -> bool {
        matches!(self, Self::Sse(event) if event.data().is_none())
    }

    /// The data of the event. `None`: there is none, or it is not UTF-8.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Sse(event) => event.data(),
            Self::Message(frame) => frame.data(),
            Self::Item(item) => item.data(),
            Self::Rest(_) => None,
        }
    }

    /// Where the data stands in the bytes of the event, if it is in one piece as it is.
    #[must_use]
    pub(crate) fn line(&self) -> Option<Range<usize>> {
        match self {
            Self::Sse(event) => event.line(),
            _ => None,
        }
    }

    /// The event with other data.
    #[must_use]
    pub fn with_data(&self, data: &str) -> Vec<u8> {
        match self {
            Self::Sse(event) => event.with_data(data),
            Self::Message(frame) => frame.with_data(data),
            Self::Item(item) => item.with_data(data),
            Self::Rest(raw) => raw.to_vec(),
        }
    }
}
