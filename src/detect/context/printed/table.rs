//! What AWS's command line prints with `--output table`: the name of what is listed, and below it
//! the names of columns, or a member beside its value.

use crate::detect::context::bytes::part;
use crate::detect::context::command::About;
use crate::detect::context::names::Names;
use crate::detect::context::printed::Holds;
use crate::detect::context::printed::cells::{Cell, lines, split};
use crate::detect::context::printed::objects::{Item, lists};

/// Calls `found` with the values in the tables of an answer.
pub(super) fn each<'t>(
    names: &Names,
    text: &'t [u8],
    about: &About<'_>,
    found: &mut impl FnMut(Item<'t>),
) {
    if !matches!(text.trim_ascii_start(), [b'-' | b'|', ..]) {
        return;
    }
    let mut rows = lines(text).peekable();
    let (mut of, mut heads): (&[u8], Vec<&[u8]>) = (b"", Vec::new());
    while let Some(line) = rows.next() {
        let row = cells(text, &line);
        let rule = |line: &Cell| part(text, line).trim_ascii_start().starts_with(b"|+-");
        let ruled =
            rows.peek().is_some_and(|next| rule(next) || part(text, next).starts_with(b"+-"));
        let whole: Vec<_> = row.iter().map(|cell| part(text, cell)).collect();
        match whole.as_slice() {
            [] => {}
            _ if rule(&line) => {}
            [key] => (of, heads) = (key, Vec::new()),
            all if ruled && heads.is_empty() && all.iter().all(|cell| is_member(cell)) => {
                heads = all.to_vec();
            }
            [member, _] if heads.is_empty() => {
                found(item(names, about, of, member, row.get(1)));
            }
            _ if heads.len() == row.len() => {
                let columns = heads.iter().zip(&row);
                columns.for_each(|(head, cell)| found(item(names, about, of, head, Some(cell))));
            }
            _ => heads.clear(),
        }
    }
}

fn item<'t>(
    names: &Names,
    about: &About<'_>,
    of: &[u8],
    member: &'t [u8],
    cell: Option<&Cell>,
) -> Item<'t> {
    let listed = if lists(about, of) { names.listed(about, member, of) } else { Holds::Other };
    let holds = if listed == Holds::Other { names.anywhere(about, member) } else { listed };
    Item { cell: cell.cloned().unwrap_or_default(), member, holds }
}

/// The cells of a line, without those between two bars.
pub(super) fn cells(text: &[u8], line: &Cell) -> Vec<Cell> {
    let whole = part(text, line);
    if !(whole.starts_with(b"|") && whole.ends_with(b"|")) {
        return Vec::new();
    }
    let cells = split(text, line, b'|');
    cells.into_iter().filter(|cell| !cell.is_empty()).collect()
}

/// Is this the name of a column?
fn is_member(cell: &[u8]) -> bool {
    cell.first().is_some_and(u8::is_ascii_alphabetic) && cell.iter().all(u8::is_ascii_alphanumeric)
}
