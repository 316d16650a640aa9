//! The catalog: kinds, classes and what finds their candidates.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

use crate::detect::arn::Table;
use crate::detect::classes::{Class, Entry, File, Find, Ip};
use crate::detect::context::Context;
use crate::detect::custom::{Allowed, Custom, CustomError, Pattern};
use crate::detect::edition::Pin;
use crate::detect::literals::{Action, Literals, NoWord};
use crate::detect::published::Published;
use crate::detect::{ArnStyle, Kind, KindInfo, Profile, Settings, strict};

/// One file per family; its name can be switched off.
const FAMILIES: [(&str, &str); 12] = [
    ("ec2_vpc", include_str!("patterns/ec2_vpc.toml")),
    ("storage", include_str!("patterns/storage.toml")),
    ("iam_credentials", include_str!("patterns/iam_credentials.toml")),
    ("application", include_str!("patterns/application.toml")),
    ("network", include_str!("patterns/network.toml")),
    ("hosts", include_str!("patterns/hosts.toml")),
    ("secrets", include_str!("patterns/secrets.toml")),
    ("tokens", include_str!("patterns/tokens.toml")),
    ("any", include_str!("patterns/any.toml")),
    ("prose", include_str!("patterns/prose.toml")),
    ("output", include_str!("patterns/output.toml")),
    (ENCODED, include_str!("patterns/encoded.toml")),
];
/// The family of what is masked because of what it decodes to.
const ENCODED: &str = "encoded";
/// The families that are no classes: the structure of ARNs, shapes beside a key or a word,
/// and names by their keys.
pub(crate) const ARN: &str = "arn";
pub(crate) const CONTEXT: &str = "context";
pub(crate) const KEYS: &str = "keys";
/// Where kinds are at home that no family of [`families`] has.
const STRICT: &str = "strict";
const OWN: &str = "own";
const KINDS: &str = include_str!("patterns/kinds.toml");

