//! The sandbox as its users see it: over HTTP, on loopback.

#![allow(clippy::unwrap_used, reason = "clippy does not take helpers of tests for tests")]

mod bodies;
mod control;
mod edge;
mod faults;
mod fixture;
mod life;
mod limits;
mod mappings;
mod purge;
mod race;
mod refusals;
mod tokens;
mod trace;
