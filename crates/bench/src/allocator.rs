//! Counts what is allocated, so that the memory of each structure is known.

use std::alloc::System;

#[global_allocator]
pub(crate) static ALLOCATOR: cap::Cap<System> = cap::Cap::new(System, usize::MAX);
