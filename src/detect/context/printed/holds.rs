//! What AWS's services answer with, by the names of their members.

use crate::detect::context::command::About;
use crate::detect::context::names::{self, Names};
use crate::detect::context::printed::Holds;
use crate::detect::context::printed::objects::ITEMS;

impl About<'_> {
    /// Does Secrets Manager answer with a secret?
    pub(super) fn is_secret(&self) -> bool {
        self.service == b"secretsmanager" && self.operation.ends_with(b"secret-value")
    }
}

impl Names {
    /// What a member of the answer is.
    pub(super) fn holds(&self, about: &About<'_>, member: &[u8], of: &[u8]) -> Holds {
        let Some(answers) = &self.answers else { return Holds::Other };
        let small = |name: &[u8]| names::plain(name);
        let (member_of, operation, lower) = (small(of), small(about.things()), small(member));
        let [of, single, one] = [&member_of, &operation, &lower].map(|name| names::single(name));
        // What some services call all that they list.
        let lists = |name: &[u8]| {
            name.starts_with(single) || operation.starts_with(name) || name == names::single(ITEMS)
        };
        if self.is_held(about.service, &operation, one) {
            return Holds::Held;
        }
        match (about.service, one) {
            (b"ssm", b"value") => return Holds::Secret,
            // The user of a database, and what else a secret holds.
            (b"", _) | (b"secretsmanager", b"username" | b"dbname") => return Holds::Other,
            (_, b"account" | b"accountid" | b"ownerid") | (b"ce", b"key" | b"value") => {
                return Holds::Account(answers.account);
            }
            (b"organizations", b"id") if lists(of) && single.starts_with(b"account") => {
                return Holds::Account(answers.account);
            }
            (b"s3api" | b"s3", b"name") => return Holds::Name(answers.bucket),
            // AWS's own.
            (b"eks", b"addon" | b"addonname") => return Holds::Other,
            (b"eks", b"cluster") if lists(one) => return Holds::Name(answers.cluster),
            _ => {}
        }
        // `TableNames`; of `Keys`, only what the operation lists.
        let named = lists(one).then(|| [one, b"name"].concat());
        let key = self.key(member).or_else(|| self.key(&named?)).map(|key| key.kind);
        // `Stacks[].Name`, but not `Instances[].State.Name`.
        let own = !matches!(one, b"name" | b"id" | b"identifier") || lists(of);
        let meant = || self.meant(about.service, single, one).filter(|_| own);
        meant().or(key).map_or(Holds::Other, Holds::Name)
    }
    /// What a member of an answer is, wherever it stands in that: one that the service calls so
    /// and nobody else.
    pub(super) fn anywhere(&self, about: &About<'_>, member: &[u8]) -> Holds {
        let (operation, member) = (names::plain(about.things()), names::plain(member));
        let (single, one) = (names::single(&operation), names::single(&member));
        let bare = matches!(one, b"name" | b"id" | b"identifier");
        if self.is_held(about.service, &operation, one) {
            return Holds::Held;
        }
        let member_of = |parts: &[&[u8]]| {
            let kind = self.members.get(parts.join(&b'.').as_slice()).copied();
            kind.map_or(Holds::Other, Holds::Name)
        };
        match (about.service, one, &self.answers) {
            (b"ce", b"key" | b"value", Some(answers)) => Holds::Account(answers.account),
            _ if bare => Holds::Other,
            // Ids that are options name what the command is about, and in answers anything.
            _ if one.ends_with(b"id") => member_of(&[about.service, one]),
            _ => self.meant(about.service, single, one).map_or(Holds::Other, Holds::Name),
        }
    }
}
