//! URLs and prefixes in the one spelling that clients send. Cloudflare would accept any other, and purge nothing.

use purge_router_core::limits::PREFIX_SEPARATORS;
use url::{Position, Url};

use crate::exit::Misuse;

/// Parses a URL, and refuses it if clients would request it in another spelling.
pub(super) fn parse_url(text: &str) -> Result<Url, Misuse> {
    parse(text).map_err(Misuse)
}

/// Parses a prefix such as `host/folder/` to the URL of that folder. `host` is for an example.
pub(super) fn parse_prefix(text: &str, host: &str) -> Result<Url, Misuse> {
    if text.starts_with('/') {
        return Err(Misuse(format!("`{text}` has no hostname: write it first, such as {host}{text}")));
    }
    let folder = text.split_once('/').map_or("", |(_, folder)| folder);
    if folder.bytes().all(|byte| byte == b'/') {
        return Err(Misuse(format!("`{text}` is a whole host; purge it with --host")));
    }
    if text.contains("://") || text.contains(['?', '#']) || text.matches('/').count() > PREFIX_SEPARATORS {
        return Err(Misuse(format!(
            "`{text}` is not a prefix: write host and folder, without scheme and query, with at most {PREFIX_SEPARATORS} `/`"
        )));
    }
    parse(&format!("https://{text}")).map_err(|problem| Misuse(problem.replace("https://", "")))
}

fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}; write https://host/path"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("`{text}` is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL has a user name or password; remove it, since it is not part of what is cached".to_owned());
    }
    if url.fragment().is_some() {
        return Err(format!("`{text}` has a `#`; write it as %23, or remove the fragment, which clients never send"));
    }
    let sent = &url[Position::BeforePath..];
    if path_and_query(text) != sent && !(path_and_query(text).is_empty() && sent == "/") {
        return Err(format!("no client sends `{text}` in this spelling; write `{url}`"));
    }
    Ok(url)
}

/// The part after the host, as typed.
fn path_and_query(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    &rest[rest.find(['/', '?']).unwrap_or(rest.len())..]
}
