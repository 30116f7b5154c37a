//! Cloudflare's API: purge and invalidate, the management of tokens, and Trace.

mod new_token;
pub(crate) mod path;
mod purge;
pub(crate) mod router;
mod tokens;
mod trace;
