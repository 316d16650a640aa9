//! Documents that come behind others: names and mappings that are known before they are read.

use std::sync::Arc;

use crate::detect::Known;
use crate::mask::Scope;
use crate::mask::conversation::Names;
use crate::mask::masker::{Masker, Session};
use crate::mask::table::Table;

impl<'a> Session<'a> {
    /// A document that comes behind another, whose names and mappings these are. `masker`
    /// remembers nothing: what came before is not in its keys.
    #[must_use]
    pub(in crate::mask) fn behind(
        masker: &'a Masker,
        scope: &'a Scope,
        known: Known,
        table: Arc<Table>,
    ) -> Self {
        Self { known, base: Some(table), ..Self::new(masker, scope) }
    }

    /// Names that are known before anything is read.
    pub fn begin(&mut self, names: &Names) {
        let catalog = Arc::clone(&self.masker.catalog);
        for (name, kind) in names.kinds(&catalog) {
            self.learn(name, kind);
        }
    }

    #[must_use]
    pub fn known(&self) -> &Known {
        &self.known
    }

    #[must_use]
    pub fn into_known(self) -> Known {
        self.known
    }
}
