//! Commands and what they printed in one text, as people copy it from a terminal: behind a prompt,
//! the lines below it.

use std::ops::Range;

use crate::detect::context::Context;
use crate::detect::context::bytes::part;
use crate::detect::context::printed::Printed;
use crate::detect::context::printed::wrapped::{INPUT, OUTPUT};
use crate::detect::{Finding, boundary};

/// What stands before a command.
const PROMPTS: [&[u8]; 6] = [b"$ ", "❯ ".as_bytes(), "➜ ".as_bytes(), b"% ", b"# ", POWERSHELL];
const POWERSHELL: &[u8] = b"> ";
/// What stands in brackets before `PS` is not longer.
const FOLDER: usize = 64;
/// No more words stand before the sign of a prompt.
const WORDS: usize = 4;
/// No more commands of one text are read.
const COMMANDS: usize = 256;

impl Context {
    /// What commands printed that stand in the same text. `signs` are the places before spaces at
    /// which the sign of a prompt may end.
    pub(in crate::detect) fn transcripts(&self, text: &[u8], signs: &[usize]) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some((command, answer)) = typed(text) {
            self.transcript(text, command, answer, &mut found);
        }
        let mut prompts =
            Prompts { text, at: 0, signs, line: 0, seen: 0 }.take(COMMANDS).peekable();
        while let Some(Prompt { command, .. }) = prompts.next() {
            let until = prompts.peek().map_or(text.len(), |next| next.line);
            let below = text.get(command.end + 1..until).unwrap_or_default();
            let answer = command.end + 1..command.end + 1 + answer(below);
            if !answer.is_empty() {
                self.transcript(text, command, answer, &mut found);
            }
        }
        found.sort_by_key(|finding| finding.span.start);
        found
    }

    fn transcript(
        &self,
        text: &[u8],
        command: Range<usize>,
        answer: Range<usize>,
        out: &mut Vec<Finding>,
    ) {
        let mut printed = Printed { copied: true, ..Printed::default() };
        self.commands(part(text, &command), &mut printed);
        if printed.is_empty() {
            return;
        }
        let found = self.find_printed(&printed, part(text, &answer));
        out.extend(found.into_iter().filter_map(|finding| {
            let span = finding.span.start + answer.start..finding.span.end + answer.start;
            // Lines end with escapes, too.
            boundary::fits(text, &span).then_some(Finding { span, ..finding })
        }));
    }
}

/// Did a user of Claude Code type this?
pub(crate) fn is_typed(text: &str) -> bool {
    text.starts_with(INPUT.0)
}

/// What a user of Claude Code typed behind `!`, and what it printed.
fn typed(text: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let rest = text.strip_prefix(INPUT.0.as_bytes())?;
    let len = memchr::memmem::find(rest, INPUT.1.as_bytes())?;
    let behind = rest.get(len + INPUT.1.len()..)?;
    let gap = behind.len() - behind.trim_ascii_start().len();
    let answer = behind.get(gap..)?.strip_prefix(OUTPUT.0.as_bytes())?;
    let until = memchr::memmem::find(answer, OUTPUT.1.as_bytes()).unwrap_or(answer.len());
    let start = INPUT.0.len();
    let from = text.len() - answer.len();
    Some((start..start + len, from..from + until))
}

/// A command behind a prompt.
struct Prompt {
    /// Where its line begins.
    line: usize,
    command: Range<usize>,
}

/// The prompts in a text: each byte is read once.
struct Prompts<'t> {
    text: &'t [u8],
    at: usize,
    /// Where the signs that may be one end, in order.
    signs: &'t [usize],
    /// The line of the last that was looked at begins here, and it stands there.
    line: usize,
    seen: usize,
}

impl<'t> Prompts<'t> {
    /// The next sign from here on, and what it is.
    fn sign(&mut self) -> Option<(usize, &'static [u8])> {
        loop {
            let (&last, rest) = self.signs.split_first()?;
            self.signs = rest;
            let head = self.text.get(..last + 2)?;
            let prompt = PROMPTS.iter().find(|prompt| head.ends_with(prompt));
            let begin = prompt.map(|prompt| (head.len() - prompt.len(), *prompt));
            if let Some(sign) = begin.filter(|(begin, _)| *begin >= self.at) {
                return Some(sign);
            }
        }
    }
}

impl Iterator for Prompts<'_> {
    type Item = Prompt;

    fn next(&mut self) -> Option<Prompt> {
        loop {
            let (sign, prompt) = self.sign()?;
            let between = self.text.get(self.seen..sign)?;
            if let Some(at) = memchr::memrchr(b'\n', between) {
                self.line = self.seen + at + 1;
            }
            self.seen = sign;
            let line = self.line;
            let start = sign + prompt.len();
            self.at = start;
            if is_prompt(self.text.get(line..sign)?, prompt) {
                let end = start + end_of_command(self.text.get(start..)?)?;
                self.at = end;
                return Some(Prompt { line, command: start..end });
            }
            // A folder may hold what looks like the end of a prompt.
            if prompt == POWERSHELL {
                continue;
            }
            // No other prompt stands in this line.
            self.at += memchr::memchr(b'\n', self.text.get(start..)?)?;
        }
    }
}

/// May this stand before the sign of a prompt? Nothing, or who works where; before that of `root`,
/// with which comments begin, not nothing; and before that of PowerShell, `PS` and a folder.
fn is_prompt(head: &[u8], sign: &[u8]) -> bool {
    let head = head.trim_ascii();
    if sign == POWERSHELL {
        let near = head.get(..FOLDER).unwrap_or(head);
        let shell = head == b"PS" || head.starts_with(b"PS ");
        return shell || memchr::memmem::find(near, b") PS ").is_some();
    }
    if sign.starts_with(b"#") {
        let brackets = matches!(head, [b'[', .., b']']);
        return head.contains(&b'@') && (brackets || !head.contains(&b' ')) || head == b"/";
    }
    let words = || head.split(|b| *b == b' ').take(WORDS + 1).count();
    head.is_empty()
        || head.starts_with(b"~")
        || matches!(head, [b'(' | b'[', .., b')' | b']'])
        || (head.contains(&b'@') && words() <= WORDS)
}

/// A backslash lets a command go on in the next line.
fn end_of_command(text: &[u8]) -> Option<usize> {
    let goes_on = |at: usize| {
        let head = text.get(..at).unwrap_or_default();
        head.strip_suffix(b"\r").unwrap_or(head).ends_with(b"\\")
    };
    memchr::memchr_iter(b'\n', text).find(|&at| !goes_on(at))
}

/// How long the answer is: up to an empty line, or the end of a block of code.
fn answer(below: &[u8]) -> usize {
    let full = |line: &&[u8]| {
        let plain = line.trim_ascii();
        !plain.is_empty() && !plain.starts_with(b"```")
    };
    below.split_inclusive(|b| *b == b'\n').take_while(full).map(<[u8]>::len).sum()
}
