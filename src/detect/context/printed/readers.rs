//! Where the output of a command goes.

use crate::detect::context::printed::programs;
use crate::detect::context::printed::shell::{Command, Into};

/// A command and its words from the program on.
pub(super) type Run<'c> = (&'c Command, Vec<&'c [u8]>);

/// The commands through which the output of this one reaches the answer, if it does.
pub(super) fn readers<'r>(
    all: &'r [Run<'_>],
    at: usize,
    shown: &[Vec<u8>],
) -> Option<Vec<&'r [&'r [u8]]>> {
    let (mut last, mut place) = (&all.get(at)?.0, at);
    let mut readers = Vec::new();
    while let Some(next) = all.iter().position(|(command, _)| command.from == Some(place)) {
        let (command, words) = all.get(next)?;
        let jq = words.first() == Some(&b"jq".as_slice());
        if !jq && !programs::passes_on(words) {
            return None;
        }
        readers.push(words.as_slice());
        (last, place) = (command, next);
    }
    let reaches = match &last.into {
        Into::Answer => true,
        Into::Variable(name) => shown.contains(name),
        Into::Word => false,
    };
    (reaches && !last.hidden).then_some(readers)
}
