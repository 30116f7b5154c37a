//! The variables of the single-zone script that this project grew out of → mappings that say the same.
//!
//! The script purged `https://{bucket}/{key}` in one zone: the bucket's name was the hostname.

pub(crate) mod import;
pub(crate) mod variables;

pub use import::Imported;
pub use variables::ScriptEnv;

#[cfg(test)]
mod tests;
