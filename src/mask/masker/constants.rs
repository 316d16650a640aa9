//! What the APIs write in each of their objects: no pattern of the catalog finds anything in it.

use crate::body::json::Tape;
use crate::body::select::{Guarded, Leaf, Place};
use crate::mask::masker::Session;

/// A type of an object or a block, or who speaks.
fn is_constant(key: &str, value: &str) -> bool {
    matches!(key, "type" | "role")
        && matches!(
            value,
            "text"
                | "tool_use"
                | "tool_result"
                | "user"
                | "assistant"
                | "ephemeral"
                | "thinking"
                | "redacted_thinking"
                | "image"
                | "document"
                | "base64"
                | "enabled"
                | "disabled"
                | "custom"
                | "system"
                | "developer"
                | "tool"
                | "function"
                | "message"
                | "input_text"
                | "output_text"
                | "function_call"
                | "function_call_output"
                | "reasoning"
        )
}

impl Session<'_> {
    /// Is this one of them, where the API has it, and looks the operator for nothing else?
    pub(super) fn is_constant(&self, tape: &Tape<'_>, leaf: &Leaf) -> bool {
        matches!(leaf.place, Place::Guarded(Guarded::Id))
            && leaf.label.is_some_and(|key| is_constant(tape.raw(key), tape.raw(leaf.node)))
            && !self.masker.catalog.finds_more()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Catalog, Settings};

    #[test]
    fn the_catalog_finds_nothing_in_constants() {
        let catalog = Catalog::builtin(&Settings::default()).unwrap();
        let source = include_str!("constants.rs");
        let words = source.split('"').skip(1).step_by(2).filter(|word| is_constant("type", word));
        let mut count = 0;
        for text in words {
            for key in ["type", "role"] {
                let mut found = Vec::new();
                catalog.scan(text, key, &[], &mut found);
                assert_eq!(found, [], "{key}: {text}");
            }
            count += 1;
        }
        assert_eq!(count, 24);
    }
}
