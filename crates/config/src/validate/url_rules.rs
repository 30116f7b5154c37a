//! How a mapping's keys become URLs: prefixes, query strings and headers.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use purge_router_core::bounds;
use purge_router_core::names::{Prefix, Source};
use purge_router_core::{
    Code, Invalid, Listings, PathRewrite, PathTemplate, QueryStrings, Scheme, SpellingWord, Spellings, UrlRules,
};

use crate::decoded::FieldChecker;
use crate::spec::{MappingSpec, QueryStringsSpec};
use crate::validate::words::word;

/// Whether a mapping writes any of the rules. If not, [`UrlRules::default`] applies.
pub(crate) fn has_url_rules(spec: &MappingSpec) -> bool {
    let MappingSpec { strip_prefix, add_prefix, path_rewrite, index_documents, clean_urls, spellings, .. } = spec;
    let MappingSpec { query_strings, schemes, vary_headers, also, listings, .. } = spec;
    [strip_prefix, add_prefix, path_rewrite, listings].into_iter().any(Option::is_some)
        || [index_documents, spellings, schemes, also].into_iter().any(Option::is_some)
        || clean_urls.is_some()
        || query_strings.is_some()
        || vary_headers.is_some()
}

/// The rules, with the defaults for what is not valid.
pub(crate) fn url_rules(source: Option<&Source>, spec: &MappingSpec, checker: &mut FieldChecker) -> UrlRules {
    let leads_source = |text: &str| stripped_prefix(text, source);
    let strip_prefix = checker.optional("strip_prefix", spec.strip_prefix.as_deref(), leads_source);
    let add_prefix = checker.optional("add_prefix", spec.add_prefix.as_deref(), added_prefix);
    let rewrite = word(Code::UnknownPathRewrite, "a place where paths are rewritten", PathRewrite::WORDS);
    let path_rewrite = checker.optional("path_rewrite", spec.path_rewrite.as_deref(), rewrite);
    let index_documents = checker.list("index_documents", spec.index_documents.as_deref(), file_name);
    let query_strings = query_strings(spec.query_strings.as_ref(), checker);
    let spelling = word(Code::UnknownSpelling, "a spelling", SpellingWord::WORDS);
    let spellings = checker.filled_list("spellings", spec.spellings.as_deref(), "leave it out for all", spelling);
    let scheme = word(Code::UnknownScheme, "a scheme", Scheme::WORDS);
    let schemes = checker.filled_list("schemes", spec.schemes.as_deref(), "leave it out for https", scheme);
    let also = checker.list("also", spec.also.as_deref(), PathTemplate::parse);
    let listings = word(Code::UnknownListings, "a choice of listings", Listings::WORDS);
    let listings = checker.optional("listings", spec.listings.as_deref(), listings);
    UrlRules {
        strip_prefix: strip_prefix.unwrap_or_else(Prefix::empty),
        add_prefix: add_prefix.unwrap_or_else(Prefix::empty),
        path_rewrite: path_rewrite.unwrap_or(PathRewrite::Origin),
        index_documents: index_documents.unwrap_or_else(|| vec!["index.html".to_owned()]),
        clean_urls: spec.clean_urls.unwrap_or_default(),
        spellings: Spellings::of_words(&spellings.unwrap_or_default()),
        query_strings: query_strings.unwrap_or_else(|| QueryStrings::Each(vec![String::new()])),
        schemes: schemes.unwrap_or_else(|| vec![Scheme::Https]),
        vary_headers: vary_headers(spec.vary_headers.as_deref().unwrap_or_default(), checker),
        also: also.unwrap_or_default(),
        listings: listings.unwrap_or(Listings::None),
    }
}

/// A leading part of the source's prefix, if that is known: all keys begin with it.
fn stripped_prefix(text: &str, source: Option<&Source>) -> Result<Prefix, Invalid> {
    let rest = text.trim_start_matches('/');
    let begins_as_source = source.is_none_or(|source| !source.prefix.as_str().starts_with('/'));
    if rest.len() < text.len() && !rest.is_empty() && begins_as_source {
        let slash = if rest.ends_with('/') { "" } else { "/" };
        let help = format!("write `{rest}{slash}`: keys do not begin with `/`");
        return Err(Invalid::new(Code::StripPrefixOutsideSource, format!("`{text}` begins with `/`"), help));
    }
    let strip = Prefix::parse(text)?;
    match source {
        Some(source) if !strip.covers(&source.prefix) => {
            let message = format!("`{strip}` is not a leading part of the source's prefix `{}`", source.prefix);
            let help = match source.prefix.as_str() {
                "" => format!("not every key begins with it: narrow the source to `s3://{}/{strip}`", source.bucket),
                _ => {
                    "not every key begins with it, so it can't be stripped; narrow the source, or strip less".to_owned()
                }
            };
            Err(Invalid::new(Code::StripPrefixOutsideSource, message, help))
        }
        _ => Ok(strip),
    }
}

