//! Inside a URL: where its authority ends, and where it ends itself.

use crate::mask::url::machine::{Machine, Phase, START, is_quote};
use crate::mask::url::{LONGEST, Scheme};

impl Machine {
    /// Browsers drop line ends inside a URL and write spaces as `%20`; others stop there.
    pub(super) fn space(&mut self, byte: u8) -> Phase {
        let ends = match self.wrap {
            START => false,
            b'>' => byte == b'\n',
            0 => true,
            _ => byte == b'\n' && self.blank,
        };
        match self.phase {
            Phase::Authority if !ends && byte == b' ' => {
                self.authority.push(' ');
                Phase::Rest
            }
            phase @ (Phase::Authority | Phase::Rest | Phase::Quote) if !ends => phase,
            _ => {
                // A URL may begin behind the quote and a space.
                let opens = self.lead == START || (is_quote(self.lead) && self.opens);
                let waits = self.phase == Phase::Out && self.authority.is_empty();
                let opened = self.opens;
                let phase = self.leave(if opens && waits { self.lead } else { b' ' });
                self.opens = opened;
                phase
            }
        }
    }

    pub(super) fn quote(&mut self, byte: u8) -> Phase {
        if self.phase == Phase::Quote && byte == b'>' {
            self.leave(byte)
        } else if self.phase != Phase::Quote && self.wrap != 0 && self.wrap != byte {
            Phase::Rest
        } else {
            self.wrap = 0;
            Phase::Quote
        }
    }

    pub(super) fn in_authority(&mut self, byte: u8, slash: bool) -> Phase {
        let empty = self.authority.is_empty() && self.scheme != Scheme::File;
        match byte {
            _ if slash && empty => Phase::Authority,
            b'?' | b'#' => Phase::Rest,
            _ if slash => Phase::Rest,
            _ => {
                self.authority.push(char::from(byte));
                if is_quote(byte) {
                    self.quote(byte)
                } else if self.authority.len() >= LONGEST {
                    Phase::Rest
                } else {
                    Phase::Authority
                }
            }
        }
    }
}

/// Does a URL go on with this behind a quote?
pub(super) fn goes_on(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/?&=%+$-_~#{".contains(&byte) || !byte.is_ascii()
}
