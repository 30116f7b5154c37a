//! An allocator that counts, so that the runner can bound the memory of an input.

use std::alloc::System;

use cap::Cap;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The most bytes that the process may have allocated at once.
pub const LIMIT: usize = 256 * 1024 * 1024;

/// The most bytes that were allocated at once since the process began.
pub fn peak() -> usize {
    ALLOCATOR.max_allocated()
}

/// The bytes that were allocated since the process began, also those that were freed since. Their difference before and
/// after an input is a measure of work that does not depend on the machine.
pub fn total() -> usize {
    ALLOCATOR.total_allocated()
}