fn added_prefix(text: &str) -> Result<Prefix, Invalid> {
    let bad = |what: &str, help: String| Err(Invalid::new(Code::BadAddPrefix, format!("`{text}` {what}"), help));
    if text.len() > bounds::TEXT {
        let message = format!("`add_prefix` has {} bytes, more than {}", text.len(), bounds::TEXT);
        return Err(Invalid::new(Code::TooLong, message, "write a shorter one"));
    }
    if text.starts_with('/') {
        let help = format!("write `{}`: the URL's own `/` comes before it", text.trim_start_matches('/'));
        return bad("begins with `/`", help);
    }
    if text.split('/').any(|segment| segment == "." || segment == "..") {
        return bad("has `.` or `..` segments, which no URL can have", "write the path without them".to_owned());
    }
    Prefix::parse(text)
}

fn file_name(text: &str) -> Result<String, Invalid> {
    if text.is_empty() || text.contains('/') {
        let message = format!("`{text}` is not a file name");
        return Err(Invalid::new(Code::BadIndexDocument, message, "write a bare name, such as `index.html`"));
    }
    Ok(text.to_owned())
}

fn query_strings(spec: Option<&QueryStringsSpec>, checker: &mut FieldChecker) -> Option<QueryStrings> {
    match spec? {
        QueryStringsSpec::Word(word) if word == "any" => Some(QueryStrings::Any),
        QueryStringsSpec::Word(word) => {
            let list = if word.is_empty() { "[\"\"]".to_owned() } else { format!("[\"\", \"{word}\"]") };
            let help = format!("write `\"any\"`, or a list: `{list}`");
            checker.note("query_strings", Invalid::new(Code::BadQueryString, format!("`{word}` is not `any`"), help));
            None
        }
        QueryStringsSpec::List(list) => {
            let help = "write `[\"\"]` for no query string, or leave it out";
            checker.filled_list("query_strings", Some(list), help, query_string).map(QueryStrings::Each)
        }
    }
}

fn query_string(text: &str) -> Result<String, Invalid> {
    let bad = |what: &str, help: &str| Err(Invalid::new(Code::BadQueryString, format!("`{text}` {what}"), help));
    if text == "any" {
        return bad("in a list is the query string `?any`", "write `query_strings = \"any\"`, without brackets");
    }
    if text == "*" {
        return bad("is no wildcard here", "write `query_strings = \"any\"` for every query string");
    }
    if text.starts_with('?') {
        return bad("begins with `?`", "write it without the `?`");
    }
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>'".contains(&byte);
    if !text.bytes().all(is_allowed) || !text.split('%').skip(1).all(is_escape) {
        let help = "percent-encode spaces, quotes, `#`, `<`, `>`, `%` and all that is not ASCII";
        return bad("is not as a browser sends it", help);
    }
    Ok(text.to_owned())
}

fn vary_headers(sets: &[IndexMap<String, String>], checker: &mut FieldChecker) -> Vec<BTreeMap<String, String>> {
    let mut valid = Vec::new();
    for (index, set) in sets.iter().enumerate() {
        if checker.is_wrong_item("vary_headers", index) {
            continue;
        }
        if !(1..=bounds::HEADERS).contains(&set.len()) {
            let message = format!("expected 1 to {} headers, found {}", bounds::HEADERS, set.len());
            let help = "write header names and values: `{ \"CF-Device-Type\" = \"mobile\" }`";
            checker.note_item("vary_headers", index, Invalid::new(Code::BadVaryHeaders, message, help));
            continue;
        }
        valid.push(header_set(index, set, checker));
    }
    valid
}

fn header_set(index: usize, set: &IndexMap<String, String>, checker: &mut FieldChecker) -> BTreeMap<String, String> {
    let mut valid: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in set {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_name = !name.is_empty() && name.bytes().all(is_token);
        let is_repeated = valid.keys().any(|known| known.eq_ignore_ascii_case(name));
        let is_value = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if is_name && !is_repeated && is_value && name.len() + value.len() <= bounds::TEXT {
            valid.insert(name.clone(), value.clone());
        } else {
            let (message, help) = match is_repeated {
                true => (format!("`{name}` is in the set twice: case does not matter"), "write each header once"),
                false => (
                    format!("`{name}` is not a header with a value"),
                    "write header names, and values of printable ASCII, of 1024 bytes at most",
                ),
            };
            checker.note_inside("vary_headers", index, name, Invalid::new(Code::BadVaryHeaders, message, help));
        }
    }
    valid
}
