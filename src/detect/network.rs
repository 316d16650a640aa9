//! IP addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use memchr::memchr_iter;

use crate::detect::boundary::{ends_escape, left_of, right_of};
use crate::detect::catalog::Catalog;
use crate::detect::{Finding, Rank};

/// The longest IPv6 address in text.
const LONGEST_V6: usize = 39;

impl Catalog {
    /// Addresses between dots.
    pub(crate) fn scan_v4(&self, text: &[u8], out: &mut Vec<Finding>) {
        let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
        let mut done = 0;
        for dot in memchr_iter(b'.', text) {
            if dot < done.max(1) || !digit(dot - 1) || !digit(dot + 1) {
                continue;
            }
            let head = text.get(dot.saturating_sub(4)..dot).unwrap_or_default();
            let mut start = dot - head.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            // `%2F10.1.2.3`: the digit of an escape is not a part of the address.
            start = (start..dot).find(|&at| ends_escape(text, at)).unwrap_or(start);
            let before = start.checked_sub(1).and_then(|at| text.get(at));
            if before == Some(&b'.') && !ends_escape(text, start) {
                continue;
            }
            let finders = &self.finders;
            let off: &[usize] = &[];
            let private = if self.settings.private_ip { &*finders.private_ip } else { off };
            let public = if self.settings.public_ip { &*finders.public_ip } else { off };
            let classes = private.iter().chain(public).filter_map(|&at| self.classes.get(at));
            let found = classes.filter_map(|class| class.verify(text, start, out)).next();
            done = found.map_or(dot + 1, |span| span.end);
        }
    }

    /// Unique local addresses (RFC 4193), and global ones if they are wanted.
    pub(crate) fn scan_v6(&self, text: &[u8], out: &mut Vec<Finding>) {
        let of_address = |b: &u8| b.is_ascii_hexdigit() || *b == b':';
        let mut done = 0;
        for colon in memchr_iter(b':', text) {
            let next = text.get(colon + 1);
            if colon < done || !next.is_some_and(of_address) {
                continue;
            }
            let head = text.get(done.max(colon.saturating_sub(5))..colon).unwrap_or_default();
            let start = colon - head.iter().rev().take_while(|b| b.is_ascii_hexdigit()).count();
            let tail = text.get(start..).unwrap_or_default();
            let len = tail.iter().take(LONGEST_V6 + 1).take_while(|b| of_address(b)).count();
            done = start + len;
            if let Some(kind) = self.v6_kind(tail.get(..len).unwrap_or_default())
                && left_of(text, start)
                && right_of(text, start + len)
            {
                let kind = self.kind(kind);
                let span = start..start + len;
                let found =
                    kind.map(|kind| Finding { span, kind, rank: Rank::Shape, teach: false });
                out.extend(found);
            }
        }
    }

    fn v6_kind(&self, text: &[u8]) -> Option<&'static str> {
        if text.len() < 6 {
            return None;
        }
        let address: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
        match address.segments() {
            [0xfc00..=0xfdff, ..] if self.settings.private_ip => Some("PRIVATE_IP"),
            [0x2000..=0x3fff, ..] if self.settings.public_ip => Some("PUBLIC_IP"),
            _ => None,
        }
    }
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
        && first != 0
        && first < 224
}
