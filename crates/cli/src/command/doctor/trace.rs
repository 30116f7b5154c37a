//! Whether a purge by URL names the cache key of a URL, by Cloudflare's Trace: for "success, but still HIT".

use std::collections::BTreeSet;
use std::sync::Arc;

use purge_router_cloudflare::{ApiToken, Client, Credential};
use purge_router_core::{Mapping, Mappings, Zone};
use serde_json::Value;
use url::Url;

use super::finding::Finding;
use crate::environment::{TOKEN_VARIABLE, api_token, cloudflare_client};

pub(super) async fn examine(urls: &[Url], mappings: &Mappings) -> anyhow::Result<Vec<Finding>> {
    let (token, client) = (api_token()?, cloudflare_client()?);
    let mut findings = Vec::new();
    for url in urls {
        findings.push(of_url(&client, token.clone(), url, mappings).await);
    }
    Ok(findings)
}

/// The part that a URL is.
pub(super) fn what(url: &Url) -> String {
    format!("cache key of {url}")
}

async fn of_url(client: &Client, token: Option<ApiToken>, url: &Url, mappings: &Mappings) -> Finding {
    let what = what(url);
    let host = url.host_str().unwrap_or_default();
    let Some(zone) = mappings.zones().find(|zone| zone.hostnames.iter().any(|name| name.as_str() == host)) else {
        return Finding::bad(what, format!("no zone has the hostname {host}"), "purge-router mappings list");
    };
    let Some(token) = token else {
        let fix = format!("export {TOKEN_VARIABLE}=…");
        return Finding::unknown(
            what,
            "Cloudflare's Trace needs a token with the permission Allow Request Tracer · Read",
        )
        .with_fix(fix);
    };
    let Some(account) = &zone.account_id else {
        let fix = format!("account_id = \"…\"   # in [teams.{}.zones.\"{}\"]", zone.team, zone.domain);
        return Finding::unknown(what, "Cloudflare's Trace needs the account of the zone").with_fix(fix);
    };
    match client.traced_cache_rules(&Credential::Token(token), account, url).await {
        Ok(rules) => of_rules(what, &CacheKey::of(&rules), zone, mappings.all()),
        Err(refusal) => Finding::unknown(what, format!("Cloudflare's Trace: {refusal}")),
    }
}

/// What a cache key has besides the URL.
#[derive(Debug, Default, PartialEq, Eq)]
struct CacheKey {
    /// Headers that a purge by URL can name.
    headers: BTreeSet<String>,
    /// What no purge by URL can name.
    unnameable: BTreeSet<&'static str>,
    is_bypassed: bool,
}

impl CacheKey {
    /// Of several cache rules, the last one decides each setting.
    fn of(rules: &[Value]) -> Self {
        let last = |name: &str| rules.iter().rev().find_map(|rule| rule.get(name));
        let mut key = Self { is_bypassed: last("cache") == Some(&Value::Bool(false)), ..Self::default() };
        let Some(settings) = last("cache_key") else { return key };
        if settings["cache_by_device_type"] == true {
            key.headers.insert("CF-Device-Type".to_owned());
        }
        let custom = &settings["custom_key"];
        for (field, header) in [("device_type", "CF-Device-Type"), ("geo", "CF-IPCountry"), ("lang", "accept-language")]
        {
            if custom["user"][field] == true {
                key.headers.insert(header.to_owned());
            }
        }
        let header = &custom["header"];
        for names in [&header["include"], &header["check_presence"]] {
            key.headers.extend(names.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        }
        key.headers.extend(header["contains"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
        let has_names = |value: &Value| value.as_array().is_some_and(|names| !names.is_empty());
        if has_names(&custom["cookie"]["include"]) || has_names(&custom["cookie"]["check_presence"]) {
            key.unnameable.insert("a cookie");
        }
        if custom["host"]["resolved"] == true {
            key.unnameable.insert("the resolved host");
        }
        key
    }
}

fn of_rules(what: String, key: &CacheKey, zone: &Zone, mappings: &[Arc<Mapping>]) -> Finding {
    if key.is_bypassed {
        return Finding::unknown(
            what,
            "a cache rule bypasses the cache, so a HIT comes from elsewhere, such as a Worker",
        );
    }
    if !key.unnameable.is_empty() {
        let parts: Vec<&str> = key.unnameable.iter().copied().collect();
        let fix = "purge = \"prefixes\"   # or \"tags\": these purges do not depend on the cache key";
        return Finding::bad(what, format!("it has {}, which no purge by URL can name", parts.join(" and ")), fix);
    }
    let of_zone = mappings.iter().filter(|mapping| mapping.zones.iter().any(|it| it.zone_id == zone.zone_id));
    let named: BTreeSet<String> = of_zone
        .flat_map(|mapping| &mapping.urls.vary_headers)
        .flat_map(|headers| headers.keys().map(|name| name.to_ascii_lowercase()))
        .collect();
    let missing: Vec<&String> = key.headers.iter().filter(|name| !named.contains(&name.to_ascii_lowercase())).collect();
    match missing.first() {
        None => Finding::good(what, "it is what a purge by URL names"),
        Some(first) => {
            let names: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
            let found = format!("it has {}, which no mapping of {} names", names.join(", "), zone.domain);
            Finding::bad(what, found, format!("vary_headers = [{{ \"{first}\" = \"…\" }}]   # in the mapping"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::doctor::finding::State;

    fn found(rules: &[Value], vary: &str) -> (State, String) {
        let text = format!(
            r#"version = 1
[teams.web]
owns = ["s3://assets/"]
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["website.com"]
plan = "enterprise"
[[teams.web.mappings]]
source = "s3://assets/"
zones = ["website.com"]
{vary}
"#
        );
        let mappings = purge_router_config::from_toml(&text).unwrap();
        let zone = mappings.zones().next().unwrap();
        let finding = of_rules("key".to_owned(), &CacheKey::of(rules), zone, mappings.all());
        (finding.state, finding.found)
    }

    #[test]
    fn a_header_in_the_cache_key_must_be_named_by_a_mapping() {
        let device = json!({ "cache_key": { "cache_by_device_type": true } });
        let origin = json!({ "cache_key": { "custom_key": { "header": { "include": ["Origin"] } } } });
        let cookie = json!({ "cache_key": { "custom_key": { "cookie": { "include": ["session"] } } } });
        let vary = r#"vary_headers = [{ "cf-device-type" = "mobile" }]"#;
        for (rules, vary, state, expected) in [
            (vec![], "", State::Good, "it is what a purge by URL names"),
            (vec![json!({ "browser_ttl": {} })], "", State::Good, "it is what"),
            (vec![device.clone()], "", State::Bad, "it has CF-Device-Type, which no mapping of website.com names"),
            (vec![device.clone()], vary, State::Good, "it is what"),
            (vec![origin.clone()], vary, State::Bad, "it has Origin, which"),
            (vec![origin, device], vary, State::Good, "it is what"),
            (vec![cookie], "", State::Bad, "it has a cookie, which no purge by URL can name"),
            (vec![json!({ "cache": false })], "", State::Unknown, "a cache rule bypasses"),
        ] {
            let (found_state, text) = found(&rules, vary);
            assert!(found_state == state && text.starts_with(expected), "{rules:?}: {text}");
        }
    }
}
