//! Bodies that are alike, and new in each request: what was masked is not scanned again.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Outcome, bodies};

/// Digits that differ from request to request.
const DIGITS: usize = 8;
/// Stands where they go.
const SLOT: &str = "#_SLOT_#";

#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// Of one round.
    requests: usize,
    /// At least this much of the no-op's requests per second.
    pub(crate) rate: Option<f64>,
    /// Are latency and CPU judged too?
    pub(crate) exact: bool,
    template: Vec<u8>,
    slots: Vec<usize>,
    next: AtomicUsize,
}

impl Shape {
    pub(crate) fn all() -> Outcome<[Self; 5]> {
        let kb = |size| bodies::request(size).0;
        let ten = kb(10_000).replacen("Why do the", &format!("{} Why do the", names(4)), 1);
        Ok([
            Self::new("10 KB, 10 findings", 1_000, Some(0.9), &marked(&ten))?,
            Self::new("100 KB", 200, Some(0.8), &marked(&kb(100_000)))?,
            Self::new("1 MB", 30, Some(0.6), &marked(&kb(1_000_000)))?,
            Self::new("100 KB, resent", 200, None, &asked(&kb(100_000)))?,
            Self::new("1 MB, resent", 30, None, &asked(&kb(1_000_000)))?,
        ])
    }

    /// One body of about this size, sent once.
    pub(crate) fn large(size: usize) -> Outcome<Self> {
        Self::new("large", 1, None, &marked(&bodies::request(size).0))
    }

    fn new(
        name: &'static str,
        requests: usize,
        rate: Option<f64>,
        template: &str,
    ) -> Outcome<Self> {
        let template = template.replacen("\"stream\":true", "\"stream\":false", 1);
        let slots: Vec<_> = template.match_indices(SLOT).map(|(at, _)| at).collect();
        if slots.is_empty() {
            return Err(format!("{name}: nothing differs").into());
        }
        let (exact, template, next) = (requests >= 1_000, template.into_bytes(), 0.into());
        Ok(Self { name, requests, rate, exact, template, slots, next })
    }

    /// How many are sent in a round: all, or so many times fewer.
    pub(crate) fn requests(&self, fewer: usize) -> usize {
        // At least one for each client.
        (self.requests / fewer).max(16)
    }

    /// A body that was never sent.
    pub(crate) fn body(&self) -> Vec<u8> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let digits = format!("{number:0DIGITS$}");
        let mut body = self.template.clone();
        for &slot in &self.slots {
            if let Some(place) = body.get_mut(slot..slot + DIGITS) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        body
    }
}

/// Identifiers, new in each request.
fn names(count: usize) -> String {
    let name = |number: usize| format!("i-0{number:08x}{SLOT}");
    (0..count).map(name).collect::<Vec<_>>().join(" ")
}

/// The question alone differs, as when a conversation is sent again.
fn asked(body: &str) -> String {
    body.replacen("Why do the", &format!("Why does {} fail? Why do the", names(1)), 1)
}

/// Each text differs.
fn marked(body: &str) -> String {
    let mut body = asked(body);
    for key in ["text", "content", "description", "command"] {
        body = body.replace(&format!("\"{key}\":\""), &format!("\"{key}\":\"run {SLOT} "));
    }
    body
}
