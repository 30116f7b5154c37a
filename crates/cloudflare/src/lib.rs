//! A client for Cloudflare's API: purge, invalidate and tokens, with typed refusals.
//!
//! One [`Client`] keeps its connections and can be shared by all zones. It never retries: the pipeline decides that by
//! the [`Meaning`] of a [`Refusal`].

mod advice;
mod answer;
mod client;
mod error;
mod retry_after;
mod target;
mod token;
mod tokens;

pub use advice::split_advice;
pub use client::{Accepted, BadBaseUrl, Client, DEFAULT_BASE_URL, causes, is_loopback, read_answer, read_response};
pub use error::{Meaning, Refusal};
pub use target::Target;
pub use token::{ApiToken, Credential, Email, NotAToken, NotAnEmail, TokenKind, mask, redact};
pub use tokens::{NewToken, PermissionGroup, Policy, TokenDetails, TokenOwner, TokenStatus, Verified, only_from};
