//! Bodies: where the strings are, in JSON, event streams, text and forms.
//!
//! Nothing here knows what a placeholder is. A body is read into leaves, and
//! written back by splicing: every byte that is not replaced stays as it came.

pub mod encoding;
pub mod escape;
pub mod eventstream;
pub mod frame;
pub mod items;
pub mod json;
pub mod multipart;
pub mod select;
pub mod splice;
pub mod sse;
pub(crate) mod strings;
