//! Which conversation a request belongs to.

use std::fmt;

use hmac::Mac as _;

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::Format;
use crate::mask::Scope;
use crate::mask::conversation::RecordKey;
use crate::mask::conversation::blocks::{self, Block, Role};
use crate::mask::keys::Label;

/// A session, if the client names one, and how the conversation begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    session: Option<RecordKey>,
    /// The first message of a user.
    asked: [u8; 32],
    /// The first of the model.
    answered: Option<[u8; 32]>,
    pub messages: u32,
    /// How often the model has answered.
    pub answers: u32,
    /// The provider keeps the conversation, and each request brings what is new.
    pub kept: bool,
    /// A later request may go on with it by naming the answer to this one.
    pub chained: bool,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} messages)", self.messages)
    }
}

/// The name of a session's record.
#[must_use]
pub fn session(scope: &Scope, id: &str) -> RecordKey {
    RecordKey::of(scope.digest(Label::Session, &[id.as_bytes()]))
}

impl Identity {
    /// Reads a request. None: it holds no conversation. Of the Responses API alone the provider
    /// keeps what came before; others may have fields of the same names.
    #[must_use]
    pub fn read(
        tape: &Tape<'_>,
        scope: &Scope,
        session: Option<RecordKey>,
        format: Format,
    ) -> Option<Self> {
        let responses = format == Format::Responses;
        if let (true, None, Some((id, chained))) = (responses, session, kept(tape)) {
            return Some(Self { chained, ..Self::named(&id, scope) });
        }
        let messages = blocks::messages(tape)?;
        let first = |wanted| {
            messages.iter().copied().find(|&message| blocks::role(tape, message) == wanted)
        };
        let asked = asked(tape, first(Role::User)?, scope);
        let answered = blocks::first_answer(tape, &messages).map(|answer| {
            // As an answer is read: see `Verify`.
            digest(blocks::digests(tape, answer, scope, usize::MAX).into_iter(), scope)
        });
        let own = |message: &Node| blocks::role(tape, *message) == Role::Model;
        let answers = messages.chunk_by(|one, next| own(one) == own(next));
        let answers = count(answers.filter(|chunk| chunk.first().is_some_and(own)));
        let messages = count(messages.iter());
        let chained = responses && session.is_none() && is_stored(tape);
        Some(Self { session, asked, answered, messages, answers, kept: false, chained })
    }

    /// Of what the provider keeps under this name. Results of tools may come alone: who says
    /// it first plays no role.
    #[must_use]
    pub fn named(id: &str, scope: &Scope) -> Self {
        let session = RecordKey::of(scope.digest(Label::Session, &[b"kept\0", id.as_bytes()]));
        let (asked, answered, messages, answers, chained) = Default::default();
        Self { session: Some(session), asked, answered, messages, answers, kept: true, chained }
    }

    /// Has the model answered before?
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// After this first answer.
    #[must_use]
    pub fn with_answer(self, answered: [u8; 32]) -> Self {
        Self { answered: self.answered.or(Some(answered)), ..self }
    }

    /// The name of its record, if it is known yet.
    #[must_use]
    pub fn record(&self, scope: &Scope) -> Option<RecordKey> {
        let own = match &self.session {
            Some(session) => [&session.0, self.asked.as_slice()],
            None => [self.answered.as_ref()?.as_slice(), self.asked.as_slice()],
        };
        Some(RecordKey::of(scope.digest(Label::Conversation, &own)))
    }

    #[must_use]
    pub fn session(&self) -> Option<RecordKey> {
        self.session
    }
}

fn count(all: impl Iterator) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}

/// The id of what the provider keeps and this request goes on with. True: it is that of an
/// answer, and the answer to this request has another.
fn kept(tape: &Tape<'_>) -> Option<(String, bool)> {
    let named = |name| {
        let own = tape.field(tape.root(), name)?;
        let id = if tape.shape(own) == Shape::Object { tape.field(own, "id")? } else { own };
        let id = (tape.shape(id) == Shape::String).then(|| tape.text(id).into_owned());
        id.filter(|id| !id.is_empty())
    };
    let answer = || named("previous_response_id").map(|id| (id, true));
    named("conversation").map(|id| (id, false)).or_else(answer)
}

