//! The core as tests set it up: with a fixed key, placeholders can be written down.

use std::sync::{Arc, LazyLock};

use masker::detect::{self, Catalog};
use masker::mask::masker::{Around, Limits, Masker};
use masker::mask::{MasterKey, Scope, Tenant};

pub(crate) const DEPTH: usize = 128;

static CATALOG: LazyLock<Arc<Catalog>> =
    LazyLock::new(|| Arc::new(Catalog::builtin(&detect::Settings::default()).unwrap()));

pub(crate) static MASKER: LazyLock<Masker> = LazyLock::new(masker);

pub(crate) static SCOPE: LazyLock<Scope> = LazyLock::new(|| master().scope(&Tenant::default()));

pub(crate) fn masker() -> Masker {
    let limits = Limits { findings: 50_000, depth: DEPTH };
    Masker { catalog: Arc::clone(&CATALOG), limits, around: Around::default(), resent: None }
}

pub(crate) fn master() -> MasterKey {
    MasterKey::parse(&[b"0123456789abcdef".as_slice(); 4].concat()).unwrap()
}
