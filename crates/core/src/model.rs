//! What teams wrote and what changed, as types that can't hold anything invalid.

pub mod bounds;
pub(crate) mod change;
pub(crate) mod code;
pub(crate) mod event;
pub mod glob;
pub(crate) mod invalid;
pub mod limits;
pub(crate) mod mapping;
pub mod names;
pub mod suggest;
