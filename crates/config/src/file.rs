//! Mapping files: TOML as specs and as [`Mappings`](purge_router_core::Mappings), and rows as TOML.

pub(crate) mod decode;
pub(crate) mod located_warning;
pub(crate) mod mapping_file;
pub(crate) mod pulled;
pub(crate) mod to_toml;
pub(crate) mod validate;
