//! Values, the placeholders that stand for them, and the keys that make them.

pub mod keys;
pub mod placeholder;
pub mod value;

pub use keys::{KeyError, MasterKey, Scope, Tenant, TenantError};
pub use placeholder::Placeholder;
pub use value::{Mapping, Value};
