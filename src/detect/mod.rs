//! stub
use std::ops::Range;
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u16);
#[derive(Debug)]
pub struct KindInfo {
    pub name: Box<str>,
    pub secret: bool,
    pub critical: bool,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Shape,
    Structure,
    Context,
    Known,
}
#[derive(Clone, Debug)]
pub struct Finding {
    pub span: Range<usize>,
    pub kind: Kind,
    pub rank: Rank,
    pub teach: bool,
}
#[derive(Debug)]
pub struct Catalog;
impl Catalog {
    pub fn info(&self, _kind: Kind) -> &KindInfo {
        unimplemented!()
    }
    pub fn kind(&self, _name: &str) -> Option<Kind> {
        None
    }
    pub fn scan(
        &self,
        _text: &str,
        _label: &str,
        _taken: &[Range<usize>],
        _out: &mut Vec<Finding>,
    ) {
    }
    pub fn account_number(&self, _label: &str, _digits: &str) -> bool {
        false
    }
}
#[derive(Debug, Default, Clone)]
pub struct Known;
impl Known {
    pub fn learn(&mut self, _name: &str, _kind: Kind) -> bool {
        false
    }
    pub fn is_empty(&self) -> bool {
        true
    }
    pub fn contains(&self, _name: &str) -> Option<Kind> {
        None
    }
    pub fn find(&self, _text: &str, _taken: &[Range<usize>], _out: &mut Vec<Finding>) {}
}
