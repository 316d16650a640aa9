//! The API's documents: the same core and the same store as the exchanges.

use std::sync::Arc;

use crate::admin::core::{Answer, Core, CoreError, Document, Format, MaskedText, UnmaskedText};
use crate::body::select;
use crate::ext_proc::service::Shared;
use crate::ext_proc::settings::Settings;
use crate::mask::document::{Form, mask, placeholders, unmask};
use crate::mask::masker::Refusal;
use crate::mask::table::Table;
use crate::mask::{Scope, Tenant};
use crate::store::{Store, StoreError, Wants};

#[derive(Debug)]
pub(super) struct Documents {
    pub(super) settings: Shared,
    pub(super) store: Store,
}

fn form(format: Format) -> Form {
    match format {
        Format::Text => Form::Text,
        Format::Json => Form::Json(select::Format::Other),
    }
}

impl Documents {
    fn scope(&self, tenant: &Tenant) -> Scope {
        self.settings.load().master.scope(tenant)
    }

    /// Runs work that may take long where it holds up nobody.
    async fn work<T: Send + 'static>(
        &self,
        settings: &Arc<Settings>,
        work: impl FnOnce(&Settings) -> T + Send + 'static,
    ) -> Result<T, CoreError> {
        let settings = Arc::clone(settings);
        let done = tokio::task::spawn_blocking(move || work(&settings)).await;
        done.map_err(|_| CoreError::Internal("the document's task failed".to_owned()))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "functions for map_err")]
fn refused(refusal: Refusal) -> CoreError {
    CoreError::Refused(refusal.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "functions for map_err")]
fn unavailable(error: StoreError) -> CoreError {
    CoreError::Unavailable(error.to_string())
}

impl Core for Documents {
    fn mask<'a>(&'a self, document: Document<'a>) -> Answer<'a, MaskedText> {
        Box::pin(async move {
            let settings = Arc::clone(self.settings.load_full().of(&document.tenant));
            let (scope, source) = (self.scope(&document.tenant), document.text.to_owned());
            let form = form(document.format);
            let work = move |settings: &Settings| {
                let masked = mask(&settings.masker, &scope, form, &source);
                masked.map(|masked| (masked, scope))
            };
            let ((masked, table, report), scope) =
                self.work(&settings, work).await?.map_err(refused)?;
            let wants = Wants { save: table.made().cloned().collect(), ..Wants::default() };
            self.store.fetch(&scope, wants).await.map_err(unavailable)?;
            let catalog = &settings.masker.catalog;
            let name = |(kind, count)| (catalog.info(kind).name.to_string(), count);
            let findings = report.findings.into_iter().map(name).collect();
            Ok(MaskedText { content: masked.into_bytes(), findings })
        })
    }

    fn unmask<'a>(&'a self, document: Document<'a>) -> Answer<'a, UnmaskedText> {
        Box::pin(async move {
            let scope = self.scope(&document.tenant);
            let wants = Wants { reveal: placeholders(document.text), ..Wants::default() };
            let answer = self.store.fetch(&scope, wants).await.map_err(unavailable)?;
            if answer.degraded {
                return Err(CoreError::Unavailable("the store cannot be reached".to_owned()));
            }
            let mut table = Table::default();
            for (placeholder, value) in answer.revealed {
                if let Some(value) = value {
                    table.reveal(placeholder, value);
                }
            }
            let (form, source) = (form(document.format), document.text.to_owned());
            let work =
                move |settings: &Settings| unmask(form, &source, settings.limits.depth, &table);
            let (content, counts) = self.work(&self.settings.load_full(), work).await?;
            let content = content.into_bytes();
            Ok(UnmaskedText { content, restored: counts.restored, unknown: counts.unknown })
        })
    }
}
