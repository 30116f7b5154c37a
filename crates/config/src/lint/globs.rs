//! Globs and sources that probably do not mean what they say.

use purge_router_core::{Mapping, meant_pattern};

use crate::lint::warning::Warning;

/// Keys that have nothing in common.
const UNRELATED_KEYS: [&str; 4] = ["a", "index.html", "Z9/_/b.q7", "x/y/z/data.tar.gz"];

/// The warnings of one mapping.
pub(super) fn warnings(mapping: &Mapping) -> impl Iterator<Item = Warning> {
    let patterns =
        mapping.include.iter().map(|it| ("include", it)).chain(mapping.exclude.iter().map(|it| ("exclude", it)));
    let of_pattern = patterns.filter_map(|(field, pattern)| {
        let file_name = || (field == "exclude").then(|| file_name(mapping, pattern)).flatten();
        not_meant(mapping, field, pattern).or_else(file_name)
    });
    wildcard_in_source(mapping).into_iter().chain(of_pattern).chain(nothing_left(mapping))
}

/// Files without an extension that websites have.
const FILE_NAMES: [&str; 8] = ["changelog", "cname", "humans", "license", "makefile", "readme", "robots", "security"];

/// What gitignore reads as the name of a file or of a folder is that of a file here.
fn file_name(mapping: &Mapping, pattern: &str) -> Option<Warning> {
    let is_name =
        pattern.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    let is_file = pattern.starts_with('_') || FILE_NAMES.contains(&pattern);
    let message = format!("`{pattern}` in `exclude` takes only files of this name, and no folders");
    let help = format!("write `{pattern}/` for all in folders of this name, or `**/{pattern}` for files");
    let warning = || Warning::of_mapping(mapping, "file-name-in-exclude", message, help).in_field("exclude");
    (is_name && !is_file).then(warning)
}

fn wildcard_in_source(mapping: &Mapping) -> Option<Warning> {
    let message = format!("its source `{}` has a `*`, which is a part of the keys and no wildcard", mapping.source);
    let help = "end the source before it, and write the rest in `include`";
    let has_wildcard = mapping.source.prefix.as_str().contains('*');
    has_wildcard.then(|| Warning::of_mapping(mapping, "wildcard-in-source", message, help).in_field("source"))
}

fn not_meant(mapping: &Mapping, field: &'static str, pattern: &str) -> Option<Warning> {
    let meant = meant_pattern(pattern, mapping.source.prefix.as_str())?;
    let message = format!("`{pattern}` in `{field}` {}", meant.says);
    Some(Warning::of_mapping(mapping, meant.code, message, meant.help).in_field(field))
}

fn nothing_left(mapping: &Mapping) -> Option<Warning> {
    let excluded = UNRELATED_KEYS.map(|key| mapping.exclude.first_match(key));
    let pattern = excluded.into_iter().collect::<Option<Vec<&str>>>()?.first().copied()?;
    let message = format!("`{pattern}` in `exclude` leaves nothing: no key is purged");
    Some(Warning::of_mapping(mapping, "excludes-everything", message, "remove it, or the mapping").in_field("exclude"))
}
