//! What AWS's command line prints as it is: a list of objects below the name of what is listed,
//! `{"UserPools": [{"Id": …, "Name": …}]}`.

use crate::detect::context::bytes::part;
use crate::detect::context::command::About;
use crate::detect::context::names::{Names, plain, single};
use crate::detect::context::printed::Holds;
use crate::detect::context::printed::cells::Cell;
use crate::detect::context::printed::strings::strings;

/// What some services call all that they list.
const ITEMS: &[u8] = b"items";
/// No answer is read further.
const LONGEST: usize = 1 << 20;

/// Calls `found` with the values of the keys of each object that is listed.
pub(super) fn each(
    names: &Names,
    text: &[u8],
    about: &About<'_>,
    found: &mut impl FnMut(Cell, &[u8], Holds),
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
    for (index, (cell, key)) in strings.iter().enumerate() {
        let signs = text.get(at..cell.start).unwrap_or_default();
        let opened = signs.iter().filter(|b| b"{[".contains(b)).count();
        let closed = signs.iter().filter(|b| b"}]".contains(b)).count();
        depth = (depth + opened).saturating_sub(closed);
        at = cell.end + 1;
        if !key {
            continue;
        }
        if depth == 1 {
            let behind = text.get(cell.end + 1..).unwrap_or_default().trim_ascii_start();
            let behind = behind.strip_prefix(b":").unwrap_or_default().trim_ascii_start();
            let inner = if behind.starts_with(b"[") { 3 } else { 2 };
            below = Some((part(text, cell), inner)).filter(|(key, _)| lists(about, key));
        }
        let value =
            strings.get(index + 1).filter(|(value, key)| !key && follows(text, cell, value));
        // Of the object that is described, or of one in the list.
        if let (Some((of, inner)), Some((value, _))) = (below, value)
            && inner == depth
        {
            let member = part(text, cell);
            found(value.clone(), member, names.listed(about, member, of));
        }
    }
}

/// Is this the key of what the operation lists?
fn lists(about: &About<'_>, key: &[u8]) -> bool {
    let (key, operation) = (plain(key), plain(about.operation));
    let one = single(&operation);
    key == ITEMS || (!one.is_empty() && key.starts_with(one))
}

/// Is this the value of the key?
fn follows(text: &[u8], key: &Cell, value: &Cell) -> bool {
    let between = text.get(key.end + 1..value.start.saturating_sub(1)).unwrap_or_default();
    between.trim_ascii() == b":"
}

impl Names {
    /// What the key of an object holds that is listed.
    fn listed(&self, about: &About<'_>, member: &[u8], of: &[u8]) -> Holds {
        let name = plain(member);
        // Images of AWS's own are told by their names.
        let image = about.service == b"ec2" && plain(about.operation).starts_with(b"image");
        if image || !matches!(name.as_slice(), b"name" | b"id" | b"identifier") {
            return Holds::Other;
        }
        // Of `items`, the operation says what they are.
        let of = if plain(of) == ITEMS { about.operation } else { of };
        let operation = plain(about.operation);
        let one = single(&operation);
        match self.holds(about, member, of) {
            Holds::Other => self.holds(about, &[one, &name].concat(), of),
            holds => holds,
        }
    }
}
