//! What the tests of several crates need: [`events`] as S3 and SQS write them, a clock that a test moves
//! ahead, a writer that keeps what is logged, and a
//! store of last purges.
//!
//! The sandbox and `dynamodb-local` have what tests need of Cloudflare and DynamoDB.

#![allow(clippy::unwrap_used, reason = "only tests use this crate, and a failure here is a failed test")]

pub mod events;
mod last_purges;
mod moved_clock;
mod until;
mod written;

pub use last_purges::LastPurgesInMemory;
pub use moved_clock::MovedClock;
pub use until::until;
pub use written::Written;
