//! Whether the edge serves what it had before a purge: the only proof of an eviction is `CF-Cache-Status`.

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

/// What the edge said of one URL after the purge.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    url: String,
    /// Whether the answer can't be from before the purge.
    pub(crate) fresh: bool,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Got { status: u16, cache_status: Option<String>, age: Option<u64> },
    None { error: String },
}

/// Fetches each URL, from the `edge` if one is named, until the deadline.
pub(crate) async fn all(
    urls: &[&str],
    edge: Option<&Url>,
    mode: Mode,
    purged_at: Instant,
    deadline: Instant,
) -> anyhow::Result<Vec<Check>> {
    let mut http = reqwest::Client::builder().timeout(FETCH_TIMEOUT).redirect(reqwest::redirect::Policy::none());
    if edge.is_some_and(is_loopback) {
        http = http.no_proxy();
    }
    let http = &http.build()?;
    let look = |url: &str| {
        let url = url.to_owned();
        async move {
            let late = || Answer::None { error: "there was no answer before the deadline".to_owned() };
            let answer = timeout_at(deadline, look_at(http, &url, edge, purged_at)).await.unwrap_or_else(|_| late());
            Check { fresh: is_fresh(&answer, mode, purged_at), url, answer }
        }
    };
    Ok(futures_util::stream::iter(urls).map(|url| look(url)).buffered(FETCHES).collect().await)
}

async fn look_at(http: &reqwest::Client, url: &str, edge: Option<&Url>, purged_at: Instant) -> Answer {
    let answer = fetch(http, url, edge).await;
    match unclear_until(&answer, purged_at) {
        None => answer,
        Some(again_at) => {
            sleep_until(again_at).await;
            fetch(http, url, edge).await
        }
    }
}

async fn fetch(http: &reqwest::Client, url: &str, edge: Option<&Url>) -> Answer {
    let request = match (edge, Url::parse(url)) {
        (Some(edge), Ok(parsed)) => {
            let at_edge = format!("{}{}", edge.as_str().trim_end_matches('/'), &parsed[Position::BeforePath..]);
            let host = parsed.host_str().unwrap_or_default().to_owned();
            http.get(at_edge).header(HOST, host).header("X-Forwarded-Proto", parsed.scheme())
        }
        _ => http.get(url),
    };
    match request.send().await {
        Err(error) => Answer::None { error: format!("{:#}", anyhow::Error::from(error)) },
        Ok(answer) => {
            let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
            let age = header(AGE.as_str()).and_then(|age| age.parse().ok());
            Answer::Got { status: answer.status().as_u16(), cache_status: header("cf-cache-status"), age }
        }
    }
}

/// A HIT is fresh only where it was stored after the purge. `Age` is in whole seconds, rounded down.
fn is_fresh(answer: &Answer, mode: Mode, purged_at: Instant) -> bool {
    let Answer::Got { cache_status: Some(cache_status), age, .. } = answer else { return false };
    let stored_after = age.is_some_and(|age| Duration::from_secs(age.saturating_add(1)) <= purged_at.elapsed());
    match cache_status.as_str() {
        "HIT" => stored_after,
        // What was invalidated may be served once more while it is fetched anew.
        "STALE" | "UPDATING" => stored_after || mode == Mode::Invalidate,
        _ => true,
    }
}

/// A HIT whose age is the purge's own, in whole seconds, may be from just before or just after it. When the next second
/// since the purge begins, all that was stored more than a moment after it is younger than that second.
fn unclear_until(answer: &Answer, purged_at: Instant) -> Option<Instant> {
    const MOMENT: Duration = Duration::from_millis(20);
    let Answer::Got { cache_status, age: Some(age), .. } = answer else { return None };
    let since = purged_at.elapsed();
    let unclear = cache_status.as_deref() == Some("HIT")
        && *age <= since.as_secs()
        && Duration::from_secs(age.saturating_add(1)) > since;
    unclear.then(|| purged_at + Duration::from_secs(since.as_secs() + 1) + MOMENT)
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.fresh { print::green("fresh") } else { print::red("stale") };
        let url = print::shown(&self.url);
        match &self.answer {
            Answer::None { error } => {
                write!(f, "{}  {url}: can't fetch it: {}", print::red("unseen"), print::shown(error))
            }
            Answer::Got { status, cache_status: Some(cache), .. } => {
                write!(f, "{verdict}  {} {url}  HTTP {status}", print::shown(cache))
            }
            Answer::Got { status, cache_status: None, .. } => {
                write!(
                    f,
                    "{}  {url}  HTTP {status} without CF-Cache-Status: is this host behind Cloudflare?",
                    print::red("unseen")
                )
            }
        }
    }
}
