//! The store of tokens on the real SDK, against a stand-in for SSM that counts its calls. The end-to-end tests cover
//! what real services answer; these are the cases that they can't reproduce.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not treat helpers of tests as tests")]

mod caching;
mod errors;
mod freeze;
#[path = "../logged/mod.rs"]
mod logged;
mod stand;
