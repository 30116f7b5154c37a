//! What teams wrote and what changed, as types that can't hold anything invalid. Nothing here imports from another
//! folder.

pub mod bounds;
pub(crate) mod change;
pub(crate) mod code;
pub(crate) mod escape;
pub(crate) mod etag;
pub(crate) mod event;
pub mod glob;
pub(crate) mod invalid;
pub(crate) mod last_purge;
pub mod limits;
pub(crate) mod mapping;
pub(crate) mod mappings;
pub mod names;
pub(crate) mod path_template;
pub(crate) mod purged_items;
pub(crate) mod sample;
pub(crate) mod second_purge;
pub(crate) mod short_text;
pub(crate) mod spelling;
pub mod suggest;
pub(crate) mod tag;
pub(crate) mod template;
pub(crate) mod verification;
pub(crate) mod zone;
