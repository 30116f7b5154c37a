//! Event sources besides S3, SQS and SNS, alone and in one another, and the records of vendors.

#![allow(clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

mod cloudtrail;
mod eventbridge;
mod events;
mod http;
mod vendors;
mod wrappers;
