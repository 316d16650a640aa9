//! Every split of every golden body gives the same bytes as the whole.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::driver::{
    Answers, answered, forwarded, forwarded_as, masked, masked_pieces, new, request_body,
    request_headers, send,
};
use crate::golden_streams::streams;
use crate::planted::{Golden, all};

/// The body that the job gets, of one that came in these pieces.
fn collected(golden: &Golden, pieces: &[&[u8]]) -> Vec<u8> {
    let mut exchange = new();
    let headers = request_headers(golden.family.path, golden.family.media, false);
    send(&mut exchange, headers).unwrap();
    for (index, piece) in pieces.iter().enumerate() {
        exchange.input(request_body(piece, index + 1 == pieces.len())).unwrap();
        assert!(exchange.output().is_none(), "nothing leaves before the whole is masked");
    }
    exchange.job().expect("the body is whole").body
}

#[test]
fn a_request_that_is_split_anywhere_is_masked_alike() {
    for golden in all() {
        let source = golden.source.as_bytes();
        let whole = masked(golden.family.path, golden.family.media, &golden.source);
        for at in 0..=source.len() {
            let (head, tail) = source.split_at(at);
            assert_eq!(collected(&golden, &[head, tail]), source, "{} {at}", golden.name);
        }
        // Masking sees the collected body only: a few splits show it.
        for size in [1, 2, 3, 61] {
            let pieces: Vec<&[u8]> = source.chunks(size).collect();
            let split = masked_pieces(golden.family.path, golden.family.media, &pieces);
            assert_eq!(split.body.bytes(), whole.body.bytes(), "{} {size}", golden.name);
        }
    }
}

/// Cuts `bytes` at these positions.
pub(crate) fn cut<'b>(bytes: &'b [u8], at: &[usize]) -> Vec<&'b [u8]> {
    let mut at: Vec<_> = at.iter().map(|at| at % (bytes.len() + 1)).collect();
    at.sort_unstable();
    let ends = at.iter().copied().chain([bytes.len()]);
    let mut from = 0;
    let piece = |end: usize| {
        let piece = &bytes[from..end];
        from = end;
        piece
    };
    ends.map(piece).collect()
}

#[test]
fn an_answer_that_is_split_anywhere_is_restored_alike() {
    for (path, source, request) in streams() {
        let source = source.as_bytes();
        let answers = Answers::new("/v1/messages", "text/event-stream", &request);
        let restore = |pieces: &[&[u8]]| answers.restored(pieces);
        let whole = restore(&[source]);
        for at in 0..=source.len() {
            let (head, tail) = source.split_at(at);
            assert!(restore(&[head, tail]) == whole, "{} {at}", path.display());
        }
        for size in [1, 2, 3, 7, 64] {
            let pieces: Vec<&[u8]> = source.chunks(size).collect();
            assert!(restore(&pieces) == whole, "{} by {size}", path.display());
        }
    }
}

#[test]
fn other_answers_are_restored_alike_however_they_are_split() {
    for golden in all() {
        let upstream = fs::read(&golden.masked).unwrap();
        let (path, media) = (golden.family.path, golden.family.media);
        let restore = |pieces: &[&[u8]]| {
            answered(&mut forwarded_as(path, media, &golden.source), media, pieces)
        };
        let whole = restore(&[&upstream]);
        for size in [1, 5, 64] {
            let pieces: Vec<&[u8]> = upstream.chunks(size).collect();
            assert!(restore(&pieces) == whole, "{} by {size}", golden.name);
        }
    }
}

proptest! {
    #![proptest_config(crate::driver::cases())]

    #[test]
    fn random_splits_give_the_same_bytes(which in 0..100_usize, at in vec(0..100_000_usize, 0..12)) {
        let goldens = all();
        let golden = &goldens[which % goldens.len()];
        let source = golden.source.as_bytes();
        prop_assert_eq!(collected(golden, &cut(source, &at)), source);
        let streams = streams();
        let (_, source, request) = &streams[which % streams.len()];
        let source = source.as_bytes();
        let restore = |pieces: &[&[u8]]| answered(&mut forwarded(request), "text/event-stream", pieces);
        prop_assert_eq!(restore(&cut(source, &at)), restore(&[source]));
    }
}
