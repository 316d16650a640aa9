//! Rows of AWS's command line with `--output text`: the name of what is listed and its members,
//! between tabs, in the order of their keys.

use std::ops::Range;

use memchr::memmem;

use crate::detect::Kind;
use crate::detect::boundary::left_of;
use crate::detect::catalog::Kinds;
use crate::detect::context::bytes::{line, part};
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::Names;
use crate::detect::context::shape::is_account;
use crate::detect::context::value;

/// Rows that hold the account of an owner: EC2, Organizations.
pub(crate) const OWNED: [&str; 26] = [
    "ACCEPTERVPCINFO\t",
    "ACCOUNTS\t",
    "ADDRESSES\t",
    "CAPACITYRESERVATIONS\t",
    "CARRIERGATEWAYS\t",
    "DHCPOPTIONS\t",
    "EGRESSONLYINTERNETGATEWAYS\t",
    "IMAGES\t",
    "INTERNETGATEWAYS\t",
    "NETWORKACLS\t",
    "NETWORKINTERFACES\t",
    "PREFIXLISTS\t",
    "REQUESTERVPCINFO\t",
    "RESERVATIONS\t",
    "ROUTETABLES\t",
    "SECURITYGROUPRULES\t",
    "SECURITYGROUPS\t",
    "SNAPSHOTS\t",
    "SUBNETS\t",
    "TRANSITGATEWAYATTACHMENTS\t",
    "TRANSITGATEWAYS\t",
    "USERIDGROUPPAIRS\t",
    "VPCENDPOINTS\t",
    "VPCENDPOINTCONNECTIONS\t",
    "VPCPEERINGCONNECTIONS\t",
    "VPCS\t",
];
/// Rows with a name beside a member that is known by its form.
pub(crate) const NAMED: [&str; 4] = ["INSTANCES\t", "FUNCTIONS\t", "DBINSTANCES\t", "DBCLUSTERS\t"];
/// No row is read further.
const ROW: usize = 4096;

/// The kinds of what stands in rows.
#[derive(Debug)]
pub(super) struct Rows {
    account: Kind,
    group: Kind,
    image: Kind,
    key_pair: Kind,
    function: Kind,
    instance: Kind,
    cluster: Kind,
    /// What an account is called, which may be words.
    organization: Kind,
}

impl Rows {
    pub(super) fn new(kinds: &mut Kinds) -> Self {
        let names = ["ACCOUNT", "SG", "AMI", "KEY_PAIR", "LAMBDA", "RDS", "RDS_CLUSTER", "ORG"];
        let [account, group, image, key_pair, function, instance, cluster, organization] =
            names.map(|kind| kinds.make(kind));
        Self { account, group, image, key_pair, function, instance, cluster, organization }
    }
}

impl Names {
    /// The members of a row, whose name stands at `head`.
    pub(crate) fn row(&self, text: &[u8], head: Range<usize>, out: &mut Findings) {
        let Some(rows) = &self.rows else { return };
        // In a row that is read none begins, so that each byte is read once.
        if head.start < out.row || !left_of(text, head.start) {
            return;
        }
        let rest = text.get(head.end..).unwrap_or_default();
        let rest = rest.get(..ROW).unwrap_or(rest);
        let rest = rest.get(..line(rest).0).unwrap_or_default();
        out.row = head.end + rest.len();
        out.aws = true;
        let (name, mut start) = (part(text, &head), head.end);
        let mut before: Range<usize> = start..start;
        for cell in rest.split(|b| *b == b'\t') {
            let span = start..start + cell.trim_ascii_end().len();
            start += cell.len() + 1;
            if is_account(part(text, &span)) {
                out.all.push(Named { span: span.clone(), kind: rows.account, alone: true });
            }
            let found = rows.named(name, text, &before, &span);
            let found = found.and_then(|(span, kind)| Some((value::name(text, span, b"")?, kind)));
            out.all.extend(found.map(|(span, kind)| Named { span, kind, alone: true }));
            before = span;
        }
    }
}

impl Rows {
    /// The kind of what accounts are called.
    pub(super) fn organization(&self) -> Kind {
        self.organization
    }

    /// The name in one of two cells beside each other, if the other one tells it.
    fn named(
        &self,
        row: &[u8],
        text: &[u8],
        before: &Range<usize>,
        span: &Range<usize>,
    ) -> Option<(Range<usize>, Kind)> {
        let (last, cell) = (part(text, before), part(text, span));
        let arn = |of: &[u8]| last.starts_with(b"arn:") && memmem::find(last, of).is_some();
        let (whole, kind) = match row {
            b"SECURITYGROUPS\t" if is_account(cell) => (before, self.group),
            b"IMAGES\t" if is_account(cell) => (before, self.image),
            b"INSTANCES\t" if value::is_moment(cell) => (before, self.key_pair),
            b"FUNCTIONS\t" if arn(b":function:") => (span, self.function),
            b"ACCOUNTS\t" if value::is_moment(last) => {
                let whole = value::run_spaced(text, span.start) == *span;
                return whole.then(|| (span.clone(), self.organization));
            }
            b"DBCLUSTERS\t" if arn(b":cluster:") => (span, self.cluster),
            b"DBINSTANCES\t" if last.starts_with(b"db.") => (span, self.instance),
            _ => return None,
        };
        // Types have a dot: no key was given.
        let own = !part(text, whole).contains(&b'.') || row != b"INSTANCES\t";
        (own && value::run(text, whole.start) == *whole).then(|| (whole.clone(), kind))
    }
}
