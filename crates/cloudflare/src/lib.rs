//! A client of Cloudflare's API: purge, invalidate and tokens, with errors by what they mean.
//!
//! One [`Client`] keeps its connections and may be shared by all zones. It never tries twice: whether a request is worth
//! another try is for the pipeline to decide, by the [`Meaning`] of a [`Refusal`].

mod client;
mod error;
mod token;
mod tokens;

pub use client::{Accepted, BadBaseUrl, Client, DEFAULT_BASE_URL, causes, is_loopback};
pub use error::{Meaning, Refusal};
pub use token::{ApiToken, Credential, Email, NotAToken, NotAnEmail, TokenKind, mask, redact};
pub use tokens::{NewToken, PermissionGroup, Policy, TokenDetails, TokenOwner, TokenStatus, Verified, only_from};
