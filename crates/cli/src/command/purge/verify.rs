//! `purge --verify`: whether the edge still serves a response from before the purge. Only `CF-Cache-Status` proves that
//! an object was evicted.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use purge_router_cloudflare::is_loopback;
use purge_router_core::Mode;
use reqwest::header::{AGE, HOST};
use serde::Serialize;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::{Position, Url};

use crate::print;

const FETCH_TIMEOUT: Duration = Duration::from_secs(15);
/// How many URLs are fetched at once.
const FETCHES: usize = 8;

/// How long after the purge's requests were sent objects may still be stored from before it.
const MARGIN: Duration = Duration::from_millis(20);

/// What the edge answered for one URL after the purge.
#[derive(Debug, Serialize)]
pub(super) struct EdgeCheck {
    url: String,
    /// Whether the response can't be from before the purge.
    pub(super) fresh: bool,
    #[serde(flatten)]
    response: EdgeResponse,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum EdgeResponse {
    Received { status: u16, cache_status: Option<String>, age: Option<u64> },
    Failed { error: String },
}

/// Fetches each URL, from `edge` if it is given, until the deadline.
pub(super) async fn check_all(
    urls: &[&str],
    edge: Option<&Url>,
    mode: Mode,
    purged_at: Instant,
    deadline: Instant,
) -> anyhow::Result<Vec<EdgeCheck>> {
    let mut http = purge_router_http::client_builder().timeout(FETCH_TIMEOUT);
    if edge.is_some_and(is_loopback) {
        http = http.no_proxy();
    }
    let http = &http.build()?;
    let check = |url: &str| {
        let url = url.to_owned();
        async move {
            let late = || EdgeResponse::Failed { error: "no response before the deadline".to_owned() };
            let response = timeout_at(deadline, fetch_conclusive(http, &url, edge, purged_at)).await;
            let response = response.unwrap_or_else(|_| late());
            EdgeCheck { fresh: is_fresh(&response, mode, purged_at), url, response }
        }
    };
    Ok(futures_util::stream::iter(urls).map(|url| check(url)).buffered(FETCHES).collect().await)
}

/// Fetches a URL, and once more if its age doesn't say on which side of the purge it was stored.
async fn fetch_conclusive(http: &reqwest::Client, url: &str, edge: Option<&Url>, purged_at: Instant) -> EdgeResponse {
    let response = fetch(http, url, edge).await;
    match conclusive_at(&response, purged_at) {
        None => response,
        Some(fetch_at) => {
            sleep_until(fetch_at).await;
            fetch(http, url, edge).await
        }
    }
}

async fn fetch(http: &reqwest::Client, url: &str, edge: Option<&Url>) -> EdgeResponse {
    let request = match (edge, Url::parse(url)) {
        (Some(edge), Ok(parsed)) => {
            let at_edge = format!("{}{}", edge.as_str().trim_end_matches('/'), &parsed[Position::BeforePath..]);
            let host = parsed.host_str().unwrap_or_default().to_owned();
            http.get(at_edge).header(HOST, host).header("X-Forwarded-Proto", parsed.scheme())
        }
        _ => http.get(url),
    };
    match request.send().await {
        Err(error) => EdgeResponse::Failed { error: format!("{:#}", anyhow::Error::from(error)) },
        Ok(response) => {
            let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
            let age = header(AGE.as_str()).and_then(|age| age.parse().ok());
            EdgeResponse::Received { status: response.status().as_u16(), cache_status: header("cf-cache-status"), age }
        }
    }
}

/// A HIT is fresh only if it was stored after the purge. `Age` is in whole seconds, rounded down.
fn is_fresh(response: &EdgeResponse, mode: Mode, purged_at: Instant) -> bool {
    let EdgeResponse::Received { cache_status: Some(cache_status), age, .. } = response else { return false };
    let stored_after = age.is_some_and(|age| Duration::from_secs(age.saturating_add(1)) <= purged_at.elapsed());
    match cache_status.as_str() {
        "HIT" => stored_after,
        // An invalidated object may be served once more while it is revalidated.
        "STALE" | "UPDATING" => stored_after || mode == Mode::Invalidate,
        _ => true,
    }
}

/// When to fetch again, if a HIT is as old as the purge in whole seconds, and so may have been stored just before or
/// just after it. Once the next whole second since the purge begins, an object that was stored more than [`MARGIN`]
/// after the purge is younger than that.
fn conclusive_at(response: &EdgeResponse, purged_at: Instant) -> Option<Instant> {
    let EdgeResponse::Received { cache_status, age: Some(age), .. } = response else { return None };
    let elapsed = purged_at.elapsed();
    let is_inconclusive = cache_status.as_deref() == Some("HIT")
        && *age <= elapsed.as_secs()
        && Duration::from_secs(age.saturating_add(1)) > elapsed;
    is_inconclusive.then(|| purged_at + Duration::from_secs(elapsed.as_secs() + 1) + MARGIN)
}

impl fmt::Display for EdgeCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.fresh { print::green("fresh") } else { print::red("stale") };
        let couldnt_check = print::red("couldn't check");
        let url = print::escaped(&self.url);
        match &self.response {
            EdgeResponse::Failed { error } => {
                write!(f, "{couldnt_check}  {url}: {}", print::escaped(error))
            }
            EdgeResponse::Received { status, cache_status: Some(cache), .. } => {
                write!(f, "{verdict}  {} {url}  HTTP {status}", print::escaped(cache))
            }
            EdgeResponse::Received { status, cache_status: None, .. } => {
                write!(
                    f,
                    "{couldnt_check}  {url}  HTTP {status} without CF-Cache-Status: is this host behind Cloudflare?"
                )
            }
        }
    }
}
