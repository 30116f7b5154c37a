//! Cloudflare's API: purge and invalidate, and the management of tokens.

mod new_token;
pub(crate) mod path;
mod purge;
pub(crate) mod router;
mod tokens;
