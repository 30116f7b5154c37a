//! API tokens and global keys: whose they are, what they may do, and until when.
//!
//! Secrets stay out of debug output and logs.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answer::Refusal;
use crate::zone::Zone;

/// A token that the sandbox accepts from its start.
#[derive(Clone, Default)]
pub struct SandboxToken {
    /// What stands after `Bearer` in the `Authorization` header.
    pub secret: String,
    /// The token's id, as verifications tell it: 32 hexadecimal digits.
    pub id: String,
    /// Ids of the zones that it may purge.
    pub zones: Vec<String>,
    /// Whether it is active.
    pub status: TokenStatus,
    /// The account that owns it; none: the user does.
    pub account_id: Option<String>,
    /// Whether it may create, read, roll and delete the tokens of its owner.
    pub manages_tokens: bool,
}

/// The state of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// Good for what it may do.
    #[default]
    Active,
    /// Switched off: calls are refused, a verification says `disabled`.
    Disabled,
    /// Past its end: calls are refused, a verification says `expired`.
    Expired,
}

impl fmt::Debug for SandboxToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, id, zones, status, account_id, manages_tokens } = self;
        let mut debug = formatter.debug_struct("SandboxToken");
        debug.field("id", id).field("zones", zones).field("status", status).field("account_id", account_id);
        debug.field("manages_tokens", manages_tokens).finish_non_exhaustive()
    }
}

/// A named group of permissions, and what kind of resource it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) scope: &'static str,
}

const OF_ZONE: &str = "com.cloudflare.api.account.zone";
const OF_ACCOUNT: &str = "com.cloudflare.api.account";
const OF_USER: &str = "com.cloudflare.api.user";

/// The one user whose tokens these are, where they are no account's.
const USER: &str = "7c5dae5552338874e5053f2534d2767a";

pub(crate) const CACHE_PURGE: Group =
    Group { id: "e17beae8b8cb423a99b1730f21238bed", name: "Cache Purge", scope: OF_ZONE };
const ZONE_READ: Group = Group { id: "c8fed203ed3043cba015a93ad1616f1f", name: "Zone Read", scope: OF_ZONE };
const USER_WRITE: Group = Group { id: "686d18d5ac6c441c867cbf6771e58a0a", name: "API Tokens Write", scope: OF_USER };
const USER_READ: Group = Group { id: "0cc3a61731504c89b99ec1be78b77aa0", name: "API Tokens Read", scope: OF_USER };
const ACCOUNT_WRITE: Group =
    Group { id: "5bc3f8b21c554832afc660159ab75fa4", name: "Account API Tokens Write", scope: OF_ACCOUNT };
const ACCOUNT_READ: Group =
    Group { id: "eb56a6953c034b9d97dd838155666f06", name: "Account API Tokens Read", scope: OF_ACCOUNT };

/// The groups that there are here.
pub(crate) const GROUPS: [Group; 6] = [CACHE_PURGE, ZONE_READ, USER_WRITE, USER_READ, ACCOUNT_WRITE, ACCOUNT_READ];

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    User,
    Account(String),
}

/// What a token allows, or takes away.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Policy {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) effect: Effect,
    pub(crate) resources: Map<String, Value>,
    pub(crate) permission_groups: Vec<GroupOfPolicy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GroupOfPolicy {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
}

/// From where a token may be used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Condition {
    #[serde(rename = "request.ip", alias = "request_ip")]
    pub(crate) request_ip: Addresses,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Addresses {
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub(crate) within: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_in: Vec<String>,
}

