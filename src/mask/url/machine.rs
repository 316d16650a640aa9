//! Reads a text byte by byte, and knows whether it is inside a URL.

use crate::mask::url::host::{is_host, is_symbol};
use crate::mask::url::inside::goes_on;
use crate::mask::url::{LONGEST, Scheme, Whereabouts};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Out,
    /// Behind `:`, or behind the first of two slashes.
    Slashes(u8),
    /// Behind a host without a scheme and `:`.
    Port,
    /// Behind such a host and `\`, which may escape a slash.
    Escaped,
    Authority,
    Rest,
    /// Behind a quote in or after a URL: what follows at once still belongs to it.
    Quote,
}

/// Stands for what is before the first byte of a tool's input.
pub(super) const START: u8 = 0xff;

#[derive(Clone, Default)]
pub(super) struct Machine {
    pub(super) phase: Phase,
    pub(super) scheme: Scheme,
    /// The last letters and digits, at most eight.
    word: u64,
    /// What stands before the name that is read.
    pub(super) lead: u8,
    /// It may be a quote that opens.
    pub(super) opens: bool,
    last: u8,
    /// What ends a URL in which spaces may stand: a quote, `>`, or nothing at all.
    pub(super) wrap: u8,
    /// Only spaces since the line began.
    pub(super) blank: bool,
    /// Or, outside, the name that may be a host's.
    pub(super) authority: String,
}

impl Machine {
    /// In the input of a tool, a URL at the beginning is all there is.
    pub(super) fn anew(&mut self, tool: bool) {
        let mut authority = std::mem::take(&mut self.authority);
        authority.clear();
        *self = Self { authority, lead: if tool { START } else { 0 }, ..Self::default() };
    }

    pub(super) fn inside(&self) -> Whereabouts {
        Whereabouts::Inside { scheme: self.scheme, host: self.host().to_owned() }
    }

    /// Without user and port, if it is not too long for a host.
    pub(super) fn host(&self) -> &str {
        if self.authority.len() >= LONGEST {
            return &self.authority;
        }
        let host = self.authority.rsplit('@').next().unwrap_or_default();
        let port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
        host.rsplit_once(':').filter(|(_, tail)| port(tail)).map_or(host, |(host, _)| host)
    }

    pub(super) fn step(&mut self, byte: u8) {
        let slash = matches!(byte, b'/' | b'\\');
        self.phase = match self.phase {
            _ if is_space(byte) => self.space(byte),
            Phase::Slashes(0) if slash => Phase::Slashes(1),
            Phase::Slashes(_) if slash => self.begin(),
            Phase::Slashes(0) if byte.is_ascii_digit() && self.is_host() => Phase::Port,
            Phase::Port if byte.is_ascii_digit() => Phase::Port,
            Phase::Escaped if byte == b'\\' => Phase::Escaped,
            Phase::Escaped if byte == b'/' => self.enter(),
            Phase::Port if b"/?#".contains(&byte) => self.enter(),
            Phase::Out => self.outside(byte),
            Phase::Slashes(_) | Phase::Port | Phase::Escaped => {
                self.leave(self.last);
                self.outside(byte)
            }
            Phase::Authority => self.in_authority(byte, slash),
            Phase::Rest | Phase::Quote if is_quote(byte) => self.quote(byte),
            Phase::Quote if !goes_on(byte) => self.leave(byte),
            Phase::Rest | Phase::Quote => Phase::Rest,
        };
        let lower = byte.to_ascii_lowercase();
        self.word =
            if byte.is_ascii_alphanumeric() { self.word << 8 | u64::from(lower) } else { 0 };
        self.blank = is_space(byte) && (self.blank || byte == b'\n');
        self.last = byte;
    }

    fn is_host(&self) -> bool {
        self.lead != b'/' && is_host(&self.authority)
    }

    fn outside(&mut self, byte: u8) -> Phase {
        if is_symbol(byte) {
            if self.authority.len() < LONGEST {
                self.authority.push(char::from(byte));
            }
            return Phase::Out;
        }
        let host = self.is_host();
        let bytes = self.word.to_be_bytes();
        let word = bytes.iter().position(|&b| b != 0).and_then(|at| bytes.get(at..));
        match (byte, word) {
            (b'/' | b'?' | b'#', _) if host => return self.enter(),
            (b'\\', _) if host => return Phase::Escaped,
            // `//host/`, as in pages.
            (b'/', None) => {
                self.scheme = Scheme::Other;
                return Phase::Slashes(1);
            }
            (b':', Some(word)) if word.len() > 1 || host => {
                self.scheme = Scheme::of(word);
                // With these, browsers do not ask for slashes.
                return match word {
                    b"http" | b"https" | b"ws" | b"wss" | b"ftp" => self.begin(),
                    _ => Phase::Slashes(0),
                };
            }
            _ => {}
        }
        // `git+https://`
        self.leave(if byte == b'+' { self.lead } else { byte })
    }

    /// From here on, another name may begin.
    pub(super) fn leave(&mut self, lead: u8) -> Phase {
        self.authority.clear();
        self.lead = lead;
        self.opens = is_space(self.last) || b"=([{,:".contains(&self.last);
        Phase::Out
    }

    /// An authority begins.
    pub(super) fn begin(&mut self) -> Phase {
        self.authority.clear();
        self.wrap();
        Phase::Authority
    }

    /// The name that was read is a host.
    fn enter(&mut self) -> Phase {
        self.scheme = Scheme::Other;
        self.wrap();
        Phase::Rest
    }

    fn wrap(&mut self) {
        self.wrap = match self.lead {
            b'<' => b'>',
            b'"' | b'\'' | START => self.lead,
            _ => 0,
        };
    }
}

fn is_space(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>')
}
