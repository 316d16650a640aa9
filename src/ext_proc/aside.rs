//! Exchanges that are not masked, because an operator or failures say so:
//! refused at their headers, or passed as they are. No I/O, no clock.
//!
//! What passes unmasked carries no proof: the metadata `masker` says `bypass`,
//! never `ok`. Envoy lets it through only where its own configuration admits
//! that too.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::ext_proc::endpoint::Endpoint;
use crate::ext_proc::messages::{Input, Output, parts};
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::tally::Tally;
use crate::mode::{Mode, View};
use crate::telemetry::labels::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Block(Option<Duration>),
    Pass,
    Refused,
}

/// One such exchange.
#[derive(Debug)]
pub struct Aside {
    what: What,
    outputs: VecDeque<Output>,
    pub tally: Tally,
}

impl Aside {
    /// None: in this mode requests are masked.
    #[must_use]
    pub fn of(view: View) -> Option<Self> {
        let what = match view.mode {
            Mode::Normal | Mode::Degraded => return None,
            Mode::BlockAll => What::Block(view.left),
            Mode::Bypass => What::Pass,
        };
        Some(Self { what, outputs: VecDeque::new(), tally: Tally::default() })
    }

    /// The next answer to Envoy.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes one message of Envoy.
    pub fn input(&mut self, input: Input) {
        match (self.what, input) {
            (What::Refused, _) => {}
            (What::Block(left), input) => self.refuse(left, &input),
            (What::Pass, input) => self.pass(input),
        }
    }

    fn refuse(&mut self, left: Option<Duration>, input: &Input) {
        let errors = match input {
            Input::RequestHeaders { headers, .. } => Endpoint::of(headers.path()).errors,
            _ => Default::default(),
        };
        let reply = Reason::Blocked(left).reply(errors);
        self.tally.outcome = Outcome::Refused;
        self.tally.code = Some(reply.code);
        self.what = What::Refused;
        self.outputs.push_back(Output::Refuse(reply));
    }

    fn pass(&mut self, input: Input) {
        let output = match input {
            Input::RequestHeaders { .. } => {
                self.tally.outcome = Outcome::Bypassed;
                Output::BypassHeaders
            }
            Input::RequestBody { bytes, end } => {
                self.tally.request_bytes += bytes.len();
                return self.cut(bytes, end, |bytes, end| Output::RequestBody { bytes, end });
            }
            Input::RequestTrailers { .. } => Output::RequestTrailers { remove: Vec::new() },
            Input::ResponseHeaders { .. } => Output::BypassedHeaders,
            Input::ResponseBody { bytes, end } => {
                return self.cut(bytes, end, |bytes, end| Output::ResponseBody { bytes, end });
            }
            Input::ResponseTrailers => Output::ResponseTrailers,
        };
        self.outputs.push_back(output);
    }

    fn cut(&mut self, bytes: Bytes, end: bool, output: impl Fn(Bytes, bool) -> Output) {
        self.outputs.extend(parts(bytes).map(|(part, last)| output(part, end && last)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext_proc::headers::Headers;
    use crate::ext_proc::messages::CHUNK;

    fn aside(mode: Mode, left: Option<u64>) -> Aside {
        let view = View { mode, cause: None, left: left.map(Duration::from_secs) };
        Aside::of(view).unwrap()
    }

    fn headers(path: &'static str) -> Input {
        let headers: Headers =
            [(":path".to_owned(), Bytes::from_static(path.as_bytes()))].into_iter().collect();
        Input::RequestHeaders { headers, end: false, fully_streamed: true }
    }

    fn outputs(aside: &mut Aside) -> Vec<Output> {
        std::iter::from_fn(|| aside.output()).collect()
    }

    #[test]
    fn masking_modes_have_none() {
        assert!(Aside::of(View::default()).is_none());
        assert!(Aside::of(View { mode: Mode::Degraded, ..View::default() }).is_none());
    }

    #[test]
    fn blocked_is_refused_once_in_the_providers_words() {
        for (left, wait) in [(None, 30), (Some(0), 1), (Some(17), 17), (Some(3600), 300)] {
            let mut aside = aside(Mode::BlockAll, left);
            aside.input(headers("/v1/messages"));
            aside.input(Input::RequestBody { bytes: Bytes::from_static(b"{}"), end: true });
            let outputs = outputs(&mut aside);
            let [Output::Refuse(reply)] = outputs.as_slice() else { panic!("{outputs:?}") };
            assert_eq!((reply.status, reply.retry_after), (503, Some(wait)), "{left:?}");
            assert!(reply.body.contains("\"type\":\"error\""), "{}", reply.body);
            assert_eq!(aside.tally.code, Some("blocked"));
        }
    }

    #[test]
    fn a_bypass_changes_no_byte_and_proves_nothing() {
        let mut aside = aside(Mode::Bypass, Some(9));
        let body = Bytes::from(vec![7; CHUNK + 5]);
        aside.input(headers("/v1/messages"));
        aside.input(Input::RequestBody { bytes: body.clone(), end: true });
        aside.input(Input::ResponseHeaders { headers: Headers::default(), end: false });
        aside.input(Input::ResponseBody { bytes: Bytes::new(), end: true });
        let outputs = outputs(&mut aside);
        let expected = [
            Output::BypassHeaders,
            Output::RequestBody { bytes: body.slice(..CHUNK), end: false },
            Output::RequestBody { bytes: body.slice(CHUNK..), end: true },
            Output::BypassedHeaders,
            Output::ResponseBody { bytes: Bytes::new(), end: true },
        ];
        assert_eq!(outputs, expected);
        assert_eq!(
            (aside.tally.outcome, aside.tally.request_bytes),
            (Outcome::Bypassed, CHUNK + 5)
        );
    }
}
