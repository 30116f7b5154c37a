//! What is near to a mapping that declines: what its author, or who named the object, may have meant.

use percent_encoding::percent_decode_str;

use crate::model::change::Change;
use crate::model::glob::{Pattern, Patterns};
use crate::model::mapping::Mapping;
use crate::model::suggest::nearest;
use crate::route::Decline;

/// What is near to a mapping that declines a change, as a sentence; `None` if nothing is.
pub fn near_miss(mapping: &Mapping, change: &Change, decline: &Decline<'_>) -> Option<String> {
    let prefix = mapping.source.prefix.as_str();
    match decline {
        Decline::OtherPrefix => near_prefix(prefix, &change.key),
        Decline::NotIncluded(patterns) => near_patterns(patterns, prefix, change.key.strip_prefix(prefix)?),
        _ => None,
    }
}

/// The hostname that may have been meant, of those that are known.
pub fn near_hostname<'n>(host: &str, known: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    let without_www = host.strip_prefix("www.");
    let other_form = |name: &&str| name.strip_prefix("www.") == Some(host) || without_www == Some(*name);
    known.clone().find(other_form).or_else(|| nearest(host, known))
}

/// The object as `s3://bucket/key` that may have been meant, if a person named the change and its key looks URL-encoded. What event
/// sources write has a time, and its key was decoded.
pub fn decoded_object(change: &Change) -> Option<String> {
    if change.time.is_some() {
        return None;
    }
    let key = &change.key;
    let spaces = key.replace('+', " ");
    let decoded = percent_decode_str(if key.contains(' ') { key } else { &spaces }).decode_utf8().ok()?;
    (decoded != *key && !decoded.contains(char::is_control)).then(|| format!("s3://{}/{decoded}", change.bucket))
}

fn near_prefix(prefix: &str, key: &str) -> Option<String> {
    if key.trim_start_matches('/').starts_with(prefix) {
        return Some("the key begins with `/`: keys usually do not".to_owned());
    }
    // The key's folder at the depth of the prefix.
    let depth = prefix.matches('/').count();
    let end = key.match_indices('/').nth(depth.checked_sub(1)?)?.0;
    let folder = key.get(..=end)?;
    if folder.to_lowercase() == prefix.to_lowercase() {
        return Some(format!("`{folder}` and `{prefix}` differ in upper and lower case, which S3 distinguishes"));
    }
    is_near_folder(folder, prefix).then(|| format!("`{folder}` is near to its prefix `{prefix}`"))
}

fn near_patterns(patterns: &Patterns, prefix: &str, relative_key: &str) -> Option<String> {
    let checks = [repeats_prefix, ignores_case, stops_at_slash, is_anchored, other_extension, other_folder];
    checks.iter().find_map(|near| patterns.iter().find_map(|pattern| near(pattern, prefix, relative_key)))
}

/// The pattern begins with the source's prefix, to which patterns are relative.
fn repeats_prefix(pattern: &str, prefix: &str, key: &str) -> Option<String> {
    let anchored = pattern.strip_prefix('/').unwrap_or(pattern);
    let rest = anchored.strip_prefix(prefix).filter(|_| !prefix.is_empty())?;
    let has_folder = rest.trim_end_matches('/').contains('/') || rest.starts_with("**");
    let better = if has_folder && !pattern.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    matches(&better, key).then(|| {
        format!("`{pattern}` repeats the source's prefix `{prefix}`, to which patterns are relative: write `{better}`")
    })
}

fn ignores_case(pattern: &str, _: &str, key: &str) -> Option<String> {
    matches(&pattern.to_lowercase(), &key.to_lowercase())
        .then(|| format!("`{pattern}` would match, but for upper and lower case, which patterns distinguish"))
}

/// A `*` of the pattern stops at a `/` of the key.
fn stops_at_slash(pattern: &str, _: &str, key: &str) -> Option<String> {
    let folder = pattern.strip_suffix("/*")?;
    let better = format!("{folder}/**");
    matches(&better, key).then(|| format!("the `*` of `{pattern}` stops at `/`: write `{better}` for all below"))
}

/// The pattern would match in another folder.
fn is_anchored(pattern: &str, _: &str, key: &str) -> Option<String> {
    let better = format!("**/{}", pattern.strip_prefix('/').unwrap_or(pattern));
    let is_anchored = pattern.trim_end_matches('/').contains('/') && !pattern.starts_with("**/");
    (is_anchored && matches(&better, key)).then(|| {
        format!("`{pattern}` matches only from the source's prefix on: write `{better}` to match at any depth")
    })
}

/// The file would match with another extension.
fn other_extension(pattern: &str, _: &str, key: &str) -> Option<String> {
    let (stem, extension) = key.rsplit_once('.').filter(|(_, extension)| !extension.contains('/'))?;
    let (_, extensions) = pattern.rsplit_once('.')?;
    let listed = extensions.trim_start_matches('{').trim_end_matches('}');
    let other = listed.split(',').find(|other| !other.is_empty() && matches(pattern, &format!("{stem}.{other}")))?;
    Some(format!("it would match `{pattern}` as `.{other}`, and is `.{extension}`"))
}

