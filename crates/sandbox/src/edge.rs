//! The edge: a caching reverse proxy with Cloudflare's cache keys and answers.

pub(crate) mod cache;
pub(crate) mod origins;
pub(crate) mod serve;
mod visit;
