//! API tokens and global keys: their owners, permissions and lifetimes. Secrets are kept out of debug output and logs.

pub(crate) mod address_range;
pub(crate) mod credentials;
pub(crate) mod issued;
pub(crate) mod permission;
pub(crate) mod policy;
pub(crate) mod sandbox_token;
pub(crate) mod store;
