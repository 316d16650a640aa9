//! Is a text inside a URL, and of which host? A machine that takes a text in any pieces.
//!
//! It errs to the careful side: what may still belong to a URL does. Shells join what
//! stands beside quotes, browsers take `\` for `/`, JSON escapes slashes, and a host needs
//! no scheme.

mod host;
mod inside;
mod machine;
mod unescape;

use crate::mask::url::host::{is_host, is_symbol};
use crate::mask::url::machine::{Machine, Phase};
use crate::mask::url::unescape::{Taken, Unescape};

/// No authority is longer; a longer one belongs to nobody.
pub(super) const LONGEST: usize = 256;
/// Nor is the name of a user before a host without a scheme.
const LONGEST_USER: usize = 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scheme {
    #[default]
    Other,
    File,
    /// `s3://`: the host is a bucket.
    Aws,
}

impl Scheme {
    fn of(word: &[u8]) -> Self {
        match word {
            b"file" => Self::File,
            b"s3" | b"s3a" | b"s3n" => Self::Aws,
            _ => Self::Other,
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct Url {
    unescape: Unescape,
    machine: Machine,
}

/// Where a place is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    Outside,
    Inside {
        scheme: Scheme,
        /// Without user and port.
        host: String,
    },
    /// The host is not known before more comes.
    Open,
}

impl Url {
    /// At the beginning of a text: of one that a tool gets, or of another.
    pub(super) fn new(tool: bool) -> Self {
        let mut url = Self::default();
        url.machine.anew(tool);
        url
    }

    /// Takes a text; `source`: it is JSON source, of which each string begins anew.
    pub(super) fn advance(&mut self, text: &str, source: bool) {
        for byte in text.bytes() {
            match self.take(byte, source) {
                Taken::Byte(byte) => self.machine.step(byte),
                Taken::Quote => self.machine.anew(true),
                Taken::Part => {}
            }
        }
    }

    fn take(&mut self, byte: u8, source: bool) -> Taken {
        if source { self.unescape.take(byte) } else { Taken::Byte(byte) }
    }

    /// Where the text `ahead` begins, which comes next.
    pub(super) fn whereabouts(&self, ahead: &str, source: bool, end: bool) -> Whereabouts {
        match self.machine.phase {
            Phase::Rest | Phase::Quote => self.machine.inside(),
            Phase::Authority => {
                let mut later = self.clone();
                for byte in ahead.bytes() {
                    match later.take(byte, source) {
                        Taken::Byte(byte) => later.machine.step(byte),
                        Taken::Quote => return later.machine.inside(),
                        Taken::Part => {}
                    }
                    if later.machine.phase != Phase::Authority {
                        return later.machine.inside();
                    }
                }
                if end { later.machine.inside() } else { Whereabouts::Open }
            }
            _ => self.before_host(ahead, source, end),
        }
    }

    /// Of a place outside: does a host without a scheme follow, as in `USER:ahead@host` or
    /// `ahead.host`?
    fn before_host(&self, ahead: &str, source: bool, end: bool) -> Whereabouts {
        let mut later = self.clone();
        let mut word = String::new();
        for byte in ahead.bytes() {
            let byte = match later.take(byte, source) {
                Taken::Byte(byte) => byte,
                Taken::Part => continue,
                Taken::Quote => return named(&word),
            };
            if !is_symbol(byte) && !b"@~!$&*+,;=:%".contains(&byte) {
                return named(&word);
            }
            if word.len() >= LONGEST_USER {
                return Whereabouts::Inside { scheme: Scheme::Other, host: word };
            }
            word.push(char::from(byte));
        }
        if end { named(&word) } else { Whereabouts::Open }
    }
}

/// The host in a word that begins with a placeholder.
fn named(word: &str) -> Whereabouts {
    let placeholder = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let host = match word.rsplit_once('@') {
        Some((_, host)) => host.split(':').next().unwrap_or_default(),
        None => word.trim_start_matches(placeholder).trim_start_matches(['.', '-']),
    };
    if is_host(host) {
        Whereabouts::Inside { scheme: Scheme::Other, host: host.to_owned() }
    } else {
        Whereabouts::Outside
    }
}

#[cfg(test)]
mod tests;
