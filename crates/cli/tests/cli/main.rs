//! The command as users and scripts call it: the built binary, its output and its exit codes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

#[path = "../support/mod.rs"]
mod support;

mod advice;
mod bulk;
mod check;
mod completions;
mod deployment;
mod explain;
mod explain_url;
mod fixtures;
mod fmt;
mod help;
mod import_env;
mod init;
mod inputs;
mod listings;
mod mapping_tests;
mod mappings_source;
mod plan;
mod purge;
mod run;
mod same_domain;
mod sandbox;
mod schema;
mod secrets;
mod signals;
mod signals_terminal;
mod table_edits;
mod table_fixture;
mod table_grants;
mod table_policy;
mod table_races;
mod table_reads;
mod table_terminal;
mod tags;
mod terminal;
mod verify;
