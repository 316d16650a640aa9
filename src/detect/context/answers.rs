//! What a command of AWS's prints, in the lines below it.

use std::ops::Range;

use memchr::memmem;

use crate::detect::Kind;
use crate::detect::boundary::left_of;
use crate::detect::catalog::Kinds;
use crate::detect::context::bytes::begins_like;
use crate::detect::context::columns::line_behind;
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::shape::is_account;
use crate::detect::context::value;

/// `2024-05-14 10:11:12 `
const DATED: usize = 20;
/// The lengths of buckets' names.
const BUCKETS: std::ops::RangeInclusive<usize> = 3..=63;

/// The kinds of what is printed.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) account: Kind,
    pub(super) bucket: Kind,
    pub(super) cluster: Kind,
}

impl Answers {
    pub(super) fn new(kinds: &mut Kinds) -> Self {
        let [account, bucket, cluster] =
            ["ACCOUNT", "S3_BUCKET", "EKS_CLUSTER"].map(|kind| kinds.make(kind));
        Self { account, bucket, cluster }
    }

    /// What stands below the command at `span`, if its line ends there.
    pub(super) fn below(
        &self,
        text: &[u8],
        span: &Range<usize>,
        (service, operation): (&[u8], &[u8]),
        out: &mut Findings,
    ) {
        let end = span.end + usize::from(text.get(span.end) == Some(&b'\r'));
        let command = text.get(span.clone()).unwrap_or_default();
        let accounts =
            operation == b"caller-identity" || memmem::find(command, b"Account").is_some();
        let line = end..end;
        match (service, operation) {
            (b"s3", b"ls") => buckets_below(text, line, |span| {
                out.all.push(Named { span, kind: self.bucket, alone: true });
            }),
            _ if accounts => ids(text, line, |span| {
                out.all.push(Named { span, kind: self.account, alone: true });
            }),
            _ => {}
        }
    }
}

/// Lines that hold nothing but account ids.
fn ids(text: &[u8], mut line: Range<usize>, mut found: impl FnMut(Range<usize>)) {
    while let Some(next) = line_behind(text, &line) {
        let whole = text.get(next.clone()).unwrap_or_default();
        let separates = |b: &u8| b" \t\r\"".contains(b);
        let words = || whole.split(separates).filter(|word| !word.is_empty());
        if words().next().is_none() || !words().all(is_account) || !left_of(text, next.start) {
            return;
        }
        let mut from = next.start;
        for word in whole.split(separates) {
            if !word.is_empty() {
                found(from..from + word.len());
            }
            from += word.len() + 1;
        }
        line = next;
    }
}

/// The names in lines below of the form of [`bucket`].
fn buckets_below(text: &[u8], mut line: Range<usize>, mut found: impl FnMut(Range<usize>)) {
    while let Some(next) = line_behind(text, &line) {
        let Some(bucket) = bucket(text, &next) else { return };
        value::name(text, bucket, b"").into_iter().for_each(&mut found);
        line = next;
    }
}

/// The names in all lines of that form.
pub(super) fn buckets(text: &[u8], found: &mut impl FnMut(Range<usize>)) {
    let mut start = 0;
    for line in text.split(|b| *b == b'\n') {
        let bucket = bucket(text, &(start..start + line.len()));
        bucket.and_then(|span| value::name(text, span, b"")).into_iter().for_each(&mut *found);
        start += line.len() + 1;
    }
}

/// What stands for a bucket in `2024-05-14 10:11:12 acme-raw-eu`. Objects have their size before
/// their key.
fn bucket(text: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    let whole = text.get(line.clone())?.trim_ascii_end();
    let (date, name) = whole.split_at_checked(DATED)?;
    let start = line.start + DATED;
    (begins_like(date, b"0000-00-00 00:00:00 ") && is_bucket(name))
        .then_some(start..start + name.len())
}

/// May a bucket have this name?
pub(super) fn is_bucket(name: &[u8]) -> bool {
    let outer = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(b);
    BUCKETS.contains(&name.len())
        && outer(name.first())
        && outer(name.last())
        && name.iter().all(inner)
}
