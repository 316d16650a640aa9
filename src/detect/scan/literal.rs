//! What is done where a literal stands.

use crate::detect::boundary::before;
use crate::detect::catalog::Catalog;
use crate::detect::context::password::near::{self, Word};
use crate::detect::context::password::{argument, before};
use crate::detect::context::{columns, curl, login, manifest, parameter, secret, terraform};
use crate::detect::literals::{Action, Hit};
use crate::detect::scan::Pass;
use crate::detect::{Finding, Rank, pem};

/// Of what was found, the last.
const LAST: usize = 16;

/// The secrets that a call is given whose arguments begin here.
fn call(at: usize, pass: &mut Pass<'_>) {
    // Those of a call in another are read with its own.
    if at >= pass.call {
        let near = &mut pass.near;
        pass.call = argument::each(pass.text, at, |span, word| near.push((span, word)));
    }
}

impl Catalog {
    /// A class that may begin here. Inside what it was found in already it is not looked
    /// for again, so that repeated beginnings cost no more than others.
    fn here(&self, index: usize, start: usize, pass: &mut Pass<'_>) {
        let Some(class) = self.classes.get(index) else { return };
        let known = pass.read.iter().position(|&(other, _)| other == index);
        if known.and_then(|at| pass.read.get(at)).is_some_and(|&(_, end)| start < end) {
            return;
        }
        let found = class.verify(pass.text, start, &mut pass.found).map(|span| span.end);
        let Some(end) = found.or_else(|| class.run_end(pass.text, start)) else { return };
        match known.and_then(|at| pass.read.get_mut(at)) {
            Some(read) => read.1 = end,
            None => pass.read.push((index, end)),
        }
    }

    /// A private key behind prefixes, or of which a class found the beginning alone.
    fn pem(&self, at: usize, pass: &mut Pass<'_>) {
        let Some(kind) = self.kind("PRIVATE_KEY").filter(|_| at >= pass.pem) else { return };
        let Some(span) = pem::block(pass.text, at) else { return };
        pass.pem = span.end;
        // The class was tried right before.
        let known = pass.found.iter_mut().rev().take(LAST).find(|found| found.span.start == at);
        match known {
            Some(known) => known.span.end = known.span.end.max(span.end),
            None => pass.found.push(Finding { span, kind, rank: Rank::Shape, teach: true }),
        }
    }

    /// What looks like a secret behind a word that ends here.
    fn near(&self, at: usize, word: Word, pass: &mut Pass<'_>) {
        let near = &mut pass.near;
        let read = if word == Word::Key { &mut pass.near_read.0 } else { &mut pass.near_read.1 };
        near::behind(pass.text, at, word, read, |span| {
            // Words stand near each other, and each reads a few behind it.
            if !near.iter().rev().take(LAST).any(|(known, _)| *known == span) {
                near.push((span, word));
            }
        });
    }

    /// A variable of Terraform, whose name begins here: it may be a secret, or the name of something.
    fn variable(&self, at: usize, pass: &mut Pass<'_>) {
        let name = terraform::variable(pass.text, at);
        secret::at_sign(pass.text, name.end, &mut pass.secrets);
        self.context.names.variable_block(pass.text, name, &mut pass.named);
    }

    /// Names that follow a literal.
    fn names(&self, action: Action, hit: &Hit<'_>, pass: &mut Pass<'_>) {
        let (names, text, span) = (&self.context.names, pass.text, hit.start..hit.end);
        let out = &mut pass.named;
        match action {
            Action::Tool => names.tool(text, span, out),
            Action::Nodes => names.nodes(text, span.start, out),
            Action::Row => names.row(text, span, out),
            Action::Keyed(index) => names.keyed(index, text, span.end, out),
            Action::Section => names.section(text, span, out),
            Action::Outputs => names.outputs(text, span.start, out),
            Action::Resource => names.resource(text, span.end, out),
            Action::Called(index) => names.in_code(index, text, span, out),
            Action::Buckets => names.buckets(text, span.end, out),
            Action::Clusters => names.clusters(text, span, out),
            _ => {}
        }
    }

    pub(super) fn literal(&self, hit: &Hit<'_>, pass: &mut Pass<'_>) {
        let mut host = false;
        pass.literal |= hit.actions != [Action::Masked];
        for action in hit.actions {
            match *action {
                Action::Here(class) => self.here(class, hit.start, pass),
                Action::Host(_) => host = true,
                Action::Ends(class) => self.named_end(pass.text, hit.start, class, &mut pass.found),
                Action::Arn => {
                    pass.named.aws = true;
                    let first = pass.found.len();
                    self.arns.scan(pass.text, hit.start, &mut pass.found);
                    let added = pass.found.get(first..).unwrap_or_default();
                    pass.arn = added.iter().map(|found| found.span.end).fold(pass.arn, usize::max);
                }
                // In what an ARN names, no program stands.
                Action::Command | Action::Tool if hit.start < pass.arn => {}
                Action::Aws => {
                    pass.named.aws = true;
                    let typed = pass.text.get(hit.start..hit.end) == Some(b"AWS::");
                    pass.named.typed = if typed { hit.start } else { pass.named.typed };
                }
                Action::Command => self.context.names.command(pass.text, hit.end, &mut pass.named),
                Action::Account => self.context.accounts(pass.text, hit.start, &mut pass.named),
                Action::Variable => self.variable(hit.end, pass),
                Action::Tool
                | Action::Nodes
                | Action::Row
                | Action::Keyed(_)
                | Action::Section
                | Action::Outputs
                | Action::Resource
                | Action::Called(_)
                | Action::Buckets
                | Action::Clusters => self.names(*action, hit, pass),
                Action::Linked => pass.named.linked = true,
                Action::Curl | Action::Login(_) if hit.end < pass.login => {}
                Action::Curl => {
                    pass.login = curl::passwords(pass.text, hit.end, &mut pass.typed);
                }
                Action::Login(program) => {
                    pass.login =
                        login::passwords(program, pass.text, hit.start..hit.end, &mut pass.typed);
                }
                // `{{resolve:secretsmanager:NAME:SecretString:KEY}}` names a key.
                Action::Password if before(pass.text, hit.start) == Some(b':') => {}
                Action::Password => pass.passwords.push(hit.end),
                Action::Near(word) => self.near(hit.end, word, pass),
                Action::Call => call(hit.end, pass),
                Action::Head if !columns::may_be_head(pass.text, &(hit.start..hit.end)) => {}
                Action::Head => pass.heads.push(hit.start),
                Action::Secure => {
                    let value = parameter::value(pass.text, hit.start..hit.end);
                    pass.passwords.extend(value);
                }
                Action::Manifest => {
                    let kind = hit.start..hit.end;
                    manifest::values(pass.text, kind, &mut pass.manifest, &mut pass.held);
                }
                Action::Sensitive => {
                    pass.held.extend(parameter::sensitive(pass.text, hit.start..hit.end));
                }
                Action::Before => pass.typed.extend(before::ends(pass.text, hit.start)),
                Action::Pem => self.pem(hit.start, pass),
                Action::Masked => pass.masked = true,
            }
        }
        if host {
            self.host(hit, pass);
        }
    }
}
