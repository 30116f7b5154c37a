//! Cloudflare's Trace: which rules act on a request. Of all rules, the sandbox has those of the cache.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};

use super::path::{not_found, segment};
use crate::answer::{Refusal, success};
use crate::lock::lock;
use crate::state::State;
use crate::zone::{Zone, is_id};

pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new().route("/client/v4/accounts/{account_id}/request-tracer/trace", post(trace))
}

/// What is traced, as far as the sandbox looks at it.
#[derive(Deserialize)]
struct Traced {
    url: String,
    #[serde(rename = "method")]
    _method: String,
}

async fn trace(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let account = segment(&uri, "accounts").filter(|id| is_id(id)).ok_or_else(|| not_found(&uri))?;
    lock(&state.tokens).authorize_trace(&headers, peer.ip(), account)?;
    // The code is ours: Cloudflare's is not known.
    let wrong = |message: String| Refusal::bad_request(1002, message);
    let Traced { url, .. } = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
    let url: Uri = url.parse().map_err(|error| wrong(format!("{url}: {error}")))?;
    let host = url.host().unwrap_or_default().to_ascii_lowercase();
    let of_account = |zone: &&Zone| zone.account_id.as_deref() == Some(account);
    let zone = state.zones.iter().filter(of_account).find(|zone| zone.hostnames.contains(&host));
    let zone = zone.ok_or_else(|| wrong(format!("{host} is not a hostname of this account")))?;
    Ok(success(&json!({ "status_code": 200, "trace": steps(zone) }), &[]))
}

/// The phases of a request: one that does not match, and the ruleset of the cache rules.
fn steps(zone: &Zone) -> Value {
    let rule = |(index, parameters): (usize, &Value)| {
        json!({
            "step_name": format!("rule_{index}"),
            "type": "rule",
            "matched": true,
            "action": "set_cache_settings",
            "action_parameters": parameters,
            "expression": "true",
            "description": format!("cache rule {index}"),
        })
    };
    let rules: Vec<Value> = zone.cache_rules.iter().enumerate().map(rule).collect();
    json!([
        { "step_name": "http_request_transform", "type": "phase", "matched": false, "trace": [] },
        {
            "step_name": "http_request_cache_settings",
            "type": "phase",
            "matched": !rules.is_empty(),
            "trace": [{ "step_name": "ruleset", "type": "ruleset", "kind": "zone", "name": "default", "matched": !rules.is_empty(), "trace": rules }],
        },
    ])
}
