//! Whose hosts are the client's own: AWS's, and those that it wrote itself.

use memchr::memchr_iter;

use crate::body::json::{Node, Shape, Tape};
use crate::mask::care::{Care, kind_of};
use crate::mask::placeholder::Placeholder;
use crate::mask::url::Scheme;

/// Hosts that only AWS answers for.
const AWS: [&str; 4] = ["amazonaws.com", "amazonaws.com.cn", "aws.amazon.com", "api.aws"];
/// Hosts of one request; more are strangers.
const HOSTS: usize = 4096;
/// No name of a host is longer (RFC 1035).
const LONGEST: usize = 253;

impl Care {
    pub(super) fn is_foreign(&self, scheme: Scheme, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        // A host that was masked whole is the client's.
        if let Some(masked) = Placeholder::parse(host) {
            return self.is_critical(kind_of(masked.as_str()));
        }
        let host = host.to_ascii_lowercase();
        let aws = |name: &str| {
            host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let loopback = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        let local = scheme == Scheme::File && host.is_empty();
        let plain = host.len() <= LONGEST && !host.contains(['"', '\'', '`', '<', '>', ' ']);
        let near = loopback || local || scheme == Scheme::Aws || AWS.iter().any(|name| aws(name));
        !(plain && (near || self.hosts.contains(host.as_str())))
    }

    /// Learns the hosts of a text that the client wrote.
    pub fn own(&mut self, text: &str) {
        let symbol = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
        let bytes = text.as_bytes();
        let mut behind = 0;
        // Most words hold no dot.
        for dot in memchr_iter(b'.', bytes) {
            if dot < behind {
                continue;
            }
            let (before, after) = bytes.split_at_checked(dot).unwrap_or_default();
            let start = before.iter().rposition(|byte| !symbol(byte)).map_or(0, |at| at + 1);
            behind = after.iter().position(|byte| !symbol(byte)).map_or(bytes.len(), |at| dot + at);
            let word = text.get(start..behind).unwrap_or_default().trim_matches(['.', '-']);
            let host = word.contains('.') && word.len() <= LONGEST;
            if host && self.hosts.len() < HOSTS && !self.hosts.contains(word) {
                self.hosts.insert(word.to_ascii_lowercase().into());
            }
        }
    }

    /// Learns the hosts of a request: of its system texts and of what the user says. What
    /// tools and documents hold, and what the model wrote, may be planted.
    pub fn own_request(&mut self, tape: &Tape<'_>) {
        self.own_body(tape, tape.root());
        for request in tape.field(tape.root(), "requests").into_iter().flat_map(|r| tape.items(r)) {
            if let Some(body) = tape.field(request, "params") {
                self.own_body(tape, body);
            }
        }
    }

    fn own_body(&mut self, tape: &Tape<'_>, body: Node) {
        if tape.shape(body) != Shape::Object {
            return;
        }
        self.own_content(tape, tape.field(body, "system"));
        for name in ["instructions", "input"] {
            let text = tape.field(body, name).filter(|&n| tape.shape(n) == Shape::String);
            self.own_content(tape, text);
        }
        for name in ["systemInstruction", "system_instruction"] {
            let parts = tape.field(body, name).and_then(|content| tape.field(content, "parts"));
            self.own_content(tape, parts);
        }
        let messages = ["messages", "input", "contents"].map(|name| tape.field(body, name));
        for list in messages.into_iter().flatten().filter(|&n| tape.shape(n) == Shape::Array) {
            for message in tape.items(list).filter(|&n| tape.shape(n) == Shape::Object) {
                let role = tape.field(message, "role").map(|role| tape.text(role));
                if matches!(role.as_deref(), Some("user" | "system" | "developer")) {
                    self.own_content(tape, tape.field(message, "content"));
                    self.own_content(tape, tape.field(message, "parts"));
                }
            }
        }
    }

    fn own_content(&mut self, tape: &Tape<'_>, content: Option<Node>) {
        let Some(content) = content else { return };
        match tape.shape(content) {
            Shape::String => self.own(&tape.text(content)),
            Shape::Array => {
                for block in tape.items(content).filter(|&n| tape.shape(n) == Shape::Object) {
                    let text = tape.field(block, "text");
                    if let Some(text) = text.filter(|&n| tape.shape(n) == Shape::String) {
                        self.own(&tape.text(text));
                    }
                }
            }
            _ => {}
        }
    }
}
