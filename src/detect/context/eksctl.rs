//! Tables of eksctl: `CLUSTER NODEGROUP STATUS …`, `NAME REGION EKSCTL CREATED`.

use crate::detect::Kind;
use crate::detect::context::bytes::line_start;
use crate::detect::context::columns::{self, Wanted};
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::Names;
use crate::detect::context::value;

/// The heads of columns that nobody else has.
pub(crate) const HEADS: [&str; 2] = ["NODEGROUP", "EKSCTL CREATED"];
/// They stand so near to the beginning of their line.
const HEAD: usize = 128;

/// Is this the head of a column?
type IsHead = fn(&[u8]) -> bool;

impl Names {
    /// Names below the head around `at`.
    pub(crate) fn nodes(&self, text: &[u8], at: usize, out: &mut Findings) {
        let head = text.get(at.saturating_sub(HEAD)..at).unwrap_or_default();
        let head = head.get(line_start(head)..).unwrap_or_default();
        let begins = [b"CLUSTER".as_slice(), b"NAME"].iter().any(|first| head.starts_with(first));
        if at < out.nodes || !begins {
            return;
        }
        out.aws = true;
        let kind = |name: &[u8]| self.meaning(b"eksctl", name);
        let all: [(IsHead, Option<Kind>); 3] = [
            (|head| matches!(head, b"CLUSTER" | b"NAME"), kind(b"cluster")),
            (|head| head == b"NODEGROUP", kind(b"nodegroup")),
            (|head| head == b"ASG NAME", kind(b"asgname")),
        ];
        let mut end = at + 1;
        for (names, kind) in all {
            let wanted = Wanted { names, is: value::is_name, single: false, again: false };
            let mut read = 0;
            columns::below(text, at, &wanted, &mut read, |span| {
                let name = kind.map(|kind| Named { span, kind, alone: true });
                out.all.extend(name);
            });
            end = end.max(read);
        }
        out.nodes = end;
    }
}
