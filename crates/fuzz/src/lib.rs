//! Hostile input. Each target is a function of bytes that asserts what must hold for any input; the runner mutates the
//! committed corpora with a seed, so that each run can be replayed.

pub mod memory;
pub mod mutate;
pub mod run;
pub mod target;
mod targets;
