//! Values, the placeholders that stand for them, and the keys that make them.

mod channel;
mod contents;
pub mod document;
pub mod keys;
pub mod masker;
pub mod placeholder;
mod quick;
pub mod restore;
pub mod stream;
pub mod table;
pub mod value;

pub use keys::{KeyError, MasterKey, Scope, Tenant, TenantError};
pub use placeholder::Placeholder;
pub use value::{Mapping, Value};
