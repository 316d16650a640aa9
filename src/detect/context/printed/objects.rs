//! What AWS's command line prints as it is: a list of objects below the name of what is listed,
//! `{"UserPools": [{"Id": …, "Name": …}]}`.

use std::collections::HashMap;

use crate::detect::context::bytes::{ends_with, part};
use crate::detect::context::called::{Beside, Called, is_value};
use crate::detect::context::command::About;
use crate::detect::context::names::{Names, plain, single};
use crate::detect::context::printed::Holds;
use crate::detect::context::printed::cells::Cell;
use crate::detect::context::printed::strings::strings;
use crate::detect::context::sibling;

/// What some services call all that they list.
pub(super) const ITEMS: &[u8] = b"items";
/// No more items of a list are read.
const ITEMS_READ: usize = 1024;
/// No answer is read further.
const LONGEST: usize = 1 << 20;

/// What stands in an answer.
pub(super) struct Item<'t> {
    pub cell: Cell,
    /// The key of it.
    pub member: &'t [u8],
    pub holds: Holds,
}

/// Calls `found` with the values of the keys of each object that is listed, and with those that
/// the service calls so wherever they stand.
pub(super) fn each<'t>(
    names: &Names,
    text: &'t [u8],
    about: &About<'_>,
    found: &mut impl FnMut(Item<'t>),
) {
    let text = text.get(..LONGEST).unwrap_or(text);
    let begins = text.trim_ascii_start();
    if !begins.starts_with(b"{") {
        return;
    }
    let strings = strings(text, &(text.len() - begins.len()..text.len()));
    let (mut depth, mut at) = (0_usize, 0);
    // The key of what is listed, and how deep the keys of its objects are.
    let mut below = None;
    // The name beside the next value.
    let mut called: Option<(Beside, &[u8])> = None;
    let mut seen = HashMap::new();
    for (index, (cell, key)) in strings.iter().enumerate() {
        let signs = text.get(at..cell.start).unwrap_or_default();
        let opened = signs.iter().filter(|b| b"{[".contains(b)).count();
        let closed = signs.iter().filter(|b| b"}]".contains(b)).count();
        depth = (depth + opened).saturating_sub(closed);
        at = cell.end + 1;
        if !key {
            continue;
        }
        let member = part(text, cell);
        if depth == 1 {
            let behind = text.get(cell.end + 1..).unwrap_or_default().trim_ascii_start();
            let behind = behind.strip_prefix(b":").unwrap_or_default().trim_ascii_start();
            let inner = if behind.starts_with(b"[") { 3 } else { 2 };
            below = Some((member, inner)).filter(|(key, _)| lists(about, key));
        }
        let values = values(text, &strings, index);
        let Some(first) = values.first() else { continue };
        // Of the object that is described, or of one in the list.
        let holds = match below {
            Some((of, inner)) if inner == depth => names.listed(about, member, of),
            // A tool says a service alone.
            _ if about.operation.is_empty() => Holds::Other,
            _ if depth == 1 && about.service != b"s3" && !about.things().ends_with(b"s") => {
                names.listed(about, member, about.things())
            }
            _ => Holds::Other,
        };
        let holds = match (holds, called.take()) {
            (Holds::Other, Some((beside, name))) if is_value(member) => {
                let fits = |called: &Called| called.fits(part(text, first));
                let called = names.called(name, beside).filter(fits);
                called.map_or(Holds::Other, |called| Holds::Name(called.kind))
            }
            (holds, _) => holds,
        };
        if sibling::NAMES.iter().any(|ending| ends_with(member, ending)) {
            called = Some((Beside::answered(about.operation, member), part(text, first)));
        }
        let holds = match holds {
            // The objects of a list have the same keys.
            Holds::Other => *seen.entry(member).or_insert_with(|| names.anywhere(about, member)),
            holds => holds,
        };
        values.iter().for_each(|cell| found(Item { cell: cell.clone(), member, holds }));
    }
}

/// The value of a key, or those in its list.
fn values(text: &[u8], strings: &[(Cell, bool)], key: usize) -> Vec<Cell> {
    let mut end = strings.get(key).map(|(cell, _)| cell.end + 1).unwrap_or_default();
    let mut sign: &[u8] = b":";
    let mut values = Vec::new();
    for (cell, _) in strings.iter().skip(key + 1).take_while(|(_, key)| !key).take(ITEMS_READ) {
        let between = text.get(end..cell.start.saturating_sub(1)).unwrap_or_default();
        let mut signs = between.iter().filter(|b| !b.is_ascii_whitespace());
        let (first, second, more) = (signs.next(), signs.next(), signs.next());
        let list = values.is_empty() && second == Some(&b'[');
        if first != sign.first() || more.is_some() || (second.is_some() && !list) {
            break;
        }
        values.push(cell.clone());
        if values.len() == 1 && !list {
            break;
        }
        (sign, end) = (b",", cell.end + 1);
    }
    values
}

/// Is this the key of what the operation lists?
pub(super) fn lists(about: &About<'_>, key: &[u8]) -> bool {
    let (key, operation) = (plain(key), plain(about.things()));
    let one = single(&operation);
    key == ITEMS || (!one.is_empty() && key.starts_with(one))
}

impl Names {
    /// What the key of an object holds that is listed.
    pub(super) fn listed(&self, about: &About<'_>, member: &[u8], of: &[u8]) -> Holds {
        let name = plain(member);
        // Images of AWS's own are told by their names.
        let image = about.service == b"ec2" && plain(about.operation).starts_with(b"image");
        if image || !matches!(name.as_slice(), b"name" | b"id" | b"identifier") {
            return Holds::Other;
        }
        // Of `items`, the operation says what they are.
        let of = if plain(of) == ITEMS { about.things() } else { of };
        let operation = plain(about.things());
        let one = single(&operation);
        match self.holds(about, member, of) {
            Holds::Other => self.holds(about, &[one, &name].concat(), of),
            holds => holds,
        }
    }
}
