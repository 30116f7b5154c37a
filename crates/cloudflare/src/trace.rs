//! Cloudflare's Trace: which of a zone's rules act on a request for a URL, among them those of the cache.

use std::time::Duration;

use purge_router_core::names::CloudflareId;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::answer::Call;
use crate::client::Client;
use crate::error::Refusal;
use crate::token::Credential;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The action of cache rules.
const CACHE_SETTINGS: &str = "set_cache_settings";

/// How deep steps are nested at most: rulesets hold rules.
const MAX_DEPTH: usize = 8;

/// A step of a trace, as far as it is read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Step {
    action: Option<String>,
    action_parameters: Value,
    matched: Option<bool>,
    trace: Option<Vec<Step>>,
}

impl Client {
    /// The parameters of the cache rules that apply to a GET request for this URL, in the order in which they act, as the
    /// [Rulesets API](https://developers.cloudflare.com/cache/how-to/cache-rules/settings/) describes them.
    ///
    /// The credential needs a permission that the [Trace
    /// API](https://developers.cloudflare.com/api/resources/request_tracers/subresources/traces/methods/create/) accepts,
    /// such as Allow Request Tracer · Read.
    ///
    /// # Errors
    /// The credential may not trace requests of this account, or there was no answer.
    pub async fn traced_cache_rules(
        &self,
        credential: &Credential,
        account: &CloudflareId,
        url: &Url,
    ) -> Result<Vec<Value>, Refusal> {
        let request = self.request(Method::POST, &format!("/accounts/{account}/request-tracer/trace"));
        let request = request.timeout(TIMEOUT).json(&json!({ "method": "GET", "url": url.as_str() }));
        let (result, _) = self.call(credential, request, Call::Purge).await?;
        let steps = serde_json::from_value(result.get("trace").cloned().unwrap_or_default()).unwrap_or_default();
        let mut rules = Vec::new();
        push_cache_rules(&mut rules, steps, MAX_DEPTH);
        Ok(rules)
    }
}

fn push_cache_rules(rules: &mut Vec<Value>, steps: Vec<Step>, depth: usize) {
    for step in steps {
        if step.matched == Some(false) {
            continue;
        }
        if step.action.as_deref() == Some(CACHE_SETTINGS) {
            rules.push(step.action_parameters);
        }
        if let Some(steps) = step.trace.filter(|_| depth > 0) {
            push_cache_rules(rules, steps, depth - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cache_rules_that_match_count_however_deep_they_are() {
        let rule = |matched: bool, ttl: u32| json!({ "type": "rule", "action": CACHE_SETTINGS, "matched": matched, "action_parameters": { "ttl": ttl } });
        let steps = json!([
            { "type": "ruleset", "matched": true, "trace": [rule(true, 1), rule(false, 2)] },
            { "type": "ruleset", "matched": false, "trace": [rule(true, 3)] },
            { "type": "rule", "action": "rewrite", "matched": true, "action_parameters": {} },
            rule(true, 4),
        ]);
        let mut rules = Vec::new();
        push_cache_rules(&mut rules, serde_json::from_value(steps).unwrap(), MAX_DEPTH);
        assert_eq!(rules, [json!({ "ttl": 1 }), json!({ "ttl": 4 })]);
    }
}
