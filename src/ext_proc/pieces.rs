//! A masked body on its way to Envoy: written piece by piece, so that it is never there twice.

use std::fmt;
use std::sync::Arc;
use std::vec::IntoIter;

use bytes::Bytes;

use crate::body::splice::Swap;
use crate::ext_proc::messages::CHUNK;

/// What a body is a rewriting of.
type Source = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// What is left of a body, at least one piece.
#[derive(Clone)]
pub struct Pieces {
    source: Source,
    /// Of the source, what is written already.
    at: usize,
    swaps: IntoIter<Swap<String>>,
    /// What is being written in the place of a span, and how much of it was.
    open: Option<(Swap<String>, usize)>,
    /// Bytes that are left.
    left: usize,
    done: bool,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pieces({} bytes)", self.left)
    }
}

impl Pieces {
    /// A body as it is.
    pub(super) fn whole(body: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::new(Arc::new(body), Vec::new())
    }

    /// A source with swaps, which fit it and are sorted.
    pub(super) fn new(source: Source, swaps: Vec<Swap<String>>) -> Self {
        let away: usize = swaps.iter().map(|swap| swap.span.len()).sum();
        let with: usize = swaps.iter().map(|swap| swap.with.len()).sum();
        let left = ((*source).as_ref().len() + with).saturating_sub(away);
        let mut swaps = swaps.into_iter();
        let open = swaps.next().map(|swap| (swap, 0));
        Self { source, at: 0, swaps, open, left, done: false }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.left
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// All that is left.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.clone().flat_map(|(bytes, _)| bytes).collect()
    }

    fn piece(&mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.left.min(CHUNK));
        let source = (*self.source).as_ref();
        while out.len() < CHUNK {
            let end = self.open.as_ref().map_or(source.len(), |(swap, _)| swap.span.start);
            if self.at < end {
                let to = end.min(self.at + (CHUNK - out.len()));
                out.extend_from_slice(source.get(self.at..to).unwrap_or_default());
                self.at = to;
                continue;
            }
            let Some((swap, written)) = &mut self.open else { break };
            let rest = swap.with.as_bytes().get(*written..).unwrap_or_default();
            let fits = rest.get(..CHUNK - out.len()).unwrap_or(rest);
            out.extend_from_slice(fits);
            *written += fits.len();
            if *written == swap.with.len() {
                self.at = swap.span.end;
                self.open = self.swaps.next().map(|swap| (swap, 0));
            }
        }
        out
    }
}

impl Iterator for Pieces {
    /// A piece, and whether it is the last.
    type Item = (Bytes, bool);

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let piece = self.piece();
        self.left = self.left.saturating_sub(piece.len());
        self.done = self.left == 0 || piece.is_empty();
        Some((piece.into(), self.done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::splice::splice;

    #[test]
    fn pieces_are_what_splicing_gives() {
        let source: String = ('a'..='z').cycle().take(3 * CHUNK + 7).collect();
        let long = "L".repeat(CHUNK + 3);
        let swap = |span, with: &str| Swap { span, with: with.to_owned() };
        for mut swaps in [
            vec![],
            vec![swap(0..0, "x")],
            vec![swap(0..5, ""), swap(5..9, &long), swap(9..9, "y"), swap(CHUNK..2 * CHUNK, "z")],
            vec![swap(CHUNK - 2..CHUNK + 2, "1234"), swap(source.len()..source.len(), &long)],
            vec![swap(0..source.len(), "")],
            vec![swap(2..source.len(), &long)],
        ] {
            let wanted = splice(&source, &mut swaps).unwrap();
            let pieces = Pieces::new(Arc::new(source.clone()), swaps);
            assert_eq!(pieces.len(), wanted.len());
            let all: Vec<_> = pieces.clone().collect();
            assert!(all.iter().all(|(bytes, _)| bytes.len() <= CHUNK));
            let lasts: Vec<_> = all.iter().map(|(_, last)| *last).collect();
            assert_eq!(lasts.iter().position(|last| *last), Some(lasts.len() - 1));
            assert!(pieces.bytes() == wanted.as_bytes(), "{} bytes", wanted.len());
        }
        let empty: Vec<_> = Pieces::whole("").collect();
        assert_eq!(empty, [(Bytes::new(), true)]);
    }
}
