//! A token as the sandbox stores it, and what it permits.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::permission::{
    ACCOUNT_READ, ACCOUNT_WRITE, CACHE_PURGE, PermissionGroup, REQUEST_TRACER, USER_READ, USER_WRITE, account_resource,
    user_resource, zone_resource,
};
use super::policy::{Condition, Effect, Policy, PolicyGroup};
use super::sandbox_token::{SandboxToken, TokenStatus};

/// Who owns a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    User,
    Account(String),
}

/// What a call does with its owner's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A token, without its secret. Its JSON is what the API returns.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: TokenStatus,
    #[serde(skip)]
    pub(crate) owner: Owner,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) issued_on: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) modified_on: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(crate) expires_on: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<Condition>,
    pub(crate) policies: Vec<Policy>,
}

impl Token {
    /// The status at this time: an active token expires.
    pub(crate) fn status(&self, now: OffsetDateTime) -> TokenStatus {
        let has_expired = self.expires_on.is_some_and(|end| end <= now);
        if has_expired { TokenStatus::Expired } else { self.status }
    }

    pub(crate) fn is_usable(&self, now: OffsetDateTime) -> bool {
        let has_begun = self.not_before.is_none_or(|begin| begin <= now);
        has_begun && self.status(now) == TokenStatus::Active
    }

    pub(crate) fn is_usable_from(&self, address: IpAddr) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.allows(address))
    }

    pub(crate) fn may_purge(&self, zone_id: &str, account_id: Option<&str>) -> bool {
        let (zone, all_zones) = (zone_resource(zone_id), zone_resource("*"));
        let account = account_id.map(account_resource);
        self.may(&[CACHE_PURGE], |name, value| match value {
            Value::Object(zones) => {
                account.as_deref() == Some(name) && (zones.contains_key(&all_zones) || zones.contains_key(&zone))
            }
            _ => name == zone || name == all_zones || account.as_deref() == Some(name),
        })
    }

    pub(crate) fn may_manage(&self, owner: &Owner, access: Access) -> bool {
        let (write, read, resource) = match owner {
            Owner::User => (USER_WRITE, USER_READ, user_resource()),
            Owner::Account(id) => (ACCOUNT_WRITE, ACCOUNT_READ, account_resource(id)),
        };
        let groups: &[PermissionGroup] = if access == Access::Read { &[write, read] } else { &[write] };
        self.may(groups, |name, value| name == resource && value == "*")
    }

    pub(crate) fn may_trace(&self, account_id: &str) -> bool {
        let resource = account_resource(account_id);
        self.may(&[REQUEST_TRACER], |name, value| name == resource && value == "*")
    }

    /// Whether some policy allows one of these groups on a matching resource, and none denies it.
    fn may(&self, groups: &[PermissionGroup], matches: impl Fn(&str, &Value) -> bool) -> bool {
        let names_group = |policy: &Policy| {
            policy.permission_groups.iter().any(|named| groups.iter().any(|group| group.id == named.id))
        };
        let names_resource = |policy: &Policy| policy.resources.iter().any(|(name, value)| matches(name, value));
        let applies = |policy: &&Policy| names_group(policy) && names_resource(policy);
        let has = |effect| self.policies.iter().filter(applies).any(|policy| policy.effect == effect);
        has(Effect::Allow) && !has(Effect::Deny)
    }
}

impl From<SandboxToken> for Token {
    fn from(token: SandboxToken) -> Self {
        let SandboxToken { secret: _, id, zones, status, account_id, manages_tokens, traces_account } = token;
        let mut policies = Vec::new();
        if !zones.is_empty() {
            policies.push(allow(CACHE_PURGE, zones.iter().map(|zone| zone_resource(zone))));
        }
        if manages_tokens {
            let (group, resource) = match &account_id {
                None => (USER_WRITE, user_resource()),
                Some(id) => (ACCOUNT_WRITE, account_resource(id)),
            };
            policies.push(allow(group, [resource]));
        }
        policies.extend(traces_account.map(|id| allow(REQUEST_TRACER, [account_resource(&id)])));
        let now = now();
        Self {
            name: format!("token {id}"),
            id,
            status,
            owner: account_id.map_or(Owner::User, Owner::Account),
            issued_on: now,
            modified_on: now,
            not_before: None,
            expires_on: None,
            condition: None,
            policies,
        }
    }
}

fn allow(group: PermissionGroup, resources: impl IntoIterator<Item = String>) -> Policy {
    let resources: Map<String, Value> = resources.into_iter().map(|name| (name, json!("*"))).collect();
    Policy {
        id: format!("{:0>32}", group.id),
        effect: Effect::Allow,
        resources,
        permission_groups: vec![PolicyGroup { id: group.id.to_owned(), name: group.name.to_owned() }],
    }
}

/// The current second: Cloudflare's times have no fractions.
pub(crate) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

/// A time as the API accepts it.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
