//! The body of a purge. It is validated before rate limits apply, so a wrong body costs nothing.
//!
//! One wrong item fails the whole body, as at Cloudflare.

use std::num::NonZeroU32;

use axum::http::{HeaderName, HeaderValue};
use purge_router_core::limits::{LimitClass, TAG_LENGTH};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::fault::PurgeMethod;
use crate::item::{PrefixItem, UrlItem};
use crate::zone::Zone;

const LISTS: [&str; 4] = ["files", "tags", "hosts", "prefixes"];

#[derive(Debug)]
pub(crate) enum Purge {
    Everything,
    Urls(Vec<UrlItem>),
    /// In lower case.
    Hosts(Vec<String>),
    Prefixes(Vec<PrefixItem>),
    /// In lower case.
    Tags(Vec<String>),
}

impl Purge {
    /// Reads and validates a body.
    ///
    /// Documented or observed codes: 1012 for a wrong body, 1014 for a list that is not an array, 1092 for
    /// `purge_everything` with another field, 1082 for a URL and 1016 for a host or prefix of another zone. The real
    /// code for too many items is not documented; 1012 is used instead.
    pub(crate) fn read(body: &[u8], zone: &Zone) -> Result<Self, Refusal> {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
            return Err(wrong("Request body must be a JSON object"));
        };
        let mut given = LISTS.into_iter().filter(|list| fields.contains_key(*list));
        let list = given.next();
        if let Some(everything) = fields.get("purge_everything") {
            return match (list, everything) {
                (None, Value::Bool(true)) => Ok(Self::Everything),
                (None, _) => Err(wrong("\"purge_everything\" must be true")),
                (Some(_), _) => Err(Refusal::bad_request(
                    1092,
                    "Request cannot contain \"purge_everything\" and any of \"files\", \"tags\", \"hosts\" or \"prefixes\"",
                )),
            };
        }
        let Some(list) = list else {
            let message =
                "Request must contain one of \"purge_everything\", \"files\", \"tags\", \"hosts\" or \"prefixes\"";
            return Err(wrong(message));
        };
        if given.next().is_some() {
            return Err(wrong("Request must contain only one of \"files\", \"tags\", \"hosts\" or \"prefixes\""));
        }
        let items = fields.remove(list).unwrap_or_default();
        match list {
            "files" if is_mixed(&items) => Err(wrong("\"files\" must hold only strings or only objects")),
            "files" => Ok(Self::Urls(read_list(items, list, LimitClass::Urls, zone, url)?)),
            "tags" => Ok(Self::Tags(read_list(items, list, LimitClass::Requests, zone, tag)?)),
            "hosts" => Ok(Self::Hosts(read_list(items, list, LimitClass::Requests, zone, host)?)),
            _ => Ok(Self::Prefixes(read_list(items, list, LimitClass::Requests, zone, prefix)?)),
        }
    }

    /// Which rate limit it counts against, and its cost: one for each URL, or one for the request.
    pub(crate) fn cost(&self) -> (LimitClass, NonZeroU32) {
        match self {
            Self::Urls(urls) => {
                let count = u32::try_from(urls.len()).ok().and_then(NonZeroU32::new);
                (LimitClass::Urls, count.unwrap_or(NonZeroU32::MIN))
            }
            _ => (LimitClass::Requests, NonZeroU32::MIN),
        }
    }

    /// The URLs, as sent.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> + Clone {
        let urls = if let Self::Urls(urls) = self { urls.as_slice() } else { &[] };
        urls.iter().map(|url| url.text.as_str())
    }

    pub(crate) fn method(&self) -> PurgeMethod {
        match self {
            Self::Everything => PurgeMethod::PurgeEverything,
            Self::Urls(_) => PurgeMethod::Files,
            Self::Hosts(_) => PurgeMethod::Hosts,
            Self::Prefixes(_) => PurgeMethod::Prefixes,
            Self::Tags(_) => PurgeMethod::Tags,
        }
    }

    /// The refusal of the first item of this host (in lower case), as if the host did not belong to the zone.
    pub(crate) fn refuse_host(&self, host: &str) -> Option<Refusal> {
        match self {
            Self::Urls(urls) => urls.iter().find(|url| url.host == host).map(|url| Refusal::foreign_url(&url.text)),
            Self::Hosts(hosts) => hosts.iter().find(|item| *item == host).map(|item| Refusal::foreign_host(item)),
            Self::Prefixes(prefixes) => {
                let prefix = prefixes.iter().find(|prefix| prefix.host == host)?;
                Some(Refusal::foreign_host(&format!("{}{}", prefix.host, prefix.path)))
            }
            Self::Everything | Self::Tags(_) => None,
        }
    }
}

