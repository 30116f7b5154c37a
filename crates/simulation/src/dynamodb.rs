//! A model of DynamoDB below the AWS SDK: delays, throttling, unprocessed keys, and an index that lags behind its
//! table.
//!
//! The function reads it with its own store and the SDK, whose requests end here instead of at a socket. The SDK's own
//! retries are off: what they may spend is a static of the process, so one run would depend on others.

mod client;
mod last_purges;
mod service;

pub(crate) use client::mappings;
pub(crate) use last_purges::SimLastPurges;
pub(crate) use service::DynamoDb;
