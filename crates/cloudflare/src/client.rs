//! The HTTP client: one request out, one answer in. It keeps its connections and never retries.

use std::error::Error;
use std::time::{Duration, SystemTime};

use purge_router_core::{Body, Mode};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use secrecy::zeroize::Zeroizing;
use serde_json::Value;
use url::{Host, Url};

use crate::advice::with_advice;
use crate::answer::{self, Call, Unaccepted};
use crate::error::{Meaning, Refusal};
use crate::retry_after::retry_after;
use crate::target::Target;
use crate::token::{Credential, redact};

/// Cloudflare's API.
pub const DEFAULT_BASE_URL: &str = "https://api.cloudflare.com/client/v4";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many bytes of an answer are read. A page of tokens has fewer.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// How much of an answer an error quotes.
const MAX_MESSAGE_CHARS: usize = 300;

/// A base URL to which tokens must not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` can't be Cloudflare's API: {reason}; leave CLOUDFLARE_BASE_URL unset for {DEFAULT_BASE_URL}")]
pub struct BadBaseUrl {
    url: String,
    reason: String,
}

/// Cloudflare accepted the request. That does not prove eviction: only `CF-Cache-Status` at the edge does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The answer's `CF-Ray`.
    pub ray: Option<String>,
}

/// A client of the API with its connection pool. Clones share the pool.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// The base URL, without a final `/`.
    base: String,
}

impl Client {
    /// A client of the API at this URL: HTTPS, or HTTP on loopback.
    ///
    /// # Errors
    /// The URL does not parse, or tokens would be sent in clear text.
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
            return Err(bad("it has more than scheme, host, port and path".to_owned()));
        }
        let mut builder = purge_router_http::client_builder()
            .user_agent(concat!("purge-router/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(Duration::from_secs(60));
        if local {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| bad(causes(&error)))?;
        Ok(Self { http, base: base.as_str().trim_end_matches('/').to_owned() })
    }

    /// Purges or invalidates. `timeout` is for the whole request.
    ///
    /// # Errors
    /// Anything but an answer with `success: true`.
    pub async fn send(
        &self,
        credential: &Credential,
        target: impl Into<Target<'_>>,
        mode: Mode,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Accepted, Refusal> {
        let call = match mode {
            Mode::Purge => "purge_cache",
            Mode::Invalidate => "invalidate_cache",
        };
        let request =
            self.request(Method::POST, &format!("{}/{call}", target.into().path())).timeout(timeout).json(body);
        self.call(credential, request, Call::Purge).await.map(|(_, ray)| Accepted { ray })
    }

    /// A request to this path below the base URL.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request and returns the answer's result and ray.
    pub(crate) async fn call(
        &self,
        credential: &Credential,
        request: RequestBuilder,
        call: Call,
    ) -> Result<(Value, Option<String>), Refusal> {
        let unreachable = |error: reqwest::Error| Refusal {
            meaning: Meaning::Unreachable,
            message: credential.redact(&format!("{}: {}", self.base, causes(&error.without_url()))),
            status: None,
            ray: None,
        };
        let response = credential.authorize(request).send().await.map_err(unreachable)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = start_of_body(response).await.map_err(unreachable)?;
        let text = Zeroizing::new(String::from_utf8_lossy(&body).into_owned());
        read_result(credential, status, &headers, &text, SystemTime::now(), call)
    }
}

/// The body, or its first [`MAX_ANSWER`] bytes, which are then no JSON of the API.
async fn start_of_body(mut response: Response) -> Result<Zeroizing<Vec<u8>>, reqwest::Error> {
    let mut body = Zeroizing::new(Vec::new());
    while body.len() < MAX_ANSWER
        && let Some(chunk) = response.chunk().await?
    {
        let left = MAX_ANSWER - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(left)]);
    }
    Ok(body)
}

/// Reads the response to a purge with its headers. `now` is the wall time, which counts only for a `Retry-After` date in an answer without
/// `Date`.
///
/// # Errors
/// Anything but an answer with `success: true`.
pub fn read_response(
    credential: &Credential,
    status: u16,
    headers: &HeaderMap,
    text: &str,
    now: SystemTime,
) -> Result<Accepted, Refusal> {
    read_result(credential, status, headers, text, now, Call::Purge).map(|(_, ray)| Accepted { ray })
}

fn read_result(
    credential: &Credential,
    status: u16,
    headers: &HeaderMap,
    text: &str,
    now: SystemTime,
    call: Call,
) -> Result<(Value, Option<String>), Refusal> {
    let ray = ray(headers);
    match answer::read(status, text, retry_after(headers, now), call) {
        Ok(result) => Ok((result, ray)),
        Err(unaccepted) => Err(refusal(credential, status, unaccepted, ray)),
    }
}

/// Reads the answer to a purge as [`Client::send`] does: its status, what its `Retry-After` says, and its body. Models of
/// Cloudflare answer with it.
///
/// # Errors
/// Anything but an answer with `success: true`.
pub fn read_answer(
    credential: &Credential,
    status: u16,
    retry_after: Option<Duration>,
    body: &str,
) -> Result<Accepted, Refusal> {
    match answer::read(status, body, retry_after, Call::Purge) {
        Ok(_) => Ok(Accepted { ray: None }),
        Err(unaccepted) => Err(refusal(credential, status, unaccepted, None)),
    }
}

fn refusal(credential: &Credential, status: u16, unaccepted: Unaccepted, ray: Option<String>) -> Refusal {
    let Unaccepted { meaning, message, advice, is_from_api } = unaccepted;
    // Redact before cutting: a cut through a token would hide it from the redaction.
    let start: String = credential.redact(&message).chars().take(MAX_MESSAGE_CHARS).collect();
    let message = with_advice(without_control_characters(&start), advice);
    Refusal { meaning, message, status: is_from_api.then_some(status), ray }
}

/// Text from outside, without line breaks and other control characters.
fn without_control_characters(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn ray(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("cf-ray")?.to_str().ok()?.to_owned())
}

/// The URL without what precedes an `@`, which may be a password.
fn without_userinfo(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        (None, Some((_, rest))) => format!("…@{rest}"),
        (_, None) => redact(url).into_owned(),
    }
}

/// Whether the URL's host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error's message followed by those of its causes, which HTTP clients leave out of their own messages.
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