/// Whether a body purges by URL, as far as that can be told before it is validated.
pub(crate) fn names_urls(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Body {
        files: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Body>(body).is_ok_and(|body| body.files.is_some())
}

fn read_list<T>(
    items: Value,
    list: &str,
    class: LimitClass,
    zone: &Zone,
    read: impl Fn(Value, &Zone) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let Value::Array(items) = items else {
        return Err(Refusal::bad_request(1014, "\"files\", \"tags\", or \"hosts\" must be an array"));
    };
    if items.is_empty() {
        return Err(wrong(format!("\"{list}\" must not be empty")));
    }
    let max = zone.items_per_request(class);
    if items.len() > max {
        return Err(wrong(format!("\"{list}\" holds {} items, at most {max} are allowed", items.len())));
    }
    items.into_iter().map(|item| read(item, zone)).collect()
}

/// Cloudflare's API document has one form with strings and one with objects. Whether a mixed list passes is unknown.
fn is_mixed(items: &Value) -> bool {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().any(Value::is_string) && items.iter().any(Value::is_object)
}

fn url(item: Value, zone: &Zone) -> Result<UrlItem, Refusal> {
    let (text, headers) = match item {
        Value::String(text) => (text, Vec::new()),
        Value::Object(fields) => url_with_headers(fields)?,
        _ => return Err(wrong("\"files\" must hold strings or objects")),
    };
    let url = UrlItem::parse(text.clone()).filter(|url| zone.covers(&url.host));
    let url = url.ok_or_else(|| Refusal::foreign_url(&text))?;
    Ok(UrlItem { headers, ..url })
}

type UrlWithHeaders = (String, Vec<(HeaderName, HeaderValue)>);

fn url_with_headers(mut fields: Map<String, Value>) -> Result<UrlWithHeaders, Refusal> {
    let (url, headers) = (fields.remove("url"), fields.remove("headers"));
    let Some(Value::String(url)) = url else {
        return Err(wrong("an object in \"files\" must have a \"url\", which is a string"));
    };
    if let Some(other) = fields.keys().next() {
        return Err(wrong(format!("an object in \"files\" has only \"url\" and \"headers\", not \"{other}\"")));
    }
    let headers = match headers {
        None => Map::new(),
        Some(Value::Object(headers)) => headers,
        Some(_) => return Err(wrong("\"headers\" must be an object")),
    };
    let header = |(name, value): (&String, &Value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value.as_str()?).ok()?))
    };
    let headers: Option<Vec<_>> = headers.iter().map(header).collect();
    headers.map(|headers| (url, headers)).ok_or_else(|| wrong("\"headers\" must hold names and values of headers"))
}

fn tag(item: Value, _: &Zone) -> Result<String, Refusal> {
    let tag = text(item, "tags")?;
    if tag.is_empty() || tag.len() > TAG_LENGTH || !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("a tag is 1 to {TAG_LENGTH} printable ASCII characters without spaces, not {tag:?}");
        return Err(wrong(message));
    }
    Ok(tag.to_ascii_lowercase())
}

fn host(item: Value, zone: &Zone) -> Result<String, Refusal> {
    let host = text(item, "hosts")?.to_ascii_lowercase();
    if zone.covers(&host) { Ok(host) } else { Err(Refusal::foreign_host(&host)) }
}

fn prefix(item: Value, zone: &Zone) -> Result<PrefixItem, Refusal> {
    let text = text(item, "prefixes")?;
    let prefix = PrefixItem::parse(&text).map_err(|problem| wrong(format!("the prefix {text:?} {problem}")))?;
    if zone.covers(&prefix.host) { Ok(prefix) } else { Err(Refusal::foreign_host(&text)) }
}

fn text(item: Value, list: &str) -> Result<String, Refusal> {
    if let Value::String(text) = item { Ok(text) } else { Err(wrong(format!("\"{list}\" must hold strings"))) }
}

fn wrong(message: impl Into<String>) -> Refusal {
    Refusal::bad_request(1012, message)
}
