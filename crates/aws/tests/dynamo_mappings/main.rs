//! The store of mappings on the real SDK and on AWS's own engine, behind a proxy that counts calls and lets them fail.

#![allow(clippy::unwrap_used, reason = "clippy does not treat helpers of tests as tests")]

mod calls;
mod eviction;
mod failures;
mod fixture;
mod freeze;
mod freshness;
#[path = "../logged/mod.rs"]
mod logged;
mod quotas;
mod rows;
