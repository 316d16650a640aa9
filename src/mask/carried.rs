//! URLs that go on from event to event in streams whose texts are not put together.
//!
//! Of most APIs each event is restored by itself, but a URL that one event begins may end in
//! the next. A text goes on where the next event has a text in the same place, with the
//! same indexes: `choices[index=1].delta.content`.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::body::json::{Node, Shape, Tape};
use crate::mask::url::Url;

/// Places of one stream. Those beyond share one URL, which errs to the careful side.
const PLACES: usize = 1024;

#[derive(Default)]
pub(super) struct Carried(HashMap<u64, Url>);

impl Carried {
    /// What came before in this place.
    pub(super) fn at(&mut self, place: u64, tool: bool) -> &mut Url {
        let known = self.0.len() < PLACES || self.0.contains_key(&place);
        self.0.entry(if known { place } else { 0 }).or_insert_with(|| Url::new(tool))
    }
}

/// The places of all strings of an event.
pub(super) fn places(tape: &Tape<'_>) -> BTreeMap<Node, u64> {
    let kind = tape.field(tape.root(), "type").map(|kind| tape.raw(kind));
    let mut places = BTreeMap::new();
    walk(tape, tape.root(), below(1, kind), &mut places);
    places
}

fn below(place: u64, part: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (place, part).hash(&mut hasher);
    hasher.finish()
}

fn walk(tape: &Tape<'_>, node: Node, place: u64, places: &mut BTreeMap<Node, u64>) {
    match tape.shape(node) {
        Shape::String => {
            places.insert(node, place);
        }
        Shape::Array => {
            for (at, item) in tape.items(node).enumerate() {
                // Its own index says more than where it stands.
                let indexed = tape.field(item, "index").is_some();
                walk(tape, item, if indexed { place } else { below(place, at) }, places);
            }
        }
        Shape::Object => {
            let mut here = place;
            for (key, value) in tape.fields(node) {
                if tape.raw(key).to_ascii_lowercase().ends_with("index") {
                    here = below(here, (tape.raw(key), tape.raw(value)));
                }
            }
            for (key, value) in tape.fields(node) {
                walk(tape, value, below(here, tape.raw(key)), places);
            }
        }
        _ => {}
    }
}
