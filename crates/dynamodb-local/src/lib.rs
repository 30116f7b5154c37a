//! AWS's own DynamoDB engine for tests: [`Engine`] runs DynamoDB Local, [`Table`] is a table in it with the layout of
//! `infra/template.yaml`, and [`Proxy`] stands before it, counts calls and lets them fail.
//!
//! `cargo xtask fetch` brings the engine, beside the built programs. It needs Java 17.

#![allow(clippy::unwrap_used, reason = "only tests use this crate, and what fails here fails them")]

mod engine;
mod proxy;
mod table;

pub use engine::Engine;
pub use proxy::{Action, Call, Proxy};
pub use table::Table;
