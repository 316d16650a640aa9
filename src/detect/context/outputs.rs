//! What Terraform, CDK and Pulumi print below `Outputs:`: names that somebody gave, and their values.

use std::ops::Range;

use memchr::memchr;

use crate::detect::Kind;
use crate::detect::context::bytes::{line, over, part};
use crate::detect::context::called::Beside;
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::Names;
use crate::detect::context::value;

/// What stands above them: of Terraform, CDK and Pulumi; of Pulumi's command.
pub(crate) const HEADS: [&str; 2] = ["Outputs:", "Current stack outputs ("];
/// More outputs are not read, and no longer line.
const OUTPUTS: usize = 512;
const LINE: usize = 1024;
/// Spaces between a name and its value.
const BETWEEN: usize = 64;

impl Names {
    /// The values in the lines below the head around `at`.
    pub(crate) fn outputs(&self, text: &[u8], at: usize, out: &mut Findings) {
        let near = text.get(at..).unwrap_or_default();
        let (len, ends) = line(near.get(..LINE).unwrap_or(near));
        if at < out.outputs || ends == 0 {
            return;
        }
        let all = &mut out.all;
        let pulumi = text.get(at) == Some(&b'C');
        out.outputs = self.each_output(text, at + len + ends, |span, kind| {
            // Documents list outputs, too, with words behind colons.
            let set = matches!(text.get(..span.start), Some([.., b'"'] | [.., b'=', b' ']));
            all.push(Named { span, kind, alone: pulumi || set });
        });
    }

    /// Calls `found` with the names of what is put out, up to a line that puts out nothing. Gives
    /// where that is.
    pub(super) fn each_output(
        &self,
        text: &[u8],
        from: usize,
        mut found: impl FnMut(Range<usize>, Kind),
    ) -> usize {
        let (mut at, mut empty) = (from, 0);
        for _ in 0..OUTPUTS {
            let near = text.get(at..).unwrap_or_default();
            let (len, ends) = line(near.get(..LINE).unwrap_or(near));
            let own = at..at + len;
            let whole = part(text, &own).trim_ascii();
            match output(text, &own) {
                Some((name, value)) => {
                    let name = part(text, &name);
                    let name = name.rsplit(|b| *b == b'.').next().unwrap_or_default();
                    let called = self.called(name, Beside::Stack);
                    let called = called.filter(|called| called.fits(part(text, &value)));
                    let span = value::name(text, value, name);
                    span.zip(called).into_iter().for_each(|(span, own)| found(span, own.kind));
                    empty = 0;
                }
                None if whole.is_empty() && empty == 0 => empty = 1,
                None if matches!(whole, [b']' | b'}'] | [b']' | b'}', b','] | [b'-', ..]) => {}
                None => return at,
            }
            if ends == 0 {
                return own.end;
            }
            at = own.end + ends;
        }
        at
    }
}

/// A name and its value: `name = "value"`, `Stack.Name = value`, `name: "value"`, `name   value`.
fn output(text: &[u8], line: &Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let start = over(text, line.start, BETWEEN, b" ");
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_-.".contains(b);
    let rest = part(text, &(start..line.end));
    let name = start..start + rest.iter().take_while(of_name).count();
    let gap = over(text, name.end, BETWEEN, b" ");
    let from = match text.get(gap)? {
        b'=' | b':' => over(text, gap + 1, BETWEEN, b" "),
        _ if gap > name.end + 1 => gap,
        _ => return None,
    };
    let open = over(text, from, 4, b"\\\"");
    let value = value::run(text, open);
    (!name.is_empty() && open <= line.end && value.end <= line.end).then(|| {
        // Lists, objects and sentences name nothing.
        let rest = part(text, &(value.end..line.end));
        let whole = rest.iter().all(|b| b"\\\"\r ,".contains(b));
        (name, if whole { value } else { open..open })
    })
}

/// The values of `terraform output -json`: `"name": {"sensitive": false, "value": "…"}`.
pub(super) fn in_json(
    names: &Names,
    text: &[u8],
    strings: &[(Range<usize>, bool)],
    mut found: impl FnMut(Range<usize>, Kind),
) {
    let mut name: Option<&[u8]> = None;
    for pair in strings.windows(2) {
        let [(key, true), (next, of_key)] = pair else { continue };
        let between = part(text, &(key.end + 1..next.start));
        if *of_key {
            name = memchr(b'{', between).map(|_| part(text, key)).or(name);
        } else if part(text, key) == b"value" {
            let called = name.and_then(|name| names.called(name, Beside::Stack));
            let called = called.filter(|called| called.fits(part(text, next)));
            let whole = value::run(text, next.start) == *next;
            let span = called.filter(|_| whole).and_then(|_| value::name(text, next.clone(), b""));
            span.zip(called).into_iter().for_each(|(span, own)| found(span, own.kind));
        }
    }
}
