//! Private keys whose lines stand behind what a tool put there: a sign of a difference, a time, the
//! name of a job. Where nothing stands before them, a class finds them.

use std::ops::Range;

use memchr::memmem;

use crate::detect::context::bytes::line;

/// How a block begins, and how its labels end (RFC 7468, OpenSSH, OpenVPN).
pub(super) const BEGIN: &str = "-----BEGIN ";
const END: &[u8] = b"-----END ";
const LABELS: [&[u8]; 3] = [b"PRIVATE KEY", b"PRIVATE KEY BLOCK", b"OpenVPN Static key V1"];
const DASHES: &[u8] = b"-----";
/// No label is longer, no key, and no line with what stands before it.
const LABEL: usize = 48;
const LONGEST: usize = 32 * 1024;
const LINE: usize = 400;
/// The shortest line of a key but the last.
const SHORTEST: usize = 16;
/// As many lines hold something else: a version, a cipher, nothing, what is left of the key.
const OTHERS: usize = 6;

/// The block that begins at `at`.
pub(super) fn block(text: &[u8], at: usize) -> Option<Range<usize>> {
    let all = text.get(at..text.len().min(at + LONGEST))?;
    let label = all.get(BEGIN.len()..all.len().min(BEGIN.len() + LABEL))?;
    let label = label.get(..memmem::find(label, DASHES)?)?;
    LABELS.iter().any(|ending| label.ends_with(ending)).then_some(())?;
    let mut from = BEGIN.len() + label.len() + DASHES.len();
    let (mut keys, mut others) = (0, 0);
    loop {
        let (len, end) = line(all.get(from..)?);
        let own = all.get(from..from + len)?;
        if let Some(found) = memmem::find(own, END) {
            let label = found + END.len();
            let close = memmem::find(own.get(label..)?, DASHES)?;
            let end = at + from + label + close + DASHES.len();
            // A placeholder before a letter would be none: what follows at once goes with the key.
            let glued = text.get(end..)?.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            return (keys > 0).then_some(at..end + glued);
        }
        // The key itself was cut off, or this is a program that writes one.
        let other = memmem::find(own, BEGIN.as_bytes()).is_some();
        if other || end == 0 || len > LINE || others > OTHERS {
            return None;
        }
        if is_of_key(own) {
            keys += 1;
        } else {
            others += 1;
        }
        from += len + end;
    }
}

/// Does a line end with a piece of a key?
fn is_of_key(line: &[u8]) -> bool {
    let behind = |b: &&u8| b.is_ascii_whitespace() || b"\"'`,;\\+|)".contains(b);
    let rest = line.iter().rev().skip_while(behind);
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
    rest.take(SHORTEST).take_while(of_key).count() == SHORTEST
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 4] = [
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEAx7wLq2Zt9xVmRn4PyBbHsDfGjUaEkQwErTyUiOpAsDfGhJkL",
        "q7wLq2Zt9xVm==",
        "-----END RSA PRIVATE KEY-----",
    ];

    fn found(text: &str) -> Option<&str> {
        let at = text.find(BEGIN)?;
        text.get(block(text.as_bytes(), at)?)
    }

    #[test]
    fn keys_behind_prefixes_are_found() {
        for prefix in ["", "- ", "2026-02-11 09:14:02,118 INFO c.f.App - ", "// ", "[2] * "] {
            for end in ["\n", "\\n", "\",\n", "\r\n"] {
                let text: String = LINES.map(|line| format!("{prefix}{line}{end}")).concat();
                let block = found(&text).expect(&text);
                assert!(block.starts_with(BEGIN) && block.ends_with("KEY-----"), "{block}");
            }
        }
    }

    #[test]
    fn what_follows_at_once_goes_with_the_key() {
        let text = format!("{}x1 y", LINES.join("\n"));
        assert_eq!(found(&text).map(str::len), Some(text.len() - 2));
    }

    #[test]
    fn what_only_names_a_key_is_none() {
        for text in [
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEAx7wLq2Zt9x\n-----END CERTIFICATE-----",
            "s = \"-----BEGIN PRIVATE KEY-----\"\nt = body\nu = \"-----END PRIVATE KEY-----\"",
            "-----BEGIN PRIVATE KEY-----\n1\n2\n3\n4\n5\n6\n7\n8\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
