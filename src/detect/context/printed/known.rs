//! What is known of the output of one command.

use crate::detect::context::printed::secrets::Secret;
use crate::detect::context::printed::{Column, Columns, Holds, What};

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
