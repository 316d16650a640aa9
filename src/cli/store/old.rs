//! `masker store import-legacy`, and the store's part of `masker unmask --legacy`.

use crate::cli::output;
use crate::cli::store::progress::Progress;
use crate::cli::store::{Legacy, StoreError};
use crate::config::Config;
use crate::mask::Tenant;
use crate::store::bulk::{Bulk, Place};
use crate::store::config::RedisUrl;
use crate::store::legacy::{self, Old};

pub(super) async fn import(
    config: &Config,
    store: &Bulk,
    args: &Legacy,
) -> Result<String, StoreError> {
    let from = RedisUrl::parse(&args.from)?;
    if from.login().1.is_some() {
        return Err(StoreError::Secret);
    }
    let scope = config.key.load()?.scope(&Tenant::named(&args.tenant)?);
    let (password, ca) = (args.from_password_file.clone(), args.from_ca_file.clone());
    let old = Old::open(from, password, ca).await?;
    let progress = Progress::start(old.size().await?);
    let (mut new, mut read, mut skipped) = (0_u64, 0_u64, 0_u64);
    let mut at = Some(Place::default());
    while let Some(place) = at {
        let (found, others, next) = old.page(place).await?;
        progress.add(found.len());
        let mut rows = Vec::with_capacity(found.len());
        for (name, value) in &found {
            rows.push(legacy::row(&scope, name, value, config.store.lasting_ttl)?);
        }
        new = new.saturating_add(store.write(&rows).await?);
        read = read.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        skipped = skipped.saturating_add(others);
        at = next;
    }
    progress.end();
    if skipped > 0 {
        output::note(&format!(
            "{skipped} were left: no placeholder, or one that ends in zeros alone, which the old system gave to many values"
        ));
    }
    Ok(format!("{new} imported, {} were there\n", read.saturating_sub(new)))
}

/// Restores the old names in a text.
pub(in crate::cli) fn restore(
    config: &Config,
    tenant: &str,
    source: &str,
    plain: bool,
) -> Result<String, StoreError> {
    let scope = config.key.load()?.scope(&Tenant::named(tenant)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let known = runtime.map_err(StoreError::Runtime)?.block_on(async {
        let store = Bulk::open(&config.store).await?;
        legacy::reveal(&store, &scope, source).await
    })?;
    let (text, counts) = legacy::restore(source, &known, plain);
    if counts.unfit > 0 {
        output::note(&format!(
            "{} stay placeholders: their originals hold quotes, backslashes or control characters, for which only --format text has a place",
            counts.unfit
        ));
    }
    Ok(text)
}
