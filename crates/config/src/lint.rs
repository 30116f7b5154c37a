//! What is valid in mappings, but probably not meant, or good to know. These are no problems: `check` prints them, and
//! nothing is refused.

mod covered;
mod globs;
mod unused;
mod warning;
mod zone_features;

use purge_router_core::Mappings;

pub use self::warning::Warning;

/// All warnings: those of zones, then those of mappings.
pub fn warnings(mappings: &Mappings) -> Vec<Warning> {
    let mut warnings = zone_features::warnings(mappings);
    warnings.extend(unused::zones_and_hostnames(mappings));
    warnings.extend(mappings.all().iter().filter_map(|mapping| unused::fields(mapping)));
    warnings.extend(mappings.all().iter().filter_map(|mapping| unused::skip_unchanged(mapping)));
    warnings.extend(mappings.all().iter().flat_map(|mapping| globs::warnings(mapping)));
    warnings.extend(covered::warnings(mappings));
    warnings
}

#[cfg(test)]
mod tests;
