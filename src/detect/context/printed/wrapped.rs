//! What agents write around a command that their user typed, and around what commands printed.

use crate::detect::context::printed::cells::Cell;

/// Claude Code, where its user typed a command.
pub(crate) const INPUT: (&str, &str) = ("<bash-input>", "</bash-input>");
pub(crate) const OUTPUT: (&str, &str) = ("<bash-stdout>", "</bash-stdout>");
/// Codex: below lines that say how it went.
const BELOW: &str = "Output:\n";
/// Gemini CLI: below the command, and before lines that say how it went.
const BEHIND: &str = "Output: ";
const NEXT: [&str; 5] =
    ["\nError: ", "\nExit Code: ", "\nSignal: ", "\nBackground PIDs: ", "\nProcess Group PGID: "];
/// Claude Code, below what a command printed.
const TAILS: [&str; 2] = ["\nShell cwd was reset to ", "\n<system-reminder>"];
/// What stands before is not longer.
const HEAD: usize = 10 << 10;

/// What a command printed, without what an agent writes around it.
pub(super) fn inner(answer: &str) -> Cell {
    let tail = TAILS.iter().filter_map(|tail| answer.find(tail)).min();
    let answer = answer.get(..tail.unwrap_or(answer.len())).unwrap_or_default();
    if let Some(rest) = answer.strip_prefix(OUTPUT.0) {
        let len = rest.find(OUTPUT.1).unwrap_or(rest.len());
        return OUTPUT.0.len()..OUTPUT.0.len() + len;
    }
    let head = answer.as_bytes().get(..HEAD).unwrap_or(answer.as_bytes());
    let behind = |heading: &str| {
        let begins = |at: &usize| at.checked_sub(1).is_none_or(|at| head.get(at) == Some(&b'\n'));
        memchr::memmem::find_iter(head, heading).find(begins).map(|at| at + heading.len())
    };
    if let Some(from) = behind(BELOW) {
        return from..answer.len();
    }
    let Some(from) = behind(BEHIND) else { return 0..answer.len() };
    let rest = answer.get(from..).unwrap_or_default();
    let ends = NEXT.iter().filter_map(|next| rest.find(next));
    from..from + ends.min().unwrap_or(rest.len())
}
