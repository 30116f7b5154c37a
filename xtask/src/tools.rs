//! Tools that the tests need and Cargo does not bring. Each is installed once, into the build folder.

pub(crate) mod dynamodb_local;
pub(crate) mod install;
mod java;
pub(crate) mod node;
pub(crate) mod python;
pub(crate) mod version;