/// The key would match in a folder whose name is almost the same.
fn other_folder(pattern: &str, _: &str, key: &str) -> Option<String> {
    let literal = pattern.trim_start_matches('/').split(['*', '?', '[', '{', '\\']).next()?;
    let folder = literal.get(..=literal.rfind('/')?)?;
    let depth = folder.matches('/').count();
    let (last, _) = key.match_indices('/').nth(depth - 1)?;
    let (of_key, rest) = key.split_at(last + 1);
    (is_near_folder(of_key, folder) && matches(pattern, &format!("{folder}{rest}")))
        .then(|| format!("`{of_key}` is near to the folder `{folder}` of `{pattern}`"))
}

/// Whether one folder may be a misspelling of another one: `en/` and `fr/`, `v1/` and `v2/`, or `2025/` and `2026/` are none.
fn is_near_folder(folder: &str, other: &str) -> bool {
    let without_digits = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    let (folder, other) = (folder.trim_end_matches('/'), other.trim_end_matches('/'));
    folder.len().min(other.len()) >= SHORTEST_NAME
        && without_digits(folder) != without_digits(other)
        && nearest(folder, std::iter::once(other)).is_some()
}

/// The shortest name of which two edits make no other one.
const SHORTEST_NAME: usize = 4;

fn matches(pattern: &str, key: &str) -> bool {
    let patterns = Pattern::parse(pattern).and_then(|pattern| Patterns::new(vec![pattern]));
    patterns.is_ok_and(|patterns| patterns.first_match(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::ChangeKind;

    #[test]
    fn patterns_that_almost_match() {
        for (pattern, prefix, key, expected) in [
            ("uk/*.css", "uk/", "app.css", Some("write `/*.css`")),
            ("/uk/css/*", "uk/", "css/a.css", Some("write `/css/*`")),
            ("uk/**", "uk/", "a/b.css", Some("write `**`")),
            ("*.css", "", "app.CSS", Some("upper and lower case")),
            ("*.CSS", "", "a/app.css", Some("upper and lower case")),
            ("blog/*", "", "blog/a/b.html", Some("write `blog/**` for all below")),
            ("css/*.css", "", "uk/css/app.css", Some("write `**/css/*.css`")),
            ("/app.css", "", "uk/app.css", Some("write `**/app.css`")),
            ("*.{css,js}", "", "a/app.scss", Some("as `.css`, and is `.scss`")),
            ("*.html", "", "index.htm", Some("as `.html`, and is `.htm`")),
            ("blog/**", "", "blgo/a.html", Some("`blgo/` is near to the folder `blog/`")),
            ("/docs/guide/*.html", "", "docs/guides/a.html", Some("near to the folder `docs/guide/`")),
            ("en/**", "", "fr/a.html", None),
            ("release-1/**", "", "release-2/a.html", None),
            ("*.css", "", "README", None),
            ("blog/**", "", "news/a.html", None),
            ("blog/*.css", "", "blgo/a.html", None),
        ] {
            let patterns = Patterns::new(vec![Pattern::parse(pattern).unwrap()]).unwrap();
            assert_eq!(patterns.first_match(key), None, "{pattern} does not match {key}");
            let near = near_patterns(&patterns, prefix, key);
            match expected {
                Some(expected) => assert!(near.as_ref().is_some_and(|it| it.contains(expected)), "{pattern}: {near:?}"),
                None => assert_eq!(near, None, "{pattern}"),
            }
        }
    }

    #[test]
    fn prefixes_that_almost_match() {
        for (prefix, key, expected) in [
            ("uk/", "/uk/app.css", Some("begins with `/`")),
            ("uk/", "UK/app.css", Some("upper and lower case")),
            ("images/2026/", "image/2026/a.png", Some("`image/2026/` is near")),
            ("uk/", "us/app.css", None),
            ("images/2025/", "images/2026/a.png", None),
            ("images/", "app.css", None),
            ("images/", "css/app.css", None),
        ] {
            let near = near_prefix(prefix, key);
            match expected {
                Some(expected) => assert!(near.as_ref().is_some_and(|it| it.contains(expected)), "{key}: {near:?}"),
                None => assert_eq!(near, None, "{key}"),
            }
        }
    }

    #[test]
    fn hostnames_that_almost_match() {
        let known = ["www.website.com", "cdn.website.com", "shop.net"];
        for (host, near) in [
            ("website.com", Some("www.website.com")),
            ("www.shop.net", Some("shop.net")),
            ("cdm.website.com", Some("cdn.website.com")),
            ("other.org", None),
        ] {
            assert_eq!(near_hostname(host, known.into_iter()), near, "{host}");
        }
    }

    #[test]
    fn keys_that_look_encoded() {
        for (key, decoded) in [
            ("my%20file.css", Some("my file.css")),
            ("a+b.css", Some("a b.css")),
            ("a%2Bb.css", Some("a+b.css")),
            ("caf%C3%A9.html", Some("café.html")),
            ("100%.css", None),
            ("a b+c.css", None),
            ("app.css", None),
            ("%FF.css", None),
        ] {
            let change = Change::of_object(&format!("s3://bucket/{key}"), ChangeKind::Created).unwrap();
            assert_eq!(decoded_object(&change), decoded.map(|key| format!("s3://bucket/{key}")), "{key}");
            let of_event = Change { time: Some(time::UtcDateTime::UNIX_EPOCH), ..change };
            assert_eq!(decoded_object(&of_event), None, "{key}");
        }
    }
}
