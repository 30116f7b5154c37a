//! What is near to a mapping that declines: what its author, or who named the object, may have meant.

use percent_encoding::percent_decode_str;

use crate::explain::meant_pattern::{matches, meant_pattern};
use crate::model::change::Change;
use crate::model::glob::Patterns;
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

/// The pattern of `exclude` that almost excludes a change which the mapping accepts, as a sentence; `None` if there is none.
pub fn near_exclude(mapping: &Mapping, change: &Change) -> Option<String> {
    let prefix = mapping.source.prefix.as_str();
    let relative_key = change.key.strip_prefix(prefix)?;
    nearest_exclude(mapping.exclude.iter(), prefix, relative_key)
}

fn nearest_exclude<'p>(
    patterns: impl Iterator<Item = &'p str> + Clone,
    prefix: &str,
    relative_key: &str,
) -> Option<String> {
    let checks = [not_meant, ignores_case, stops_at_slash, names_a_folder, starts_elsewhere];
    let near = checks.iter().find_map(|near| patterns.clone().find_map(|it| near(it, prefix, relative_key)))?;
    Some(format!("`exclude` almost takes it: {near}"))
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
    let checks = [not_meant, ignores_case, stops_at_slash, names_a_folder, is_anchored, other_extension, other_folder];
    checks.iter().find_map(|near| patterns.iter().find_map(|pattern| near(pattern, prefix, relative_key)))
}

/// The pattern hardly says what its author means, and that matches.
fn not_meant(pattern: &str, prefix: &str, key: &str) -> Option<String> {
    let meant = meant_pattern(pattern, prefix).filter(|meant| meant.matches(key))?;
    Some(format!("`{pattern}` {}: {}", meant.says, meant.help))
}

/// The pattern would match in another folder, and does not say that it is only for this one.
fn starts_elsewhere(pattern: &str, prefix: &str, key: &str) -> Option<String> {
    is_anchored(pattern, prefix, key).filter(|_| !pattern.starts_with('/'))
}

fn ignores_case(pattern: &str, _: &str, key: &str) -> Option<String> {
    // `[A-Z]*` means its case.
    if pattern.contains('[') {
        return None;
    }
    let of_extension = || {
        let (stem, extension) = key.rsplit_once('.').filter(|(_, extension)| !extension.contains('/'))?;
        let is_extension = matches(pattern, &format!("{stem}.{}", extension.to_lowercase()));
        is_extension.then(|| format!(": write `*.{extension}`, too"))
    };
    matches(&pattern.to_lowercase(), &key.to_lowercase()).then(|| {
        let more = of_extension().unwrap_or_default();
        format!("`{pattern}` would match, but for upper and lower case, which patterns distinguish{more}")
    })
}

/// A `*` of the pattern stops at a `/` of the key.
fn stops_at_slash(pattern: &str, _: &str, key: &str) -> Option<String> {
    let folder = pattern.strip_suffix("/*")?;
    if matches(&format!("{folder}/**"), key) {
        return Some(format!("the `*` of `{pattern}` stops at `/`: write `{folder}/**` for all below"));
    }
    let at_any_depth = format!("{folder}/");
    let is_name = !folder.contains('/') && matches(&at_any_depth, key);
    is_name
        .then(|| format!("`{pattern}` is compared from the source's prefix on: write `{at_any_depth}` for any depth"))
}

/// The pattern is the name of one of the key's folders, and matches only files of that name.
fn names_a_folder(pattern: &str, _: &str, key: &str) -> Option<String> {
    let better = format!("{pattern}/");
    (!pattern.contains(['*', '?', '[', '{']) && matches(&better, key))
        .then(|| format!("`{pattern}` is the name of a file: write `{better}` for all in a folder"))
}

/// The pattern would match in another folder.
fn is_anchored(pattern: &str, _: &str, key: &str) -> Option<String> {
    let better = format!("**/{}", pattern.strip_prefix('/').unwrap_or(pattern));
    let is_anchored = pattern.trim_end_matches('/').contains('/') && !pattern.starts_with("**/");
    (is_anchored && matches(&better, key)).then(|| {
        format!("`{pattern}` matches only from the source's prefix on: write `{better}` to match at any depth")
    })
}

/// The file would match with an extension of almost the same name.
fn other_extension(pattern: &str, _: &str, key: &str) -> Option<String> {
    let (stem, extension) = key.rsplit_once('.').filter(|(_, extension)| !extension.contains('/'))?;
    let (_, extensions) = pattern.rsplit_once('.')?;
    let listed = extensions.trim_start_matches('{').trim_end_matches('}');
    let is_near = |other: &&str| {
        let has_part = !other.is_empty() && (extension.contains(other) || other.contains(extension));
        has_part
            || (extension.len().min(other.len()) >= SHORTEST_NAME
                && nearest(extension, std::iter::once(*other)).is_some())
    };
    let other = listed.split(',').filter(is_near).find(|other| matches(pattern, &format!("{stem}.{other}")))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::ChangeKind;
    use crate::model::glob::Pattern;

    #[test]
    fn patterns_that_almost_match() {
        for (pattern, prefix, key, expected) in [
            ("uk/*.css", "uk/", "app.css", Some("write `/*.css`")),
            ("/uk/css/*", "uk/", "css/a.css", Some("write `/css/*`")),
            ("uk/**", "uk/", "a/b.css", Some("write `**`")),
            ("*.css", "", "app.CSS", Some("upper and lower case, which patterns distinguish: write `*.CSS`, too")),
            ("*.CSS", "", "a/app.css", Some("upper and lower case")),
            ("blog/*", "", "blog/a/b.html", Some("write `blog/**` for all below")),
            ("css/*.css", "", "uk/css/app.css", Some("write `**/css/*.css`")),
            ("/app.css", "", "uk/app.css", Some("write `**/app.css`")),
            ("*.{css,js}", "", "a/app.scss", Some("as `.css`, and is `.scss`")),
            ("css", "", "a/app.css", Some("whole name is `css`: write `*.css`, or `css/` for a folder")),
            ("css", "", "css/app.js", Some("write `*.css`, or `css/` for a folder")),
            ("blog", "", "blog/a.html", Some("write `blog/` for all in a folder")),
            ("drafts/*", "", "b/drafts/a/c.html", Some("write `drafts/` for any depth")),
            (r"^blog/.*\.html$", "", "blog/a.html", Some("write `blog/**/*.html`")),
            ("*.css,*.js", "", "a/app.js", Some("not several: write 2 strings: \"*.css\", \"*.js\"")),
            ("*.{css,js}", "", "a/logo.svg", None),
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
    fn excludes_that_almost_match() {
        for (pattern, key, expected) in [
            ("drafts", "b/drafts/a.html", Some("write `drafts/` for all in a folder")),
            ("drafts/*", "drafts/a/b.html", Some("write `drafts/**` for all below")),
            ("drafts/**", "b/drafts/a.html", Some("write `**/drafts/**` to match at any depth")),
            ("*.MAP", "a/app.map", Some("upper and lower case")),
            ("/index.html", "blog/index.html", None),
            ("/drafts/**", "blog/drafts/a.html", None),
            ("_*", "_next/static/a.js", None),
            (".*", ".git/config", None),
            ("*.html", "docs.html/img.png", None),
            ("[A-Z]*.html", "about.html", None),
            ("*.map", "app.js", None),
        ] {
            let near = nearest_exclude([pattern].into_iter(), "", key);
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
