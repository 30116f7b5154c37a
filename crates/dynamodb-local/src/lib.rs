//! AWS's own DynamoDB engine for tests: [`Engine`] runs DynamoDB Local, [`Table`] is a table in it with the layout of
//! `infra/template.yaml`, and [`Proxy`] is in front of it, records calls and injects faults.
//!
//! `cargo xtask fetch` installs the engine into the build folder, and Java if it is missing.

#![allow(clippy::unwrap_used, reason = "only tests use this crate, and a failure here is a failed test")]

mod engine;
mod proxy;
mod table;

pub use engine::Engine;
pub use proxy::{Action, Call, Proxy};
pub use table::Table;
