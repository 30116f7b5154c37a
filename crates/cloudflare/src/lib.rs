//! A client for Cloudflare's API: purge, invalidate and tokens, with typed refusals.
//!
//! One [`Client`] keeps its connections and can be shared by all zones. It never retries: the pipeline decides that by
//! the [`Meaning`] of a [`Refusal`].
//!
//! An [`EdgeClient`] asks Cloudflare's edge what it serves.

mod advice;
mod answer;
mod client;
mod edge_client;
mod error;
mod public_address;
mod retry_after;
mod target;
mod token;
mod tokens;
mod trace;

pub use advice::split_advice;
pub use client::{Accepted, BadBaseUrl, Client, DEFAULT_BASE_URL, causes, is_loopback, read_answer, read_response};
pub use edge_client::{EdgeClient, NoEdgeResponse, NotASandbox};
pub use error::{Meaning, Refusal};
pub use public_address::Lookup;
pub use target::Target;
pub use token::{ApiToken, Credential, Email, NotAToken, NotAnEmail, TokenKind, mask, redact};
pub use tokens::{NewToken, PermissionGroup, Policy, TokenDetails, TokenOwner, TokenStatus, Verified, only_from};
