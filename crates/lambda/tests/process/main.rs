//! The function's own process, as Lambda runs it: settings from the environment, events from the runtime API over HTTP,
//! logs on standard output. The single-zone script's variables need no AWS; the end-to-end tests cover the rest.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not treat helpers of tests as tests")]

mod events;
mod function_process;
mod http;
mod logs;
mod metrics;
mod retries;
mod settings;
mod termination;
