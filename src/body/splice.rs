//! Rewriting by splicing: replaced spans, everything else as it came.

use std::ops::Range;

/// A span of the source and what stands there instead.
#[derive(Clone, Debug)]
pub struct Swap<T> {
    pub span: Range<usize>,
    pub with: T,
}

/// Two swaps overlap, or one does not stand on characters.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit;

/// Sorts swaps. Those that do not fit are an error: one that was left out would leave a value
/// in place.
pub fn fit<T>(source: &str, swaps: &mut [Swap<T>]) -> Result<(), Misfit> {
    swaps.sort_by_key(|swap| swap.span.start);
    let mut at = 0;
    for swap in swaps.iter() {
        source.get(at..swap.span.start).ok_or(Misfit)?;
        at = swap.span.end;
    }
    source.get(at..).map(drop).ok_or(Misfit)
}

/// Writes `source` with the swaps applied, which are sorted here and must [`fit`].
pub fn splice<T: AsRef<str>>(source: &str, swaps: &mut [Swap<T>]) -> Result<String, Misfit> {
    swaps.sort_by_key(|swap| swap.span.start);
    let grown: usize = swaps.iter().map(|swap| swap.with.as_ref().len()).sum();
    let mut out = String::with_capacity(source.len() + grown);
    let mut at = 0;
    for swap in swaps.iter() {
        out.push_str(source.get(at..swap.span.start).ok_or(Misfit)?);
        out.push_str(swap.with.as_ref());
        at = swap.span.end;
    }
    out.push_str(source.get(at..).ok_or(Misfit)?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swaps_are_applied_in_order_of_the_source() {
        let swap = |span, with| Swap { span, with };
        let mut swaps = [swap(4..5, "E"), swap(0..1, "AA"), swap(2..2, "-")];
        assert_eq!(splice("abcdefg", &mut swaps), Ok("AAb-cdEfg".to_owned()));
        assert_eq!(splice::<&str>("é", &mut []), Ok("é".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let swap = |span| Swap { span, with: "x" };
        assert_eq!(splice("abcdef", &mut [swap(0..3), swap(2..4)]), Err(Misfit));
        assert_eq!(splice("é", &mut [swap(1..2)]), Err(Misfit));
        assert_eq!(splice("a", &mut [swap(0..2)]), Err(Misfit));
    }
}