/// The kind of a JSON number that is an account id.
const ACCOUNT_NUMBER: &str = "ACCOUNT_NUMBER";
/// What others have too.
const NO_SIGNS: [&str; 3] = ["PRIVATE_IP", "PUBLIC_IP", "ID"];

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("pattern file {file} is not valid: {source}")]
    File { file: &'static str, source: Box<toml::de::Error> },
    #[error("{0}")]
    Literals(#[from] NoWord),
    #[error("detect.families_off: there is no pattern family {name:?}; there are {families}")]
    Family { name: String, families: String },
    #[error("the operator's own patterns together: {0}")]
    Own(#[from] CustomError),
    #[error("too many classes or kinds")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flags {
    critical: BTreeSet<String>,
    secret: BTreeSet<String>,
}

/// All that is known of identifiers before any text is read.
#[derive(Debug)]
pub struct Catalog {
    id: u64,
    kinds: Kinds,
    pub(crate) classes: Vec<Class>,
    pub(crate) finders: Finders,
    pub(crate) literals: Literals,
    pub(crate) arns: Table,
    pub(crate) context: Context,
    pub(crate) custom: Option<Custom>,
    pub(crate) allowed: Option<Allowed>,
    pub(crate) published: Published,
    /// The kind of base64 with something in it, unless its family is off.
    pub(crate) encoded: Option<Kind>,
    /// What the strict profile looks for last.
    pub(crate) strict: Option<Custom>,
    pub(crate) settings: Settings,
    edition: u16,
}

/// Which classes to try, by what was seen. Values are indexes of classes.
#[derive(Debug, Default)]
pub(crate) struct Finders {
    pub prefixes: HashMap<Box<str>, Vec<usize>>,
    pub longest_prefix: usize,
    pub generic: Vec<usize>,
    pub authority: Vec<usize>,
    pub region: Vec<(u8, usize)>,
    pub uuid: Vec<usize>,
    pub uuid_tail: Vec<usize>,
    pub private_ip: Vec<usize>,
    pub public_ip: Vec<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct Kinds {
    all: Vec<KindInfo>,
    by_name: HashMap<Box<str>, Kind>,
    /// Where kinds that are made now are at home.
    family: &'static str,
    full: bool,
}

impl Kinds {
    /// The kind of this name, made if it is new.
    pub(crate) fn make(&mut self, name: &str) -> Kind {
        if let Some(&kind) = self.by_name.get(name) {
            return kind;
        }
        let Ok(index) = u16::try_from(self.all.len()) else {
            self.full = true;
            return Kind(0);
        };
        let (name, family): (Box<str>, _) = (name.into(), self.family);
        self.all.push(KindInfo {
            name: name.clone(),
            family,
            secret: false,
            critical: false,
            own: false,
        });
        self.by_name.insert(name, Kind(index));
        Kind(index)
    }

    pub(crate) fn name(&self, kind: Kind) -> &str {
        self.all.get(usize::from(kind.0)).map_or("RESOURCE", |info| &info.name)
    }

    /// The kinds that nobody but AWS has.
    fn signs(&self) -> HashSet<Kind> {
        let of_aws = |info: &KindInfo| !info.secret && !NO_SIGNS.contains(&&*info.name);
        let all = (0..).map(Kind).zip(&self.all);
        all.filter(|(_, info)| of_aws(info)).map(|(kind, _)| kind).collect()
    }

    /// The kind of a pattern of the operator's own: not AWS's, if it is new.
    fn own(&mut self, pattern: &Pattern) -> Kind {
        let known = self.by_name.contains_key(pattern.kind.as_str());
        let kind = self.make(&pattern.kind);
        if let Some(info) = self.all.get_mut(usize::from(kind.0)) {
            info.own |= !known;
            info.secret |= info.own;
            info.critical |= pattern.critical;
        }
        kind
    }
}

impl Catalog {
    /// Are there patterns that are not the catalog's own, or of the strict profile?
    #[must_use]
    pub fn finds_more(&self) -> bool {
        self.custom.is_some() || self.strict.is_some()
    }

    /// The patterns that come with the program, and the operator's own.
    pub fn builtin(settings: &Settings) -> Result<Self, CatalogError> {
        Self::pinned(settings, None)
    }

    /// Without what a conversation did not begin with. Kinds have the numbers that they have
    /// with it.
    pub(crate) fn pinned(settings: &Settings, pin: Option<&Pin>) -> Result<Self, CatalogError> {
        let known = |name: &&String| families().any(|family| family == name.as_str());
        if let Some(name) = settings.families_off.iter().find(|name| !known(name)) {
            let families = families().collect::<Vec<_>>().join(", ");
            return Err(CatalogError::Family { name: name.clone(), families });
        }
        let mut kinds = Kinds { family: CONTEXT, ..Kinds::default() };
        // Fixed, so that tests and logs are easy to read.
        kinds.make("ACCOUNT");
        kinds.make(ACCOUNT_NUMBER);
        let mut classes = Vec::new();
        let mut finders = Finders::default();
        let mut literals = Vec::new();
        let mut edition = 1;
        for (family, entry) in entries(settings)? {
            kinds.family = family;
            let class = Class::new(&entry, |name| kinds.make(name));
            edition = edition.max(entry.since);
            if pin.is_none_or(|pin| entry.since <= pin.catalog) {
                finders.add(&entry.find, classes.len(), &mut literals);
            }
            classes.push(class);
        }
        kinds.family = ARN;
        let mut arns = Table::builtin(&mut kinds)?;
        arns.on = settings.is_on(ARN);
        if settings.arn_style == ArnStyle::Whole {
            arns.mask_whole(&mut kinds);
        }
        let is_strict = settings.profile == Profile::Strict;
        kinds.family = CONTEXT;
        let mut context = Context::builtin(&mut kinds, settings)?;
        literals.extend(context.names.literals());
        kinds.family = STRICT;
        let strict = if is_strict { strict::builtin(&mut kinds)? } else { None };
        kinds.family = ENCODED;
        let encoded = settings.is_on(ENCODED).then(|| kinds.make("ENCODED"));
        let flags: Flags = parse("kinds", KINDS)?;
        for kind in &mut kinds.all {
            kind.critical = flags.critical.contains(&*kind.name);
            kind.secret = flags.secret.contains(&*kind.name);
        }
        context.signs = kinds.signs();
        for (field, whole) in arns.whole_kinds() {
            let critical = kinds.all.get(usize::from(field.0)).is_some_and(|info| info.critical);
            if let Some(info) = kinds.all.get_mut(usize::from(whole.0)) {
                info.critical = critical;
            }
        }
        kinds.family = OWN;
        let own = settings.own.patterns.iter().map(|own| (own, kinds.own(own)));
        let mut own: Vec<_> = own.collect();
        own.retain(|(own, _)| pin.is_none_or(|pin| pin.own.contains(&own.name)));
        if kinds.full {
            return Err(CatalogError::TooMany);
        }
        Ok(Self {
            id: next_id(),
            published: Published::builtin(&mut kinds)?,
            kinds,
            classes,
            finders,
            literals: Literals::new(literals)?,
            arns,
            context,
            custom: Custom::new(&own)?,
            allowed: Allowed::new(&settings.own.allow)?,
            encoded,
            strict,
            settings: Settings { public_ip: settings.public_ip || is_strict, ..settings.clone() },
            edition,
        })
    }

    /// Which catalog of this process it is: no two have the same.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    #[must_use]
    pub fn info(&self, kind: Kind) -> &KindInfo {
        static NONE: std::sync::LazyLock<KindInfo> = std::sync::LazyLock::new(|| KindInfo {
            name: "RESOURCE".into(),
            family: ARN,
            secret: false,
            critical: false,
            own: false,
        });
        self.kinds.all.get(usize::from(kind.0)).unwrap_or(&NONE)
    }

    #[must_use]
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.kinds.by_name.get(name).copied()
    }

    pub fn kinds(&self) -> impl Iterator<Item = (Kind, &KindInfo)> {
        (0..).zip(&self.kinds.all).map(|(index, info)| (Kind(index), info))
    }

    /// The edition of the newest class.
    #[must_use]
    pub fn edition(&self) -> u16 {
        self.edition
    }

    /// Makes the table of one class, which its first candidate would wait for; false behind the
    /// last. Threads may share the work.
    pub fn tabulate(&self, class: usize) -> bool {
        self.classes.get(class).map(Class::table).is_some()
    }

    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// The names that a value teaches: itself, or the fields of an ARN that is masked whole.
    pub(crate) fn teaches<'v>(
        &self,
        teach: bool,
        value: &'v str,
        kind: Kind,
    ) -> Vec<(&'v str, Kind)> {
        if !teach {
            return Vec::new();
        }
        self.arns.fields(kind, value).unwrap_or_else(|| vec![(value, kind)])
    }

    /// Is a JSON number under this key an account id?
    #[must_use]
    pub fn account_number(&self, label: &str, digits: &str) -> bool {
        digits.len() == 12
            && digits.bytes().all(|b| b.is_ascii_digit())
            && self.context.names_account(label)
            && !self.published.holds(digits.as_bytes())
            && !self.allowed.as_ref().is_some_and(|allowed| allowed.holds(digits))
    }
}

impl Finders {
    fn add(&mut self, find: &Find, class: usize, literals: &mut Vec<(String, Action)>) {
        match find {
            Find::Prefix(prefixes) => {
                for prefix in prefixes {
                    self.longest_prefix = self.longest_prefix.max(prefix.len());
                    self.prefixes.entry(prefix.as_str().into()).or_default().push(class);
                }
            }
            Find::Hyphen => self.generic.push(class),
            Find::Authority => self.authority.push(class),
            Find::Region(after) => {
                self.region.push((u8::try_from(*after).unwrap_or(b'_'), class));
            }
            Find::Uuid => self.uuid.push(class),
            Find::UuidTail => self.uuid_tail.push(class),
            Find::Ip(Ip::Private) => self.private_ip.push(class),
            Find::Ip(Ip::Public) => self.public_ip.push(class),
            Find::Literal(texts) => {
                literals.extend(texts.iter().map(|text| (text.clone(), Action::Here(class))));
            }
            Find::Host(text) => literals.push((text.clone(), Action::Host(class))),
            Find::Suffix(text) => literals.push((text.clone(), Action::Ends(class))),
        }
    }
}

/// The names of all families.
pub fn families() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|(family, _)| *family).chain([ARN, CONTEXT, KEYS])
}

/// All entries of the families that are on, with their family.
pub(crate) fn entries(settings: &Settings) -> Result<Vec<(&'static str, Entry)>, CatalogError> {
    let mut all = Vec::new();
    for (family, text) in FAMILIES {
        if !settings.is_on(family) {
            continue;
        }
        let file: File = parse(family, text)?;
        all.extend(file.class.into_iter().map(|entry| (family, entry)));
    }
    Ok(all)
}

/// Reads one of the files that come with the program.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    file: &'static str,
    text: &str,
) -> Result<T, CatalogError> {
    toml::from_str(text).map_err(|source| CatalogError::File { file, source: Box::new(source) })
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
