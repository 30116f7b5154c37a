//! The command as people and scripts meet it: the built binary, its output, its exit codes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

#[path = "../support/mod.rs"]
mod support;

mod bulk;
mod check;
mod explain;
mod help;
mod import_env;
mod init;
mod plan;
mod purge;
mod run;
mod same_domain;
mod sandbox;
mod secrets;
mod table;
mod table_races;
mod terminal;
mod verify;
mod world;
