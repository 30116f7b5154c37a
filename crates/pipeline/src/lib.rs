//! Executes plans: fetches tokens, keeps rate limits, retries, and ends before the deadline.
//!
//! One [`Executor`] lives as long as its process, for rate limits outlast an event. A plan goes in, an [`Outcome`] per
//! batch comes out, and a [`Report`] of both says which origins failed. Nothing is decided here about what to purge.
//! Teams share nothing but Cloudflare's limit of an account that they share, and there they take turns.

mod backoff;
mod clock;
mod executor;
mod limits;
mod meter;
mod moment;
mod outcome;
mod pause;
mod store;
mod zone_token;

pub use backoff::Backoff;
pub use clock::{Clock, DeadlineExceeded, Timestamp};
pub use executor::{Executor, Settings};
pub use limits::RateLimits;
pub use meter::describe_metrics;
pub use moment::Moment;
pub use outcome::{Outcome, Report, Status};
pub use store::{Freshness, TokenError, TokenStore};
