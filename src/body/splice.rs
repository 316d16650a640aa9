//! Rewriting by splicing: replaced spans, everything else as it came.

use std::ops::Range;

/// A span of the source and what stands there instead.
#[derive(Debug)]
pub struct Swap<T> {
    pub span: Range<usize>,
    pub with: T,
}

/// Writes `source` with the swaps applied. They are sorted here, and must not
/// overlap: one that begins before its predecessor's end is left out, which
/// the callers' tests exclude.
pub fn splice<T: AsRef<str>>(source: &str, swaps: &mut [Swap<T>]) -> String {
    swaps.sort_by_key(|swap| swap.span.start);
    let grown: usize = swaps.iter().map(|swap| swap.with.as_ref().len()).sum();
    let mut out = String::with_capacity(source.len() + grown);
    let mut at = 0;
    for swap in swaps.iter() {
        debug_assert!(swap.span.start >= at, "swaps overlap");
        let Some(kept) = source.get(at..swap.span.start) else { continue };
        out.push_str(kept);
        out.push_str(swap.with.as_ref());
        at = swap.span.end;
    }
    out.push_str(source.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swaps_are_applied_in_order_of_the_source() {
        let swap = |span, with| Swap { span, with };
        let mut swaps = [swap(4..5, "E"), swap(0..1, "AA"), swap(2..2, "-")];
        assert_eq!(splice("abcdefg", &mut swaps), "AAb-cdEfg");
        assert_eq!(splice::<&str>("é", &mut []), "é");
    }
}