/// A token as it is kept.
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
    /// The status, which time may have changed.
    pub(crate) fn status(&self) -> TokenStatus {
        let is_over = self.expires_on.is_some_and(|end| end <= OffsetDateTime::now_utc());
        if is_over { TokenStatus::Expired } else { self.status }
    }

    fn is_usable(&self) -> bool {
        let has_begun = self.not_before.is_none_or(|begin| begin <= OffsetDateTime::now_utc());
        has_begun && self.status() == TokenStatus::Active
    }

    pub(crate) fn may_come_from(&self, address: IpAddr) -> bool {
        let is_in = |ranges: &[String]| ranges.iter().any(|range| holds(range, address));
        self.condition.as_ref().is_none_or(|Condition { request_ip: Addresses { within, not_in } }| {
            (within.is_empty() || is_in(within)) && !is_in(not_in)
        })
    }

    /// Whether some policy gives one of these groups on such a resource, and none takes it away.
    fn may(&self, groups: &[Group], is_meant: impl Fn(&str, &Value) -> bool) -> bool {
        let has = |effect: Effect| {
            self.policies.iter().filter(|policy| policy.effect == effect).any(|policy| {
                policy.permission_groups.iter().any(|given| groups.iter().any(|group| group.id == given.id))
                    && policy.resources.iter().any(|(name, what)| is_meant(name, what))
            })
        };
        has(Effect::Allow) && !has(Effect::Deny)
    }

    fn may_purge(&self, zone_id: &str, account_id: Option<&str>) -> bool {
        let this = format!("{OF_ZONE}.{zone_id}");
        let all = format!("{OF_ZONE}.*");
        let account = account_id.map(|id| format!("{OF_ACCOUNT}.{id}"));
        self.may(&[CACHE_PURGE], |name, what| match what {
            Value::Object(zones) => {
                account.as_deref() == Some(name) && (zones.contains_key(&all) || zones.contains_key(&this))
            }
            _ => name == this || name == all || account.as_deref() == Some(name),
        })
    }

    /// Whether it may read the tokens of this owner, or else write them.
    fn may_manage(&self, owner: &Owner, only_read: bool) -> bool {
        let (write, read, resource) = match owner {
            Owner::User => (USER_WRITE, USER_READ, format!("{OF_USER}.{USER}")),
            Owner::Account(id) => (ACCOUNT_WRITE, ACCOUNT_READ, format!("{OF_ACCOUNT}.{id}")),
        };
        let groups: &[Group] = if only_read { &[write, read] } else { &[write] };
        self.may(groups, |name, what| name == resource && what == "*")
    }
}

impl From<SandboxToken> for (String, Token) {
    fn from(token: SandboxToken) -> Self {
        let SandboxToken { secret, id, zones, status, account_id, manages_tokens } = token;
        let policy = |group: Group, resources: Map<String, Value>| Policy {
            id: format!("{:0>32}", group.id),
            effect: Effect::Allow,
            resources,
            permission_groups: vec![GroupOfPolicy { id: group.id.to_owned(), name: group.name.to_owned() }],
        };
        let mut policies = Vec::new();
        if !zones.is_empty() {
            policies.push(policy(
                CACHE_PURGE,
                zones.iter().map(|zone| (format!("{OF_ZONE}.{zone}"), json!("*"))).collect(),
            ));
        }
        if manages_tokens {
            let (group, resource) = match &account_id {
                None => (USER_WRITE, format!("{OF_USER}.{USER}")),
                Some(id) => (ACCOUNT_WRITE, format!("{OF_ACCOUNT}.{id}")),
            };
            policies.push(policy(group, [(resource, json!("*"))].into_iter().collect()));
        }
        let now = now();
        let token = Token {
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
        };
        (secret, token)
    }
}

/// The headers of a request that shows a global API key in place of a token.
pub(crate) const X_AUTH_EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
pub(crate) const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");

/// All tokens by secret, and all global keys by the address of their user.
#[derive(Default)]
pub(crate) struct Tokens {
    by_secret: HashMap<String, Token>,
    global_keys: HashMap<String, String>,
}

impl Tokens {
    /// Adds a token, in place of one with the same secret.
    pub(crate) fn add(&mut self, token: SandboxToken) {
        let (secret, token) = token.into();
        self.by_secret.insert(secret, token);
    }

    /// Issues a new token, and tells its secret.
    pub(crate) fn issue(&mut self, token: Token) -> String {
        let secret = new_secret(&token.owner);
        self.by_secret.insert(secret.clone(), token);
        secret
    }

    /// Gives a token another secret; the old one is worth nothing from then on.
    pub(crate) fn roll(&mut self, owner: &Owner, id: &str) -> Option<String> {
        let mut token = self.remove(owner, id)?;
        token.modified_on = now();
        Some(self.issue(token))
    }

    pub(crate) fn remove(&mut self, owner: &Owner, id: &str) -> Option<Token> {
        let is_meant = |token: &Token| token.owner == *owner && token.id == id;
        let secret = self.by_secret.iter().find(|(_, token)| is_meant(token)).map(|(secret, _)| secret.clone())?;
        self.by_secret.remove(&secret)
    }

    /// The tokens of an owner, the oldest first.
    pub(crate) fn of(&self, owner: &Owner) -> Vec<&Token> {
        let mut tokens: Vec<&Token> = self.by_secret.values().filter(|token| token.owner == *owner).collect();
        tokens.sort_by(|one, other| (one.issued_on, &one.id).cmp(&(other.issued_on, &other.id)));
        tokens
    }

    /// Sets a user's global key, which may purge every zone.
    pub(crate) fn set_global_key(&mut self, email: String, key: String) {
        self.global_keys.insert(email, key);
    }

