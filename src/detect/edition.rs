//! Editions of the catalog: a conversation keeps what it began with.
//!
//! What is added later (a class of a newer program, a pattern of the operator's own) does not
//! act on a conversation that runs: it would change what the model was shown. What is edited
//! or removed acts at once.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::detect::custom::Find;
use crate::detect::{Catalog, CatalogError, Settings};

/// So many catalogs of older editions are kept: each is a few megabytes.
const BUILT: usize = 8;

/// What a conversation began with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pin {
    /// The edition of the classes.
    pub catalog: u16,
    /// The names of the operator's own patterns.
    pub own: BTreeSet<String>,
    /// When the replica read them that began it, in milliseconds since 1970.
    pub read: u64,
}

impl Pin {
    /// Do both name the same patterns?
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.catalog == other.catalog && self.own == other.own
    }
}

/// The conversation began with what this replica does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer;

/// The newest catalog, and those that running conversations began with.
pub struct Editions {
    newest: Arc<Catalog>,
    settings: Settings,
    pin: Pin,
    /// Of the settings and the newest patterns: they may be long lists of names.
    digest: u64,
    /// All conversations take the newest.
    forced: bool,
    /// Those used last are at the end.
    built: Mutex<Vec<(Pin, Arc<Catalog>)>>,
}

impl fmt::Debug for Editions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Editions({:?})", self.pin)
    }
}

impl Editions {
    /// The editions of a catalog, which `settings` made and which was read at `read`.
    #[must_use]
    pub fn new(newest: Arc<Catalog>, settings: Settings, read: u64, forced: bool) -> Self {
        let own = settings.own.patterns.iter().map(|own| own.name.clone()).collect();
        let pin = Pin { catalog: newest.edition(), own, read };
        let digest = digest(&settings, &pin);
        Self { newest, settings, pin, digest, forced, built: Mutex::default() }
    }

    /// Do all conversations take the newest?
    #[must_use]
    pub fn is_forced(&self) -> bool {
        self.forced
    }

    /// Tells apart what acts at once: the settings, and those of the operator's own patterns
    /// with which a conversation began.
    #[must_use]
    pub fn settings(&self, pin: &Pin) -> u64 {
        if pin.is_same(&self.pin) { self.digest } else { digest(&self.settings, pin) }
    }

    /// What a conversation that begins now keeps.
    #[must_use]
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    #[must_use]
    pub fn newest(&self) -> &Arc<Catalog> {
        &self.newest
    }

    /// The catalog for a conversation that began with `pin`.
    pub fn catalog(&self, pin: &Pin) -> Result<Arc<Catalog>, Newer> {
        if self.forced {
            return Ok(Arc::clone(&self.newest));
        }
        // What is missing here was removed, or has not come yet: who read later knows.
        let missing = !pin.own.is_subset(&self.pin.own) && self.pin.read < pin.read;
        if missing || pin.catalog > self.pin.catalog {
            return Err(Newer);
        }
        let own = self.pin.own.intersection(&pin.own).cloned().collect();
        let wanted = Pin { catalog: pin.catalog, own, read: 0 };
        if wanted.is_same(&self.pin) {
            return Ok(Arc::clone(&self.newest));
        }
        // Nothing panics while it holds the lock. Who needs the same waits for it.
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = built.iter().position(|(known, _)| known.is_same(&wanted)) {
            let found = built.remove(at);
            let catalog = Arc::clone(&found.1);
            built.push(found);
            return Ok(catalog);
        }
        let catalog = match self.build(&wanted) {
            Ok(catalog) => Arc::new(catalog),
            // All of its patterns are in the newest, which could be built.
            Err(_) => return Err(Newer),
        };
        if built.len() >= BUILT {
            built.remove(0);
        }
        built.push((wanted, Arc::clone(&catalog)));
        Ok(catalog)
    }

    fn build(&self, pin: &Pin) -> Result<Catalog, CatalogError> {
        Catalog::pinned(&self.settings, Some(pin))
    }
}

