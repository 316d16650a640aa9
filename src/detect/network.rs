//! IP addresses.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::detect::boundary::{before, ends_escape, left_of, right_of};
use crate::detect::catalog::Catalog;
use crate::detect::context::runs::Run;
use crate::detect::scan::Pass;
use crate::detect::{Finding, Rank};

/// The longest IPv6 address in text.
const LONGEST_V6: usize = 39;

impl Catalog {
    /// The IPv4 address whose first dot may be here.
    pub(super) fn v4(&self, dot: usize, pass: &mut Pass<'_>) {
        let text = pass.text;
        if dot < pass.v4 {
            return;
        }
        pass.v4 = dot + 1;
        let head = text.get(dot.saturating_sub(4)..dot).unwrap_or_default();
        let mut start = dot - head.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        // `%2F10.1.2.3`: the digit of an escape is not a part of the address.
        start = (start..dot).find(|&at| ends_escape(text, at)).unwrap_or(start);
        if before(text, start) == Some(b'.') && !ends_escape(text, start) {
            return;
        }
        let off: &[usize] = &[];
        let private = matches!(text.get(start..dot), Some(b"10" | b"172" | b"192"));
        let finders = &self.finders;
        let private = private && self.settings.private_ip && !is_version(text, start);
        let private = if private { &*finders.private_ip } else { off };
        let public = if self.settings.public_ip { &*finders.public_ip } else { off };
        let classes = private.iter().chain(public).filter_map(|&at| self.classes.get(at));
        let found = classes.filter_map(|class| class.verify(text, start, &mut pass.found)).next();
        pass.v4 = found.map_or(dot + 1, |span| span.end);
        if !self.settings.public_ip {
            let classes = finders.public_ip.iter().filter_map(|&at| self.classes.get(at));
            let mut unused = Vec::new();
            let found = classes.filter_map(|class| class.verify(text, start, &mut unused)).next();
            pass.runs.extend(found.map(Run::address));
        }
    }

    /// The IPv6 address whose first colon may be here: a unique local one (RFC 4193),
    /// or a global one if they are wanted.
    pub(super) fn v6(&self, colon: usize, pass: &mut Pass<'_>) {
        let of_address = |b: &u8| b.is_ascii_hexdigit() || *b == b':';
        let text = pass.text;
        let private = self.settings.private_ip && begins(text, colon, b"fF", b"cdCD");
        // Without the setting, a global one needs a key or a word beside it.
        let global = self.settings.public_ip || begins(text, colon, b"23", ANY_DIGIT);
        if colon < pass.v6 || !(private || global) || !text.get(colon + 1).is_some_and(of_address) {
            return;
        }
        let head = text.get(pass.v6.max(colon.saturating_sub(5))..colon).unwrap_or_default();
        let start = colon - head.iter().rev().take_while(|b| b.is_ascii_hexdigit()).count();
        let tail = text.get(start..).unwrap_or_default();
        let len = tail.iter().take(LONGEST_V6 + 1).take_while(|b| of_address(b)).count();
        pass.v6 = start + len;
        let span = start..start + len;
        let Some(kind) = v6_kind(tail.get(..len).unwrap_or_default()) else { return };
        if !left_of(text, start) || !right_of(text, span.end) {
            return;
        }
        let by_shape = match kind {
            "PRIVATE_IP" => self.settings.private_ip,
            _ => self.settings.public_ip,
        };
        if by_shape {
            let kind = self.kind(kind);
            let found = kind.map(|kind| Finding { span, kind, rank: Rank::Shape, teach: false });
            pass.found.extend(found);
        } else if kind == "PUBLIC_IP" && !self.finders.public_ip.is_empty() {
            pass.runs.push(Run::address(span));
        }
    }
}

/// `version 10.4.32.1`
fn is_version(text: &[u8], start: usize) -> bool {
    let head = text.get(start.saturating_sub(12)..start).unwrap_or_default();
    let gap = head.iter().rev().take_while(|b| b" \t:=\"'`vV".contains(b)).count();
    let head = head.get(..head.len() - gap).unwrap_or_default();
    let word = head.get(head.len().saturating_sub(7)..).unwrap_or_default();
    gap > 0 && word.eq_ignore_ascii_case(b"version")
}

fn v6_kind(text: &[u8]) -> Option<&'static str> {
    if text.len() < 6 {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    match address.segments() {
        [0xfc00..=0xfdff, ..] => Some("PRIVATE_IP"),
        // Two networks are for documents only (RFC 3849, RFC 9637).
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => None,
        [0x2000..=0x3fff, ..] => Some("PUBLIC_IP"),
        _ => None,
    }
}

const ANY_DIGIT: &[u8] = b"0123456789abcdefABCDEF";

/// Does an address begin with the group before the colon, and this group with one of
/// each of these? `fc…` and `fd…` are unique local addresses, `2…` and `3…` global ones.
fn begins(text: &[u8], colon: usize, first: &[u8], second: &[u8]) -> bool {
    let Some(start) = colon.checked_sub(4) else { return false };
    let Some([one, two, ..]) = text.get(start..colon) else { return false };
    // `2001:fd00:…` begins earlier, `addr:fd00:…` here.
    let inside = before(text, start) == Some(b':')
        && start
            .checked_sub(2)
            .and_then(|at| text.get(at))
            .is_none_or(|b| b.is_ascii_hexdigit() || *b == b':');
    first.contains(one) && second.contains(two) && !inside
}

/// How files are called that are named for an address.
const FILES: [&[u8]; 14] = [
    b"cfg", b"conf", b"crt", b"csv", b"html", b"json", b"key", b"log", b"pcap", b"pem", b"txt",
    b"xml", b"yaml", b"yml",
];

/// Does an address stand here that is no part of a version: `10.2.3.4.5`, `lib-10.2.3.4`?
pub(crate) fn is_free(text: &[u8], span: &Range<usize>) -> bool {
    let rest = text.get(span.end..).unwrap_or_default();
    let label = rest.strip_prefix(b".").unwrap_or_default();
    let label = label.split(|b| !b.is_ascii_alphanumeric()).next().unwrap_or_default();
    let of_file = FILES.contains(&label);
    if !label.is_empty() && !of_file {
        return false;
    }
    let joined = before(text, span.start).filter(|b| b"-_".contains(b));
    let Some(sign) = joined.filter(|_| !ends_escape(text, span.start)) else { return true };
    // No version begins so.
    let value = text.get(span.clone()).unwrap_or_default();
    let private = value.starts_with(b"172.") || value.starts_with(b"192.168.");
    let italic = sign == b'_' && rest.first() == Some(&b'_');
    private || of_file || italic || (sign == b'-' && ends_address(text, span.start - 1))
}

/// Does an address end here, as the first of a range?
fn ends_address(text: &[u8], at: usize) -> bool {
    let head = text.get(at.saturating_sub(16)..at).unwrap_or_default();
    let of_address = |b: &&u8| b.is_ascii_digit() || **b == b'.';
    let len = head.iter().rev().take_while(of_address).count();
    head.get(head.len() - len..).and_then(octets).is_some()
}

/// The address, if no octet is too large.
pub(crate) fn octets(value: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = value.split(|&b| b == b'.');
    for octet in &mut octets {
        *octet = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Not private, and not one that is the same everywhere.
pub(crate) fn is_public(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    !address.is_private()
        && !address.is_loopback()
        && !address.is_link_local()
        && !address.is_documentation()
        && first != 0
        && first < 224
}