    pub(crate) fn get(&self, secret: &str) -> Option<&Token> {
        self.by_secret.get(secret)
    }

    /// An id that no token has.
    pub(crate) fn unused_id(&self) -> String {
        let taken = |id: &String| self.by_secret.values().any(|token| token.id == *id);
        let mut ids = (self.by_secret.len()..).map(|number| format!("{number:032x}"));
        ids.find(|id| !taken(id)).unwrap_or_default()
    }

    /// Whether there is such a token; its status is then set.
    pub(crate) fn set_status(&mut self, secret: &str, status: TokenStatus) -> bool {
        self.by_secret.get_mut(secret).map(|token| token.status = status).is_some()
    }

    /// Refuses a request whose token may not purge `zone_id`. A zone that does not exist is one that no token has:
    /// the answer does not tell the two apart.
    pub(crate) fn authorize(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        zone_id: &str,
        zone: Option<&Zone>,
    ) -> Result<(), Refusal> {
        if let (None, Some(email)) = (headers.get(AUTHORIZATION), headers.get(X_AUTH_EMAIL)) {
            let known = email.to_str().ok().and_then(|email| self.global_keys.get(email));
            let shown = headers.get(X_AUTH_KEY).map(HeaderValue::as_bytes);
            return match known {
                Some(key) if shown == Some(key.as_bytes()) => Ok(()),
                _ => Err(Refusal::unknown_global_key()),
            };
        }
        let token = self.usable(headers, from, Refusal::authentication(StatusCode::UNAUTHORIZED))?;
        match token.may_purge(zone_id, zone.and_then(|zone| zone.account_id.as_deref())) {
            true => Ok(()),
            false => Err(Refusal::authentication(StatusCode::FORBIDDEN)),
        }
    }

    /// Refuses a request whose token may not read the tokens of this owner, or else write them.
    pub(crate) fn authorize_management(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        owner: &Owner,
        only_read: bool,
    ) -> Result<(), Refusal> {
        let token = self.usable(headers, from, Refusal::invalid_token())?;
        match token.may_manage(owner, only_read) {
            true => Ok(()),
            false => Err(Refusal::new(StatusCode::FORBIDDEN, 9109, "Unauthorized to access requested resource")),
        }
    }

    /// The token of a request, if it may be used now and from there.
    fn usable(&self, headers: &HeaderMap, from: IpAddr, unknown: Refusal) -> Result<&Token, Refusal> {
        let Some(token) = self.get(bearer(headers)?).filter(|token| token.is_usable()) else { return Err(unknown) };
        match token.may_come_from(from) {
            true => Ok(token),
            false => Err(Refusal::wrong_address(from)),
        }
    }
}

/// The token that a request shows.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = value.and_then(|value| value.split_once(' ')).filter(|(scheme, secret)| {
        scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty() && !secret.contains(' ')
    });
    secret.map(|(_, secret)| secret).ok_or_else(Refusal::malformed_authorization)
}

/// This second: Cloudflare tells no fractions of one.
pub(crate) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

pub(crate) fn new_id() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

fn new_secret(owner: &Owner) -> String {
    let prefix = if *owner == Owner::User { "cfut_" } else { "cfat_" };
    prefix.chars().chain(std::iter::repeat_with(fastrand::alphanumeric).take(48)).collect()
}

/// A time as the API takes it.
pub(crate) fn time_of(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Whether an address is in a range such as `192.0.2.0/24`, or is the one that stands there.
fn holds(range: &str, address: IpAddr) -> bool {
    let Some((network, length)) = range_of(range) else { return false };
    let (network, address, bits) = match (network, address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => (network.to_bits().into(), address.to_bits().into(), 32),
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128_u32),
        _ => return false,
    };
    let differing: u128 = network ^ address;
    differing.checked_shr(bits.saturating_sub(length)).unwrap_or(0) == 0
}

/// A range of addresses, and how many bits of it count.
pub(crate) fn range_of(text: &str) -> Option<(IpAddr, u32)> {
    let (network, length) = text.split_once('/').map_or((text, None), |(network, length)| (network, Some(length)));
    let network: IpAddr = network.parse().ok()?;
    let most = if network.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Ok(most), str::parse).ok().filter(|length| *length <= most)?;
    Some((network, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_addresses() {
        for (range, address, held) in [
            ("192.0.2.0/24", "192.0.2.77", true),
            ("192.0.2.0/24", "192.0.3.1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "::1", true),
            ("192.0.2.0/33", "192.0.2.0", false),
            ("nonsense", "192.0.2.0", false),
        ] {
            assert_eq!(holds(range, address.parse().unwrap()), held, "{range} {address}");
        }
    }
}