/// It is kept in sealed records only.
fn digest(settings: &Settings, pin: &Pin) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Settings { private_ip, public_ip, families_off, arn_style, profile, own } = settings;
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    (private_ip, public_ip, families_off).hash(&mut hasher);
    format!("{arn_style:?} {profile:?}").hash(&mut hasher);
    for pattern in own.patterns.iter().filter(|own| pin.own.contains(&own.name)) {
        (&pattern.name, &pattern.kind, pattern.critical).hash(&mut hasher);
        match &pattern.find {
            Find::Expression(text) => text.hash(&mut hasher),
            Find::Names(names) => names.hash(&mut hasher),
        }
    }
    (&own.allow.values, &own.allow.expressions).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::custom::{Own, Pattern};

    fn editions(names: &[&str], read: u64, forced: bool) -> Editions {
        let pattern = |name: &&str| Pattern {
            name: (*name).to_owned(),
            kind: name.to_ascii_uppercase(),
            critical: false,
            find: Find::Names(vec![format!("the-{name}")]),
            examples: Vec::new(),
            counter_examples: Vec::new(),
        };
        let own = Own { patterns: names.iter().map(pattern).collect(), ..Own::default() };
        let settings = Settings { own: Arc::new(own), ..Settings::default() };
        let catalog = Arc::new(Catalog::builtin(&settings).unwrap());
        Editions::new(catalog, settings, read, forced)
    }

    fn found(catalog: &Catalog, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        catalog.scan(text, "", &[], &mut out);
        out.iter().map(|found| catalog.info(found.kind).name.to_string()).collect()
    }

    #[test]
    fn additions_wait_and_removals_act_at_once() {
        let before = editions(&["a", "b"], 1, false);
        let after = editions(&["b", "c"], 2, false);
        let text = "the-a the-b the-c";
        assert_eq!(found(before.newest(), text), ["A", "B"]);
        assert_eq!(found(after.newest(), text), ["B", "C"]);
        let kept = after.catalog(before.pin()).unwrap();
        assert_eq!(found(&kept, text), ["B"]);
        assert_eq!(kept.kind("C"), after.newest().kind("C"), "kinds keep their numbers");
        assert!(Arc::ptr_eq(&kept, &after.catalog(before.pin()).unwrap()), "it is built once");
        assert!(Arc::ptr_eq(&after.catalog(after.pin()).unwrap(), after.newest()));
        let forced = editions(&["b", "c"], 2, true);
        assert_eq!(found(&forced.catalog(before.pin()).unwrap(), text), ["B", "C"]);
    }

    #[test]
    fn what_has_not_come_yet_is_waited_for() {
        let late = editions(&["a"], 1, false);
        let early = editions(&["a", "b"], 2, false);
        assert_eq!(late.catalog(early.pin()).err(), Some(Newer));
        let newer = Pin { catalog: late.pin().catalog + 1, ..late.pin().clone() };
        assert_eq!(late.catalog(&newer).err(), Some(Newer));
        // Read later, and gone: it was removed.
        assert!(editions(&["a"], 3, false).catalog(early.pin()).is_ok());
    }

    #[test]
    fn classes_of_newer_programs_do_not_act() {
        let newest = editions(&[], 1, false);
        assert!(newest.pin().catalog > 1, "the catalog has classes of a later edition");
        let first = newest.catalog(&Pin { catalog: 1, ..Pin::default() }).unwrap();
        let entries = crate::detect::catalog::entries(&Settings::default()).unwrap();
        let added = entries.into_iter().map(|(_, entry)| entry).filter(|entry| entry.since > 1);
        let mut differ = 0;
        for example in added.flat_map(|entry| entry.examples) {
            differ += usize::from(found(&first, &example) != found(newest.newest(), &example));
        }
        assert!(differ > 0);
    }

    #[test]
    fn few_old_editions_are_kept() {
        let names: Vec<String> = (0..BUILT + 3).map(|n| format!("p{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let editions = editions(&names, 1, false);
        for name in &names {
            let pin = Pin { own: [(*name).to_owned()].into(), ..editions.pin().clone() };
            assert_eq!(found(&editions.catalog(&pin).unwrap(), &format!("the-{name}")).len(), 1);
        }
        assert_eq!(editions.built.lock().unwrap().len(), BUILT);
    }
}
