//! Path → the keys that a mapping may serve there: the reverse of `purge::paths`.

use crate::model::mapping::UrlRules;

/// The key whose own path this is; `None` if the path does not begin with `add_prefix`, or no key is left.
pub(super) fn key_of_path(rules: &UrlRules, path: &str) -> Option<String> {
    let rest = path.strip_prefix(rules.add_prefix.as_str())?;
    // All keys of a mapping begin with its `strip_prefix`.
    Some(format!("{}{rest}", rules.strip_prefix.as_str())).filter(|key| !key.is_empty())
}

/// The keys that have this path as an alias: index documents, and pages without their extension. A folder whose name ends in
/// several slashes is left out.
pub(super) fn keys_of_alias(rules: &UrlRules, path: &str) -> Vec<String> {
    let is_folder = path.is_empty() || path.ends_with('/');
    let indexes = rules.index_documents.iter().map(String::as_str);
    let mut paths: Vec<String> = Vec::new();
    if is_folder {
        paths.extend(indexes.map(|index| format!("{path}{index}")));
    } else if rules.clean_urls {
        paths.push(format!("{path}.html"));
        paths.extend(indexes.map(|index| format!("{path}/{index}")));
    }
    paths.iter().filter_map(|path| key_of_path(rules, path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::Prefix;

    #[test]
    fn keys_of_paths() {
        let prefix = |text: &str| Prefix::parse(text).unwrap();
        let rules = |strip: &str, add: &str, clean_urls| UrlRules {
            strip_prefix: prefix(strip),
            add_prefix: prefix(add),
            clean_urls,
            ..UrlRules::default()
        };
        for (strip, add, path, key) in [
            ("", "", "css/app.css", Some("css/app.css")),
            ("", "", "", None),
            ("uk/", "", "css/app.css", Some("uk/css/app.css")),
            ("", "static/", "static/app.css", Some("app.css")),
            ("", "static/", "app.css", None),
            ("uk/", "gb/", "gb/app.css", Some("uk/app.css")),
        ] {
            assert_eq!(key_of_path(&rules(strip, add, false), path).as_deref(), key, "{strip} {add} {path}");
        }
        for (clean_urls, path, keys) in [
            (false, "", &["index.html"][..]),
            (false, "blog/", &["blog/index.html"]),
            (false, "blog", &[]),
            (true, "blog", &["blog.html", "blog/index.html"]),
        ] {
            assert_eq!(keys_of_alias(&rules("", "", clean_urls), path), keys, "{path}");
        }
    }
}
