//! A client of Cloudflare's purge API: purge and invalidate, with errors by what they mean.
//!
//! One [`Client`] keeps its connections and may be shared by all zones. It never tries twice: whether a request is worth
//! another try is for the pipeline to decide, by the [`Meaning`] of a [`Refusal`].

mod client;
mod error;
mod token;

pub use client::{Accepted, BadBaseUrl, Client, DEFAULT_BASE_URL, causes, is_loopback};
pub use error::{Meaning, Refusal};
pub use token::{ApiToken, Credential, Email, NotAToken, NotAnEmail, mask, redact};
