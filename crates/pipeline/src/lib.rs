//! Executes plans: reads tokens, keeps rate limits, retries, and returns before the deadline.
//!
//! One [`Executor`] lives as long as its process. A plan goes in, an [`Outcome`] per batch comes out, and a [`Report`]
//! of both says which origins failed. Nothing is decided here about what to purge. Teams do not share tokens, circuits
//! or what was learned about hostnames. They share the process (its sockets, SSM's limit and the time of the
//! invocation), and the rate limit of an account that both were granted, where they take turns.

#![deny(clippy::indexing_slicing, clippy::expect_used)]

mod api;
mod backoff;
mod bounded_map;
mod cache_sizes;
mod circuit;
mod clock;
mod delay_queue;
mod edge;
mod executor;
mod last_purge_store;
mod log;
mod memory;
mod metrics;
mod outcome;
mod patience;
mod per_team;
mod rate_limit;
mod redelivery;
mod refused_hostnames;
mod report;
mod retry_queue;
mod second_purges;
mod sender;
mod settings;
mod shared;
mod store;
#[cfg(test)]
mod test_support;
mod token_health;
mod verification;
mod zone_circuits;

pub use self::metrics::describe_metrics;
pub use api::PurgeApi;
pub use backoff::Backoff;
pub use cache_sizes::CacheSizes;
pub use clock::{Clock, DeadlineExceeded, Timestamp};
pub use delay_queue::{DelayQueue, Delayed, NoDelayQueue};
pub use edge::Edge;
pub use executor::Executor;
pub use last_purge_store::{LastPurgeStore, NoLastPurges, Remembered};
pub use memory::{read_last_purges, remember};
pub use outcome::{FailedOrigin, FailureKind, Outcome, Status};
pub use patience::Patience;
pub use redelivery::Redelivery;
pub use report::{Report, Unfinished};
pub use retry_queue::{DeadLetter, Deferred, Hidden, RetryQueue};
pub use second_purges::{queue_second_purges, sending_deadline};
pub use settings::Settings;
pub use store::{Freshness, TokenError, TokenPlace, TokenStore};
pub use verification::{AllowedHosts, NotAHostPattern, Verifier};
