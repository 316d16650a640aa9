//! Names beside values in what a command printed: `environment[].[name,value]`,
//! `Outputs[].[OutputKey,OutputValue]`.

use crate::detect::Finding;
use crate::detect::context::bytes::part;
use crate::detect::context::called::{Beside, is_value};
use crate::detect::context::command::About;
use crate::detect::context::names::Names;
use crate::detect::context::printed::cells::Cell;
use crate::detect::context::printed::secrets::HELD;
use crate::detect::context::printed::{Column, Holds, fields, name};
use crate::detect::context::{Context, sibling, value};

/// What names stand in that are tags.
const TAGS: [&[u8]; 3] = [b"Tags", b"TagSet", b"TagList"];

impl Column {
    /// Does it hold what the value beside it is called?
    pub(super) fn calls(&self) -> bool {
        let name = super::super::names::plain(&self.member);
        let named = matches!(self.holds, Holds::Other | Holds::Called | Holds::Name(_));
        named && sibling::NAMES.iter().any(|ending| name.ends_with(ending))
    }
}

/// Says which columns hold names, and which their values.
pub(super) fn pair(all: &mut [Column]) {
    let value = |column: &Column| column.holds == Holds::Other && is_value(&column.member);
    if !all.iter().any(Column::calls) || !all.iter().any(value) {
        return;
    }
    for column in all.iter_mut().filter(|column| column.holds == Holds::Other) {
        column.holds = match () {
            () if value(column) => Holds::Value,
            () if column.calls() => Holds::Called,
            () => Holds::Other,
        };
    }
}

impl Names {
    /// What a query picks: a member, or the value beside a name.
    pub(super) fn picked(
        &self,
        about: &About<'_>,
        member: &[u8],
        of: &[u8],
        beside: bool,
    ) -> Holds {
        if !beside {
            return self.holds(about, member, of);
        }
        let tags = of.is_empty() || TAGS.contains(&of);
        let tag = || self.called(member, Beside::Tag).filter(|_| tags);
        let stack = || {
            let stack = [b"Outputs".as_slice(), b"Parameters", b"Exports", b""].contains(&of);
            self.called(member, Beside::Stack)
                .filter(|_| stack && about.service == b"cloudformation")
        };
        let called = tag().or_else(stack).filter(|called| !called.distinct);
        match called {
            Some(called) => Holds::Name(called.kind),
            None if about.service == b"ssm" => Holds::Secret,
            None => Holds::Other,
        }
    }
}

impl Context {
    /// A value in a cell, by the name in another.
    pub(super) fn called_cell(
        &self,
        text: &[u8],
        cell: &Cell,
        (called, beside): &(Cell, Beside),
    ) -> Option<Finding> {
        let (of, whole) = (part(text, called), part(text, cell));
        let named = || {
            let called = self.names.called(of, *beside).filter(|called| called.fits(whole))?;
            let span = value::name(text, cell.clone(), of)?;
            (value::run(text, cell.start) == *cell).then(|| name(text, span, called.kind))
        };
        self.secret_cell(text, cell, of, false).or_else(named)
    }

    /// A secret, or what one holds that is an object in a string.
    pub(super) fn held(&self, text: &[u8], cell: &Cell, add: &mut impl FnMut(Finding)) {
        let whole = part(text, cell);
        if !whole.trim_ascii_start().starts_with(b"{") {
            return self.secret_cell(text, cell, HELD, true).into_iter().for_each(add);
        }
        fields::each(whole, &mut |field, sure| {
            let field = field.start + cell.start..field.end + cell.start;
            self.secret_cell(text, &field, HELD, sure).into_iter().for_each(&mut *add);
        });
    }
}
