//! `masker explain`: what becomes of a request, place by place. No value is printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use clap::Args;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::body::json::{JsonError, Node, Shape, Tape};
use crate::body::select::{self, Format, Place};
use crate::cli::flags::Local;
use crate::cli::input::{self, InputError};
use crate::cli::{output, wiring};
use crate::config::load::Flags;
use crate::config::{Config, key};
use crate::detect::{Catalog, CatalogError, Rank};
use crate::ext_proc::endpoint::Endpoint;
use crate::ext_proc::request::{opaque_name, place_name};
use crate::mask::masker::{Around, Masker, Refusal, Session};
use crate::mask::table::Table;
use crate::mask::{Tenant, TenantError, placeholder, schema};

#[derive(Debug, Args)]
pub(super) struct Explain {
    #[command(flatten)]
    flags: Local,
    /// A request body in JSON; standard input if none is named
    file: Option<PathBuf>,
    /// The path that it is sent to, which decides how it is read
    #[arg(long, default_value = "/v1/messages")]
    path: String,
    /// The tenant whose placeholders are made
    #[arg(long, default_value = "default")]
    tenant: String,
}

#[derive(Debug, Error)]
pub(super) enum ExplainError {
    #[error(transparent)]
    Key(#[from] key::KeySourceError),
    #[error(transparent)]
    Catalog(#[from] Box<CatalogError>),
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error("the request is refused")]
    Refused(#[from] Refusal),
    #[error("the request is no JSON that can be read")]
    Json(#[from] JsonError),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("cannot write the result")]
    Output(#[source] io::Error),
}

impl Explain {
    pub(super) fn flags(&self) -> Flags {
        self.flags.clone().into()
    }
}

pub(super) fn run(config: &Config, args: &Explain) -> Result<(), ExplainError> {
    let tenant = Tenant::named(&args.tenant)?;
    let apart = config.apart(&tenant);
    let config = apart.as_ref().unwrap_or(config);
    let scope = config.key.load()?.scope(&tenant);
    let source = input::read(args.file.as_deref())?;
    if Endpoint::known(&args.path).is_none() {
        output::note("no API that is known has this --path: all strings are masked as text");
    }
    let format = Endpoint::of(&args.path).request;
    let masker = wiring::masker(config)?;
    let mut session = Session::new(&masker, &scope);
    // What changes beside the texts is told apart from them.
    session.around = Around { schemas: false, note: false, ..session.around };
    let masked = Zeroizing::new(session.json(&source, format)?);
    let (before, after) = (parse(&source, &masker)?, parse(&masked, &masker)?);
    let mut told = Told { catalog: &masker.catalog, table: &session.table, out: String::new() };
    let mut places = BTreeMap::new();
    for leaf in select::units(&before, format).iter().flatten() {
        places.insert(leaf.node, (leaf.place, leaf.label));
    }
    let (old, new) = (scalars(&before), scalars(&after));
    for ((_, old), (path, new)) in old.iter().zip(&new) {
        let (place, label) = places.get(old).copied().unwrap_or((Place::Text, None));
        let label = label.map(|key| before.text(key).into_owned()).unwrap_or_default();
        told.leaf(path, place, &label, &before.text(*old), &after.text(*new));
    }
    if masker.around.schemas {
        told.schemas(&after, &new, format, config.limits.depth);
    }
    for tool in select::hosted(&before, format) {
        told.line("/", &format!("provider tool    {tool:?} works with placeholders"));
    }
    if told.out.is_empty() {
        told.out.push_str("nothing in this request is changed\n");
    }
    output::result(told.out.as_bytes()).map_err(ExplainError::Output)
}

fn parse<'s>(source: &'s str, masker: &Masker) -> Result<Tape<'s>, JsonError> {
    Tape::parse(source, masker.limits.depth)
}

/// All keys and scalars in the order of the source, with their JSON pointers.
fn scalars(tape: &Tape<'_>) -> Vec<(String, Node)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), tape.root())];
    while let Some((path, node)) = open.pop() {
        match tape.shape(node) {
            Shape::Object => {
                for (key, value) in tape.fields(node) {
                    // What is masked in a key is no part of its path.
                    let name = tape.text(key).replace('~', "~0").replace('/', "~1");
                    let name =
                        if placeholder::spans(&name).is_empty() { name } else { "…".into() };
                    found.push((path.clone(), key));
                    open.push((format!("{path}/{name}"), value));
                }
            }
            Shape::Array => {
                let items = tape.items(node).enumerate();
                open.extend(items.map(|(index, item)| (format!("{path}/{index}"), item)));
            }
            _ => found.push((path, node)),
        }
    }
    found.sort_by_key(|&(_, node)| node);
    found
}

/// What is printed.
struct Told<'m> {
    catalog: &'m Catalog,
    table: &'m Table,
    out: String,
}

impl Told<'_> {
    fn line(&mut self, path: &str, what: &str) {
        // Writing to a string cannot fail.
        let _written = writeln!(self.out, "{path}  {what}");
    }

    /// What became of one leaf, if anything did.
    fn leaf(&mut self, path: &str, place: Place, label: &str, old: &str, new: &str) {
        match place {
            Place::Opaque(opaque) => {
                self.line(path, &format!("not looked into  {}", opaque_name(opaque)));
            }
            Place::State | Place::Thought if old == new && !placeholder::spans(old).is_empty() => {
                self.line(path, "stays            the model's own state");
            }
            Place::Guarded(guarded) => {
                let mut findings = Vec::new();
                self.catalog.scan(old, label, &[], &mut findings);
                for finding in findings {
                    let kind = &self.catalog.info(finding.kind).name;
                    let what = format!("stays            {kind} in {}", place_name(guarded));
                    self.line(path, &what);
                }
            }
            _ if old != new => self.masked(path, label, old, new),
            _ => {}
        }
    }

    fn masked(&mut self, path: &str, label: &str, old: &str, new: &str) {
        let mut findings = Vec::new();
        self.catalog.scan(old, label, &[], &mut findings);
        let mut any = false;
        for span in placeholder::spans(new) {
            let name = new.get(span).unwrap_or_default();
            let Some(value) = self.table.original(name) else { continue };
            let own = findings.iter().find(|finding| old.get(finding.span.clone()) == Some(value));
            let how = match own.map(|finding| finding.rank) {
                Some(Rank::Shape) => "by its shape",
                Some(Rank::Structure) => "as a field of what is around it",
                Some(Rank::Context) => "by its key or the words before it",
                Some(Rank::Known) | None => {
                    "known from another place, from what is beside it, or from the command that printed it"
                }
            };
            any = true;
            self.line(path, &format!("masked           {name}  {how}"));
        }
        if !any {
            self.line(path, "masked           in base64");
        }
    }

    /// Constraints that would have forbidden placeholders.
    fn schemas(
        &mut self,
        tape: &Tape<'_>,
        scalars: &[(String, Node)],
        format: Format,
        depth: usize,
    ) {
        for rewrite in schema::rewrites(tape, format, depth) {
            let at = rewrite.swap.span.start;
            let next = scalars.partition_point(|&(_, node)| tape.span(node).start <= at);
            let path = next.checked_sub(1).and_then(|index| scalars.get(index));
            let path = path.map(|(path, _)| path.clone()).unwrap_or_default();
            self.line(&path, &format!("widened          {} admits placeholders", rewrite.what));
        }
    }
}
