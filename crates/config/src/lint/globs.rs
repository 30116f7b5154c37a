//! Globs and sources that probably do not mean what they say.

use purge_router_core::Mapping;

use crate::lint::warning::Warning;

/// Keys that have nothing in common.
const UNRELATED_KEYS: [&str; 4] = ["a", "index.html", "Z9/_/b.q7", "x/y/z/data.tar.gz"];

/// The warnings of one mapping.
pub(super) fn warnings(mapping: &Mapping) -> impl Iterator<Item = Warning> {
    [wildcard_in_source(mapping), repeated_prefix(mapping), nothing_left(mapping)].into_iter().flatten()
}

fn wildcard_in_source(mapping: &Mapping) -> Option<Warning> {
    let message = format!("its source `{}` has a `*`, which is a part of the keys and no wildcard", mapping.source);
    let help = "end the source before it, and write the rest in `include`";
    let has_wildcard = mapping.source.prefix.as_str().contains('*');
    has_wildcard.then(|| Warning::of_mapping(mapping, "wildcard-in-source", message, help).in_field("source"))
}

/// Globs are relative to the source's prefix.
fn repeated_prefix(mapping: &Mapping) -> Option<Warning> {
    let prefix = mapping.source.prefix.as_str();
    let repeats = |pattern: &&str| pattern.trim_start_matches('/').starts_with(prefix);
    let of = |field, mut patterns: Box<dyn Iterator<Item = &str> + '_>| {
        patterns.find(repeats).map(|pattern| (field, pattern.to_owned()))
    };
    let found =
        of("include", Box::new(mapping.include.iter())).or_else(|| of("exclude", Box::new(mapping.exclude.iter())));
    let (field, pattern) = found.filter(|_| !prefix.is_empty())?;
    let rest = pattern.trim_start_matches('/').strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or("**");
    let message = format!("`{pattern}` in `{field}` repeats the source's prefix `{prefix}`, to which it is relative");
    Some(Warning::of_mapping(mapping, "repeated-prefix", message, format!("write `{rest}`")).in_field(field))
}

fn nothing_left(mapping: &Mapping) -> Option<Warning> {
    let excluded = UNRELATED_KEYS.map(|key| mapping.exclude.first_match(key));
    let pattern = excluded.into_iter().collect::<Option<Vec<&str>>>()?.first().copied()?;
    let message = format!("`{pattern}` in `exclude` leaves nothing: no key is purged");
    Some(Warning::of_mapping(mapping, "excludes-everything", message, "remove it, or the mapping").in_field("exclude"))
}
