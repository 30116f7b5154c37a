//! One request out, one answer in.

use std::error::Error;
use std::time::Duration;

use purge_router_core::names::CloudflareId;
use purge_router_core::{Body, Mode};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, redirect};
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use crate::error::{Meaning, Refusal, meaning, meaning_without_codes};
use crate::token::{Credential, redact};

/// Cloudflare's API.
pub const DEFAULT_BASE_URL: &str = "https://api.cloudflare.com/client/v4";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A longer Retry-After is taken for this one: Cloudflare's longest block is five minutes.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// How much of an answer is shown, in characters.
const LONGEST_MESSAGE: usize = 300;

/// A base URL that tokens must not be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` can't be Cloudflare's API: {reason}; leave CLOUDFLARE_BASE_URL unset for {DEFAULT_BASE_URL}")]
pub struct BadBaseUrl {
    url: String,
    reason: String,
}

/// What an accepted request brought. It does not prove eviction: only `CF-Cache-Status` at the edge does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Cloudflare's id of the request.
    pub ray: Option<String>,
}

/// A client with its connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Without a final `/`.
    base: String,
}

impl Client {
    /// A client of the API at this URL: HTTPS, or HTTP on loopback.
    ///
    /// # Errors
    /// A URL that is none, or that would send tokens in the clear.
    pub fn new(base_url: &str) -> Result<Self, BadBaseUrl> {
        let bad = |reason: String| BadBaseUrl { url: without_userinfo(base_url), reason };
        let base = Url::parse(base_url).map_err(|error| bad(error.to_string()))?;
        let local = is_loopback(&base);
        if base.scheme() != "https" && !(base.scheme() == "http" && local) {
            return Err(bad("tokens go only over https, or over http to loopback".to_owned()));
        }
        if !base.username().is_empty()
            || base.password().is_some()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            return Err(bad("it holds more than scheme, host, port and path".to_owned()));
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("purge-router/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(redirect::Policy::none())
            // One HTTP/2 connection would carry all teams' requests, and its stream limit would let them wait for others.
            .http1_only();
        if local {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| bad(causes(&error)))?;
        Ok(Self { http, base: base.as_str().trim_end_matches('/').to_owned() })
    }

    /// Purges or invalidates. `timeout` is for the whole request.
    ///
    /// # Errors
    /// All but an answer with `success: true`.
    pub async fn send(
        &self,
        credential: &Credential,
        zone_id: &CloudflareId,
        mode: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Accepted, Refusal> {
        let call = match mode {
            Mode::Purge => "purge_cache",
            Mode::Invalidate => "invalidate_cache",
        };
        let request = self.request(Method::POST, &format!("/zones/{zone_id}/{call}")).timeout(timeout).json(body);
        self.answer(credential, request, true).await.map(|(_, ray)| Accepted { ray })
    }

    /// A request of the API at this path below its base.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// The result that a request brought, and the id of its answer. What can't be read may be shown, if no secret is in it.
    pub(crate) async fn answer(
        &self,
        credential: &Credential,
        request: RequestBuilder,
        may_show: bool,
    ) -> Result<(Value, Option<String>), Refusal> {
        let unreachable = |error: reqwest::Error| Refusal {
            meaning: Meaning::Unreachable,
            message: credential.redact(&format!("{}: {}", self.base, causes(&error.without_url()))),
            status: None,
            ray: None,
        };
        let answer = credential.authorize(request).send().await.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let (ray, retry_after) = (ray(answer.headers()), retry_after(answer.headers()));
        let text = Zeroizing::new(answer.text().await.map_err(unreachable)?);
        let refused = |meaning, message: String| {
            // Redacted before it is cut: a cut through a token would hide it from the redaction.
            let start: String = credential.redact(&message).chars().take(LONGEST_MESSAGE).collect();
            Refusal { meaning, message: shown(&start), status: Some(status), ray: ray.clone() }
        };
        let Ok(envelope) = serde_json::from_str::<Envelope>(&text) else {
            let shown = if may_show { text.as_str() } else { "it may hold a token, and is not shown" };
            let message = format!("HTTP {status} without the API's JSON: {shown}");
            // Whoever stands in between says nothing of a token.
            let refusal = refused(meaning_without_codes(status, retry_after), message);
            return Err(Refusal { status: None, ..refusal });
        };
        // Whatever stands in between may answer for Cloudflare, so a success must be one in both its places.
        if envelope.success && (200..300).contains(&status) {
            return Ok((envelope.result, ray));
        }
        let errors = envelope.errors.unwrap_or_default();
        let codes: Vec<i64> = errors.iter().map(code_of).collect();
        let said: Vec<String> = errors
            .iter()
            .map(|error| format!("{} {}", code_of(error), error["message"].as_str().unwrap_or_default()))
            .collect();
        let said = if said.is_empty() { "no reason given".to_owned() } else { said.join(", ") };
        Err(refused(meaning(status, &codes, retry_after), format!("HTTP {status}: {said}")))
    }
}

/// The part of every answer that counts. Codes may be 0 or 971, and code 10000 also stands in `messages` of a good one.
#[derive(Deserialize)]
struct Envelope {
    success: bool,
    /// Each with a code and a message. Codes were seen as numbers and as texts; one that is neither must not hide the
    /// others.
    errors: Option<Vec<Value>>,
    #[serde(default)]
    result: Value,
}

fn code_of(error: &Value) -> i64 {
    let code = &error["code"];
    code.as_i64().or_else(|| code.as_str()?.parse().ok()).unwrap_or_default()
}

/// Text from outside on one line.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn ray(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("cf-ray")?.to_str().ok()?.to_owned())
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// The URL as it may be shown: what stands before an `@` may be a password.
fn without_userinfo(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        (None, Some((_, rest))) => format!("…@{rest}"),
        (_, None) => redact(url).into_owned(),
    }
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error with its causes, which clients' own texts hide.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_only_over_https_or_to_loopback() {
        for good in [
            DEFAULT_BASE_URL,
            "https://proxy.example/cf/",
            "http://127.0.0.1:8787/client/v4",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            let base = Client::new(good).unwrap().base;
            assert_eq!(base, good.trim_end_matches('/'));
        }
        for bad in [
            "",
            "api.cloudflare.com",
            "http://api.cloudflare.com/client/v4",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "https://user:pass@api.cloudflare.com/",
            "https://api.cloudflare.com/?a=b",
        ] {
            let error = Client::new(bad).unwrap_err().to_string();
            let shown = bad.replace("user:pass", "…");
            assert!(error.starts_with(&format!("`{shown}` can't be Cloudflare's API: ")), "{error}");
        }
    }
}
