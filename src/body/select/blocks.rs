//! Content blocks of types that are not known: new in an API, or wrong.

use crate::body::json::Node;
use crate::body::select::rules::Rule;
use crate::body::select::{Walk, bedrock, claude, gemini, openai};

impl Walk<'_, '_> {
    /// A content block, part or item whose type is not among those of the API.
    pub(super) fn is_unknown(&self, node: Node, rule: Rule) -> bool {
        let kind = || self.tape.field(node, "type").map(|kind| self.tape.text(kind));
        let other = |known: &[&str]| kind().is_some_and(|kind| !known.contains(&kind.as_ref()));
        let none = |known: &[&str]| {
            let mut keys = self.tape.fields(node).map(|(key, _)| self.tape.text(key));
            let first = keys.next().is_some_and(|key| !known.contains(&key.as_ref()));
            first && keys.all(|key| !known.contains(&key.as_ref()))
        };
        match rule {
            Rule::Claude(claude::Object::Block) => other(claude::BLOCKS),
            Rule::OpenAi(openai::Object::Part) => other(openai::PARTS),
            Rule::OpenAi(openai::Object::Item) => other(openai::ITEMS),
            Rule::Gemini(gemini::Object::Part) => none(gemini::PARTS),
            Rule::Bedrock(bedrock::Object::Block) => none(bedrock::BLOCKS),
            _ => false,
        }
    }
}