/// Does the provider keep the answer, unless it is told not to?
fn is_stored(tape: &Tape<'_>) -> bool {
    tape.field(tape.root(), "store").is_none_or(|store| tape.raw(store) != "false")
}

/// A hash of the blocks of a message.
pub(crate) fn digest(blocks: impl Iterator<Item = u64>, scope: &Scope) -> [u8; 32] {
    let blocks: Vec<u8> = blocks.flat_map(u64::to_le_bytes).collect();
    scope.digest(Label::Message, &[&blocks])
}

/// What a user wrote, without marks that move from message to message.
fn asked(tape: &Tape<'_>, message: Node, scope: &Scope) -> [u8; 32] {
    let mut hash = scope.running(Label::Message);
    let mut text = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    let contents = ["content", "parts"].iter().find_map(|name| tape.field(message, name));
    let contents = contents.unwrap_or(message);
    match tape.shape(contents) {
        Shape::Array => {
            for item in tape.items(contents) {
                let field = |name| tape.field(item, name);
                let own = field("text").filter(|&own| tape.shape(own) == Shape::String);
                match (own, tape.shape(item)) {
                    (Some(own), _) => text(&tape.text(own)),
                    (None, Shape::Object) => {
                        for (key, inner) in tape.fields(item) {
                            if tape.text(key) != "cache_control" {
                                text(&tape.text(key));
                                let raw = Block::Json(inner).digest(tape, scope, 0);
                                text(&raw.to_string());
                            }
                        }
                    }
                    _ => text(tape.raw(item)),
                }
            }
        }
        _ => text(&tape.text(contents)),
    }
    hash.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{MasterKey, Tenant};

    fn scope() -> Scope {
        MasterKey::parse(b"0123456789abcdef0123456789abcdef").unwrap().scope(&Tenant::default())
    }

    fn record(source: &str, id: Option<&str>) -> Option<RecordKey> {
        let (scope, tape) = (scope(), Tape::parse(source, 32).unwrap());
        let session = id.map(|id| session(&scope, id));
        Identity::read(&tape, &scope, session, Format::Messages)?.record(&scope)
    }

    const TURN: &str = r#"{"messages":[{"role":"user","content":"q"},
        {"role":"assistant","content":"a"},{"role":"user","content":"x"}]}"#;

    #[test]
    fn a_conversation_is_known_by_its_beginning() {
        let longer = r#"{"system":"s","messages":[
            {"role":"user","content":[{"type":"text","text":"q","cache_control":{"type":"x"}}]},
            {"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"s"},
                {"type":"text","text":"a"}]},
            {"role":"user","content":"y"},{"role":"assistant","content":"b"}]}"#;
        assert!(record(TURN, None).is_some());
        assert_eq!(record(TURN, None), record(longer, None));
        assert_eq!(record(TURN, Some("s")), record(longer, Some("s")));
        assert_ne!(record(TURN, None), record(&TURN.replace(":\"a\"", ":\"b\""), None));
        assert_ne!(record(TURN, None), record(&TURN.replace(":\"q\"", ":\"b\""), None));
        assert_ne!(record(TURN, None), record(TURN, Some("s")));
        assert_ne!(record(TURN, Some("t")), record(TURN, Some("s")));
        // In a session the answer does not matter.
        assert_eq!(record(&TURN.replace(":\"a\"", ":\"b\""), Some("s")), record(TURN, Some("s")));
    }

    #[test]
    fn before_the_first_answer_only_a_session_has_a_record() {
        let first = r#"{"messages":[{"role":"user","content":"q"}]}"#;
        assert_eq!(record(first, None), None);
        assert_eq!(record(first, Some("s")), record(TURN, Some("s")));
        let (scope, tape) = (scope(), Tape::parse(first, 32).unwrap());
        let identity = Identity::read(&tape, &scope, None, Format::Messages).unwrap();
        let blocks = [blocks::text_digest("a", &scope)];
        let answered = identity.with_answer(digest(blocks.into_iter(), &scope));
        assert_eq!(answered.record(&scope), record(TURN, None));
        for none in [r#"{"x":1}"#, "[]", r#"{"messages":[]}"#] {
            assert_eq!(record(none, Some("s")), None);
        }
    }
}
