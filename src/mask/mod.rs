//! Values, the placeholders that stand for them, and the keys that make them.

pub mod care;
mod carried;
mod channel;
mod contents;
pub mod conversation;
mod decoded;
pub mod document;
mod held;
pub mod keys;
pub mod masker;
pub mod note;
mod offsets;
pub mod placeholder;
pub(crate) mod plain;
mod quick;
pub mod resent;
pub mod restore;
pub mod ring;
pub mod schema;
mod spelling;
pub mod stream;
pub mod table;
mod url;
pub mod value;

pub use keys::{Label, MasterKey, Scope, Tenant, TenantError};
pub use placeholder::Placeholder;
pub use ring::{KeyError, Ring};
pub use value::{Mapping, Value};
