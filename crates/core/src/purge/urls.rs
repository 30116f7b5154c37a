//! Keys → paths → URLs and prefixes, in the spellings that clients send.
//!
//! Cloudflare caches a URL under the spelling that the client sent. Browsers spell a path as the WHATWG URL standard
//! says and leave `+`, `(` or `!` alone (Chromium encodes `|` all the same); SDKs encode all but RFC 3986's unreserved
//! characters. Each spelling is purged.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::limits::PREFIX_SEPARATORS;
use crate::model::mapping::{Mapping, UrlRules, Zone};
use crate::model::names::Source;
use crate::purge::item::Item;

/// WHATWG's path percent-encode set, and what a key can hold but a path can't: `%` (it would begin a sequence) and
/// `\` (browsers read it as `/`).
const BROWSER: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%')
    .add(b'\\');

/// Chromium's own set: it encodes `|` too, which the standard leaves alone (seen in Chromium 156).
const CHROMIUM: &AsciiSet = &BROWSER.add(b'|');

/// All but RFC 3986's unreserved characters and the `/` between segments.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A key with `.` or `..` segments: every client folds them away before it sends the URL, so nothing can be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has `.` or `..` segments, so no URL leads to it")]
pub struct DotSegments;

/// The paths under which an object is served, decoded and without their first `/`; its own path first.
pub(crate) fn paths(rules: &UrlRules, key: &str) -> Result<Vec<String>, DotSegments> {
    let rest = key.strip_prefix(rules.strip_prefix.as_str()).unwrap_or(key);
    let path = format!("{}{rest}", rules.add_prefix);
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(DotSegments);
    }
    let (folder, name) = split(&path);
    let mut aliases = Vec::new();
    if rules.index_documents.iter().any(|index| index == name) {
        aliases.push(folder.to_owned());
        if rules.clean_urls && !folder.is_empty() {
            aliases.push(folder.trim_end_matches('/').to_owned());
        }
    }
    if let Some(stem) = name.strip_suffix(".html").filter(|stem| rules.clean_urls && !stem.is_empty()) {
        aliases.push(format!("{folder}{stem}"));
    }
    aliases.insert(0, path);
    Ok(aliases)
}

/// All spellings of all paths of an object.
pub(crate) fn spelled(rules: &UrlRules, key: &str) -> Vec<String> {
    paths(rules, key).iter().flatten().flat_map(|path| spellings(path)).collect()
}

/// The folder of a path with its final `/` (empty at the root), and the file name.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// The folder that holds every path of a mapping; empty where they share none.
pub fn shared_folder(rules: &UrlRules, source: &Source) -> String {
    let prefix = source.prefix.as_str();
    format!("{}{}", rules.add_prefix, prefix.strip_prefix(rules.strip_prefix.as_str()).unwrap_or(prefix))
}

/// Every URL of these paths on the mapping's hostnames in one zone.
pub(crate) fn url_items(mapping: &Mapping, zone: &Zone, paths: &[String]) -> Vec<Item> {
    let rules = &mapping.urls;
    let mut items = Vec::new();
    for hostname in mapping.hostnames_of(zone) {
        for path in paths.iter().flat_map(|path| spellings(path)) {
            for scheme in &rules.schemes {
                for query in &rules.query_strings {
                    let mark = if query.is_empty() { "" } else { "?" };
                    let url = format!("{}://{hostname}/{path}{mark}{query}", scheme.as_str());
                    items.extend(
                        rules
                            .vary_headers
                            .iter()
                            .map(|headers| Item::UrlWithHeaders { url: url.clone(), headers: headers.clone() }),
                    );
                    items.push(Item::Url(url));
                }
            }
        }
    }
    items
}

/// One folder as prefixes on the mapping's hostnames in one zone.
pub(crate) fn prefix_items(mapping: &Mapping, zone: &Zone, folder: &str) -> Vec<Item> {
    let folder = bounded(folder);
    let spellings = spellings(folder);
    mapping
        .hostnames_of(zone)
        .flat_map(|hostname| spellings.iter().map(move |path| Item::Prefix(format!("{hostname}/{path}"))))
        .collect()
}

/// The folder, or the nearest one above it that Cloudflare takes. One `/` is spent after the hostname.
pub(crate) fn bounded(folder: &str) -> &str {
    match folder.match_indices('/').nth(PREFIX_SEPARATORS - 2) {
        Some((last, _)) => &folder[..=last],
        None => folder,
    }
}

/// A path as browsers write it and, where they differ, as Chromium and as RFC 3986 have it.
fn spellings(path: &str) -> Vec<String> {
    let mut spellings: Vec<String> = Vec::with_capacity(3);
    for set in [BROWSER, CHROMIUM, STRICT] {
        let spelling = utf8_percent_encode(path, set).to_string();
        if !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings
}

#[cfg(test)]
mod tests;
