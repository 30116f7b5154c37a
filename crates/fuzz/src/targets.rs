//! The targets. Each module has one function, `check`.

pub(crate) mod answers;
pub(crate) mod decode;
pub(crate) mod globs;
pub(crate) mod mapping_file;
pub(crate) mod rows;
pub(crate) mod urls;
