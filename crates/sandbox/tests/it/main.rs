//! The sandbox as its users meet it: over HTTP, on loopback.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

mod control;
mod edge;
mod faults;
mod life;
mod limits;
mod mappings;
mod purge;
mod race;
mod refusals;
mod tokens;
mod world;
