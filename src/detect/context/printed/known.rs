//! What is known of the output of one command.

use crate::detect::context::Context;
use crate::detect::context::called::Beside;
use crate::detect::context::printed::secrets::Secret;
use crate::detect::context::printed::{Column, Columns, Holds, What, programs};

/// What a command prints.
pub(super) enum Known {
    What(What),
    Secret(Secret),
}

impl Known {
    /// Names that a command lists, once another has picked them: each stands alone.
    pub(super) fn in_lines(self) -> Self {
        match self {
            Self::What(What::Buckets(kind)) => {
                let all =
                    vec![Column { alias: None, member: Vec::new(), holds: Holds::Name(kind) }];
                Self::What(What::Columns(Columns { all, operation: Vec::new(), whole: false }))
            }
            Self::What(What::Whole { names: Some(columns), .. }) => {
                Self::What(What::Columns(Columns { whole: false, ..columns }))
            }
            known => known,
        }
    }
}

impl Context {
    /// What a tool prints that puts out names: all of them, or the one it is asked for.
    pub(super) fn output(&self, words: &[&[u8]]) -> Option<Known> {
        let asked = programs::outputs(words)?;
        let Some(name) = asked.first() else { return Some(Known::What(What::Outputs)) };
        let called = self.names.called(name, Beside::Stack)?;
        let holds = Holds::Name(called.kind);
        let all = vec![Column { alias: None, member: name.to_vec(), holds }];
        Some(Known::What(What::Columns(Columns { all, operation: Vec::new(), whole: false })))
    }
}
