//! What every exchange needs: the masker, the keys, the limits.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::body::select::{Guarded, Hosted, Opaque};
use crate::detect::edition::Editions;
use crate::ext_proc::budget::Budget;
use crate::ext_proc::headers::Headers;
use crate::ext_proc::refuse::Reason;
use crate::mask::care::{Care, Rules};
use crate::mask::masker::Masker;
use crate::mask::{MasterKey, Scope, Tenant};

/// Shared by all exchanges, never changed while one runs.
#[derive(Clone, Debug)]
pub struct Settings {
    pub masker: Masker,
    /// The masker's catalog, and those of running conversations.
    pub editions: Arc<Editions>,
    pub master: MasterKey,
    pub tenants: Tenants,
    pub limits: Limits,
    pub refuse: Refuse,
    /// The store keeps what is saved when this process ends.
    pub lasting: bool,
    /// A store that is down is tried again this often.
    pub retry: Duration,
    /// What the operator says about restoring some kinds.
    pub restore: Arc<Rules>,
    /// Other spellings of placeholders are restored, too.
    pub lenient: bool,
    /// Routes on which other media types are let through unmasked.
    pub routes: Vec<Route>,
    pub budget: Arc<Budget>,
    /// For tenants that have some of their own, in place of these.
    pub apart: HashMap<Tenant, Arc<Settings>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request body, before and after inflating.
    pub body: usize,
    /// Time from the request's headers to the end of its body.
    pub body_time: Duration,
    /// Bytes of an answer that is restored whole, and of one event of a stream.
    pub answer: usize,
    /// Levels of JSON.
    pub depth: usize,
    /// Bodies above this are masked off the event loop.
    pub slice: usize,
}

/// What is refused where it cannot be masked.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the configuration")]
pub struct Refuse {
    pub urls: bool,
    pub credentials: bool,
    pub ids: bool,
    pub images: bool,
    pub documents: bool,
    pub files: bool,
    pub audio: bool,
    pub video: bool,
    pub hosted: BTreeSet<Hosted>,
}

impl Refuse {
    /// Must a finding at this place be refused?
    #[must_use]
    pub fn guarded(&self, place: Guarded, critical: bool) -> bool {
        match place {
            _ if critical => self.credentials,
            Guarded::Url => self.urls,
            Guarded::Credential => false,
            Guarded::Name | Guarded::Id | Guarded::Metadata => self.ids,
        }
    }

    #[must_use]
    pub fn opaque(&self, opaque: Opaque) -> bool {
        match opaque {
            Opaque::Image => self.images,
            Opaque::Audio => self.images || self.audio,
            Opaque::Video => self.images || self.video,
            Opaque::Document => self.documents,
            Opaque::File => self.files,
        }
    }
}

/// A route that other media types may take.
#[derive(Clone, Debug)]
pub struct Route {
    pub path_prefix: String,
    /// In lower case and without parameters.
    pub media_types: Vec<String>,
}

impl Settings {
    /// May a body of a type that cannot be masked pass on this path?
    #[must_use]
    pub fn passes(&self, headers: &Headers) -> bool {
        let media = headers.text("content-type").unwrap_or_default().to_ascii_lowercase();
        let media = media.split(';').next().unwrap_or_default().trim();
        self.routes.iter().any(|route| {
            headers.path().starts_with(&route.path_prefix)
                && route.media_types.iter().any(|allowed| media == allowed)
        })
    }

    /// How answers are restored.
    #[must_use]
    pub fn care(&self) -> Care {
        let catalog = Arc::clone(&self.masker.catalog);
        Care::new(Arc::clone(&self.restore), catalog).lenient(self.lenient)
    }

    /// Those of this tenant.
    #[must_use]
    pub fn of<'s>(self: &'s Arc<Self>, tenant: &Tenant) -> &'s Arc<Self> {
        self.apart.get(tenant).unwrap_or(self)
    }

    /// Whose request this is, and that tenant's keys.
    pub fn scope(&self, headers: &Headers) -> Result<Scope, Reason> {
        Ok(self.master.scope(&self.tenants.of(headers, &self.master)?))
    }
}

/// How a tenant is told from a request's headers.
#[derive(Clone, Debug, Default)]
pub struct Tenants {
    /// SHA-256 of static API keys, and whose they are.
    pub keys: HashMap<[u8; 32], Tenant>,
    /// Bearer tokens with these prefixes are static.
    pub bearer_prefixes: Vec<String>,
}

/// These rotate: a tenant of their own would change with each.
const ROTATING: [&str; 2] = ["sk-ant-oat", "ya29."];

impl Tenants {
    fn of(&self, headers: &Headers, master: &MasterKey) -> Result<Tenant, Reason> {
        if let Some(name) = headers.text("x-masker-tenant") {
            return Tenant::named(name).map_err(|_| Reason::Tenant);
        }
        let Some(key) = self.static_key(headers) else { return Ok(Tenant::default()) };
        let listed = || {
            let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
            self.keys.get(&hash).cloned()
        };
        let listed = if self.keys.is_empty() { None } else { listed() };
        Ok(listed.unwrap_or_else(|| master.key_tenant(key.as_bytes())))
    }

    fn static_key<'h>(&self, headers: &'h Headers) -> Option<&'h str> {
        let bearer = || {
            let (scheme, token) = headers.text("authorization")?.split_once(' ')?;
            let token = token.trim();
            let listed = self.bearer_prefixes.iter().any(|prefix| token.starts_with(prefix));
            (scheme.eq_ignore_ascii_case("bearer") && listed).then_some(token)
        };
        ["x-api-key", "api-key", "x-goog-api-key"]
            .into_iter()
            .find_map(|name| headers.text(name))
            .or_else(|| headers.query("key"))
            .or_else(bearer)
            .filter(|key| !key.is_empty() && !ROTATING.iter().any(|prefix| key.starts_with(prefix)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn tenant(headers: &[(&str, &str)]) -> String {
        let master = MasterKey::parse(&[b"0123456789abcdef".as_slice(); 4].concat()).unwrap();
        let own =
            |(name, value): &(&str, &str)| ((*name).to_owned(), Bytes::from((*value).to_owned()));
        let headers: Headers = headers.iter().map(own).collect();
        let hash = Sha256::digest(b"sk-listed").into();
        let tenants = Tenants {
            keys: [(hash, Tenant::named("team").unwrap())].into(),
            bearer_prefixes: vec!["sk-".to_owned()],
        };
        tenants.of(&headers, &master).map_or("refused".to_owned(), |t| t.as_str().to_owned())
    }

    #[test]
    fn the_tenant_is_the_header_the_key_or_default() {
        assert_eq!(tenant(&[]), "default");
        assert_eq!(tenant(&[("x-masker-tenant", "a"), ("x-api-key", "k")]), "a");
        assert_eq!(tenant(&[("x-masker-tenant", "a b")]), "refused");
        assert_eq!(tenant(&[("x-api-key", "sk-listed")]), "team");
        assert_eq!(tenant(&[("authorization", "Bearer sk-listed")]), "team");
        assert_eq!(tenant(&[("authorization", "Bearer sk-ant-oat01-x")]), "default");
        assert_eq!(tenant(&[("authorization", "Bearer eyJhbGciOi.J.W")]), "default");
        let key = tenant(&[("x-api-key", "k")]);
        assert!(key.starts_with("key-") && key == tenant(&[(":path", "/v1/x?key=k")]), "{key}");
    }
}
