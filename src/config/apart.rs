//! The table of tenants: whose keys are whose, and what differs for one of them.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use crate::config::families;
use crate::config::file::File;
use crate::config::options::OPTIONS;
use crate::config::patterns::Patterns;
use crate::config::problem::Origin;
use crate::config::rows;
use crate::config::suggest;
use crate::config::tenants;
use crate::config::value::{Row, Value};
use crate::config::{Apart, Config, Refuse, TenantRow};
use crate::detect::Profile;
use crate::detect::custom::Own;
use crate::mask::Tenant;

const PATTERNS: &str = "patterns.tenants";

/// The rows that are whole.
pub(crate) fn tenants(file: &mut File, patterns: &Patterns) -> Vec<TenantRow> {
    let mut found: Vec<TenantRow> = Vec::new();
    for row in rows::rows(file, "tenants") {
        let origin = Origin::File(row.line);
        let name = row.text("name").map(Tenant::named);
        let hashes = row.text("keys_file").map(|path| tenants::read(Path::new(path)));
        if let Some(Err(error)) = &name {
            file.problem(origin, format!("tenants.name is wrong: {error}"));
        }
        if let Some(Err(error)) = &hashes {
            file.problem(origin, format!("tenants.keys_file {error}"));
        }
        let (Some(Ok(tenant)), Ok(hashes)) = (name, hashes.unwrap_or(Ok(Vec::new()))) else {
            continue;
        };
        unshared(file, origin, &found, (&tenant, &hashes));
        let apart = apart(file, &row, &tenant, patterns);
        found.push(TenantRow { tenant, hashes, apart });
    }
    for (names, origin, _) in &patterns.apart {
        for name in names.iter().filter(|name| !found.iter().any(|row| row.is(name))) {
            let text =
                format!("{PATTERNS} names {name:?}, which is no row of [[tenants]]; write one");
            file.problem(*origin, text);
        }
    }
    found
}

/// Neither a name nor a key stands in two rows.
fn unshared(
    file: &mut File,
    origin: Origin,
    before: &[TenantRow],
    (tenant, hashes): (&Tenant, &[[u8; 32]]),
) {
    if before.iter().any(|other| other.tenant == *tenant) {
        let text =
            format!("tenant {:?} stands here twice; put its keys in one file", tenant.as_str());
        file.problem(origin, text);
    } else if let Some(other) =
        before.iter().find(|other| other.hashes.iter().any(|hash| hashes.contains(hash)))
    {
        let text = format!(
            "tenants.keys_file holds a key that tenant {:?} has too",
            other.tenant.as_str()
        );
        file.problem(origin, text);
    }
}

fn apart(file: &mut File, row: &Row, tenant: &Tenant, patterns: &Patterns) -> Apart {
    let families_off = row.list("families_off").map(<[String]>::to_vec);
    let origin = row.origin("families_off");
    for text in families::unknown("tenants.families_off", families_off.iter().flatten()) {
        file.problem(origin, text);
    }
    let body = row.number::<usize>("body");
    let most = match file.values.get("limits.body") {
        Some((Value::Number(most), _)) => usize::try_from(*most).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    if body.is_some_and(|body| body > most) {
        let text = "tenants.body is above limits.body, which is the most for all".to_owned();
        file.problem(row.origin("body"), text);
    }
    Apart {
        families_off,
        profile: row.text("profile").map(|name| match name {
            "strict" => Profile::Strict,
            _ => Profile::Default,
        }),
        own: own(file, row, tenant, patterns),
        body,
        findings: row.number("findings"),
        refuse: row.list("refuse").map(|names| refuse(file, row.origin("refuse"), names)),
    }
}

/// All patterns of one tenant, if some are its alone.
fn own(file: &mut File, row: &Row, tenant: &Tenant, patterns: &Patterns) -> Option<Arc<Own>> {
    let of = |names: &[String]| names.iter().any(|name| name == tenant.as_str());
    let more: Vec<_> = patterns.apart.iter().filter(|(names, ..)| of(names)).collect();
    if more.is_empty() {
        return None;
    }
    let mut own = patterns.own.clone();
    own.patterns.extend(more.into_iter().map(|(.., pattern)| pattern.clone()));
    if let Err((key, error)) = own.check() {
        file.problem(
            row.origin("name"),
            format!("{key} of this tenant, with those of all, {error}"),
        );
    }
    Some(Arc::new(own))
}

/// What is named is refused, and nothing else.
fn refuse(file: &mut File, origin: Origin, names: &[String]) -> Refuse {
    let known = || OPTIONS.iter().filter_map(|opt| opt.key.strip_prefix("refuse."));
    for text in suggest::unknown("tenants.refuse", names, known) {
        file.problem(origin, text);
    }
    let is = |key: &'static str| {
        let named = key.strip_prefix("refuse.");
        Ok::<_, Infallible>(named.is_some_and(|key| names.iter().any(|name| name == key)))
    };
    match Refuse::read(is) {
        Ok(refuse) => refuse,
        Err(never) => match never {},
    }
}

impl TenantRow {
    fn is(&self, name: &str) -> bool {
        self.tenant.as_str() == name
    }
}

impl Config {
    /// The configuration as it is for this tenant, if anything differs.
    #[must_use]
    pub fn apart(&self, tenant: &Tenant) -> Option<Self> {
        let row = self.tenants.iter().find(|row| row.tenant == *tenant)?;
        if row.apart == Apart::default() {
            return None;
        }
        let (mut config, apart) = (self.clone(), row.apart.clone());
        let Apart { families_off, profile, own, body, findings, refuse } = apart;
        let detect = &mut config.detect;
        detect.families_off = families_off.unwrap_or_else(|| detect.families_off.clone());
        detect.profile = profile.unwrap_or(detect.profile);
        detect.own = own.unwrap_or_else(|| Arc::clone(&detect.own));
        config.limits.body = body.unwrap_or(config.limits.body);
        config.limits.findings = findings.unwrap_or(config.limits.findings);
        config.refuse = refuse.unwrap_or(config.refuse);
        Some(config)
    }
}
