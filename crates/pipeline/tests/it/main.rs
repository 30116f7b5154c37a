//! The pipeline from an event's bytes to the bytes that Cloudflare would receive: over HTTP, against the sandbox.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]
#![allow(clippy::disallowed_methods, reason = "requests over sockets take real time")]

mod bodies;
mod edge;
mod faults;
mod halving;
mod happy;
mod isolation;
mod limits;
mod log;
mod missing_tokens;
mod report;
mod secrets;
mod store;
mod tokens;
mod world;
