//! Globs and sources that probably do not mean what they say.

use purge_router_core::Mapping;

use crate::lint::warning::Warning;

/// Keys that have nothing in common.
const UNRELATED_KEYS: [&str; 4] = ["a", "index.html", "Z9/_/b.q7", "x/y/z/data.tar.gz"];

/// The warnings of one mapping.
pub(super) fn warnings(mapping: &Mapping) -> impl Iterator<Item = Warning> {
    [wildcard_in_source(mapping), repeated_prefix(mapping), space_in_braces(mapping), nothing_left(mapping)]
        .into_iter()
        .flatten()
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

/// A space beside the `,` or the braces of `{a, b}` is a part of the name.
fn space_in_braces(mapping: &Mapping) -> Option<Warning> {
    let without = |pattern: &str| without_spaces_in_braces(pattern).map(|without| (pattern.to_owned(), without));
    let (include, exclude) = (mapping.include.iter().find_map(without), mapping.exclude.iter().find_map(without));
    let (field, (pattern, without)) = include.map(|it| ("include", it)).or(exclude.map(|it| ("exclude", it)))?;
    let message =
        format!("`{pattern}` in `{field}` has a space in its braces, which is a part of the names that it matches");
    Some(Warning::of_mapping(mapping, "space-in-braces", message, format!("write `{without}`")).in_field(field))
}

/// The pattern without the spaces at the ends of its alternates; `None` if there are none.
fn without_spaces_in_braces(pattern: &str) -> Option<String> {
    let (mut text, mut depth, mut chars) = (String::new(), 0_usize, pattern.chars().peekable());
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                text.push(char);
                text.extend(chars.next());
                continue;
            }
            '{' => depth += 1,
            ',' | '}' if depth > 0 => text.truncate(text.trim_end_matches(' ').len()),
            _ => {}
        }
        text.push(char);
        if depth > 0 && matches!(char, '{' | ',') {
            while chars.next_if_eq(&' ').is_some() {}
        }
        if char == '}' {
            depth = depth.saturating_sub(1);
        }
    }
    (text != pattern).then_some(text)
}

fn nothing_left(mapping: &Mapping) -> Option<Warning> {
    let excluded = UNRELATED_KEYS.map(|key| mapping.exclude.first_match(key));
    let pattern = excluded.into_iter().collect::<Option<Vec<&str>>>()?.first().copied()?;
    let message = format!("`{pattern}` in `exclude` leaves nothing: no key is purged");
    Some(Warning::of_mapping(mapping, "excludes-everything", message, "remove it, or the mapping").in_field("exclude"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_in_braces_are_left_out_and_others_kept() {
        for (pattern, without) in [
            ("*.{css, js}", Some("*.{css,js}")),
            ("*.{ css,  js }", Some("*.{css,js}")),
            ("a, b/{c, d}/e f", Some("a, b/{c,d}/e f")),
            ("{a b,c}", None),
            ("a, b/*.{css,js}", None),
            (r"\{ x, y\}", None),
        ] {
            assert_eq!(without_spaces_in_braces(pattern).as_deref(), without, "{pattern}");
        }
    }
}
