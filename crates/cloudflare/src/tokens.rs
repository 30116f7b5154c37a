//! The tokens API: verifies, lists, creates, rolls and deletes tokens.

use std::time::Duration;

use purge_router_core::names::CloudflareId;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::answer::Call;
use crate::client::Client;
use crate::error::{Meaning, Refusal};
use crate::token::{ApiToken, Credential};

/// The permission group that allows purges: its name and id.
const CACHE_PURGE: (&str, &str) = ("Cache Purge", "e17beae8b8cb423a99b1730f21238bed");

/// The prefixes of resource names in policies.
const ZONE: &str = "com.cloudflare.api.account.zone";
const ACCOUNT: &str = "com.cloudflare.api.account";

const TIMEOUT: Duration = Duration::from_secs(30);

/// How many tokens one page of the list has.
const PER_PAGE: usize = 50;

/// Who owns the tokens of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenOwner {
    /// The user whose credential makes the call.
    User,
    /// An account, whose tokens outlive its users.
    Account(CloudflareId),
}

impl TokenOwner {
    fn path(&self) -> String {
        match self {
            Self::User => "/user/tokens".to_owned(),
            Self::Account(id) => format!("/accounts/{id}/tokens"),
        }
    }
}

/// Whether Cloudflare accepts a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are Cloudflare's")]
pub enum TokenStatus {
    Active,
    Disabled,
    Expired,
}

/// The result of a token's verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The token's id, which is not secret.
    pub id: CloudflareId,
    /// Whether it is active.
    pub status: TokenStatus,
    /// Cloudflare refuses it before this time.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<OffsetDateTime>,
    /// Cloudflare refuses it after this time.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<OffsetDateTime>,
}

/// A token as Cloudflare lists it, without its secret.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TokenDetails {
    /// The token's id, which is not secret.
    pub id: CloudflareId,
    /// The name that its owner gave it; empty if Cloudflare sent none.
    #[serde(default)]
    pub name: String,
    /// When it was created.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub issued_on: Option<OffsetDateTime>,
    /// Cloudflare refuses it after this time.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_on: Option<OffsetDateTime>,
    /// What it may do; empty if Cloudflare sent none.
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// The addresses from which it may be used, as Cloudflare returns them.
    #[serde(default)]
    pub condition: Option<Value>,
}

impl TokenDetails {
    /// Whether its policies allow it to purge this zone.
    pub fn may_purge(&self, zone_id: &CloudflareId, account_id: Option<&CloudflareId>) -> bool {
        let account = account_id.map(|id| format!("{ACCOUNT}.{id}"));
        let reaches = |name: &str| {
            name == format!("{ZONE}.{zone_id}") || account.as_deref() == Some(name) || name.ends_with(".*")
        };
        let allows = |policy: &&Policy| {
            let is_of_purges = policy.permission_groups.iter().any(|group| group.id == CACHE_PURGE.1);
            is_of_purges && policy.resources.keys().any(|name| reaches(name))
        };
        let (allowed, denied): (Vec<&Policy>, Vec<&Policy>) =
            self.policies.iter().filter(allows).partition(|policy| policy.effect == "allow");
        !allowed.is_empty() && denied.is_empty()
    }
}

/// What a token is allowed or denied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// `allow` or `deny`.
    pub effect: String,
    /// Names of resources, each with `*`.
    pub resources: serde_json::Map<String, Value>,
    /// The permissions on these resources.
    pub permission_groups: Vec<PermissionGroup>,
}

/// A named group of permissions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionGroup {
    /// Cloudflare's id of the group.
    pub id: String,
    /// The name that its owner gave it; empty if Cloudflare sent none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Policy {
    /// The least that a token needs to purge one zone.
    pub fn purging(zone_id: &CloudflareId, group: PermissionGroup) -> Self {
        let resources = [(format!("{ZONE}.{zone_id}"), json!("*"))].into_iter().collect();
        Self { effect: "allow".to_owned(), resources, permission_groups: vec![group] }
    }

    /// What it allows beyond purging this zone, as phrases such as `reach NAME`. Empty for a policy that denies.
    pub fn beyond(&self, zone_id: &CloudflareId) -> Vec<String> {
        if self.effect != "allow" {
            return Vec::new();
        }
        let this = format!("{ZONE}.{zone_id}");
        let other_resources = self.resources.keys().filter(|name| **name != this).map(|name| format!("reach {name}"));
        let other_groups = self.permission_groups.iter().filter(|group| group.id != CACHE_PURGE.1);
        let named = |group: &PermissionGroup| if group.name.is_empty() { &group.id } else { &group.name }.clone();
        other_resources.chain(other_groups.map(|group| format!("do {}", named(group)))).collect()
    }
}

/// A token to be created.
#[derive(Debug, Clone, Serialize)]
pub struct NewToken {
    /// Its name, of up to 120 characters.
    pub name: String,
    /// What it may do.
    pub policies: Vec<Policy>,
    /// Cloudflare refuses it after this time.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<OffsetDateTime>,
    /// The addresses from which it may be used, as [`only_from`] writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Value>,
}

/// The condition that a token is used only from these address ranges.
pub fn only_from(ranges: &[String]) -> Value {
    json!({ "request.ip": { "in": ranges } })
}

impl Client {
    /// Verifies a token with the API of its owner; other owners' APIs do not know it.
    ///
    /// # Errors
    /// The owner has no such token, or there was no answer.
    pub async fn verify(&self, token: &ApiToken, owner: &TokenOwner) -> Result<Verified, Refusal> {
        self.tokens(Method::GET, &Credential::Token(token.clone()), owner, "/verify", None).await
    }

    /// Reads one token; `None` if there is no such token.
    ///
    /// # Errors
    /// The credential may not read it, or there was no answer.
    pub async fn token(
        &self,
        by: &Credential,
        owner: &TokenOwner,
        id: &CloudflareId,
    ) -> Result<Option<TokenDetails>, Refusal> {
        none_if_not_found(self.tokens(Method::GET, by, owner, &format!("/{id}"), None).await)
    }

    /// All tokens of an owner.
    ///
    /// # Errors
    /// The credential may not read them, or there was no answer.
    pub async fn list_tokens(&self, by: &Credential, owner: &TokenOwner) -> Result<Vec<TokenDetails>, Refusal> {
        let mut all = Vec::new();
        for page in 1.. {
            let path = format!("?page={page}&per_page={PER_PAGE}");
            let some: Vec<TokenDetails> = self.tokens(Method::GET, by, owner, &path, None).await?;
            let is_last = some.len() < PER_PAGE;
            all.extend(some);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// The permission group that allows purges, as Cloudflare lists it now.
    ///
    /// # Errors
    /// The credential may not read permission groups, or there was no answer.
    pub async fn purge_permission(&self, by: &Credential, owner: &TokenOwner) -> Result<PermissionGroup, Refusal> {
        let groups: Vec<PermissionGroup> =
            self.tokens(Method::GET, by, owner, "/permission_groups?name=Cache%20Purge", None).await?;
        let (name, id) = CACHE_PURGE;
        let by_id = groups.iter().find(|group| group.id == id);
        let found = by_id.or_else(|| groups.iter().find(|group| group.name == name)).cloned();
        found.ok_or_else(|| unexpected(&format!("permission {name} not found")))
    }

    /// Creates a token.
    ///
    /// # Errors
    /// The credential may not create it, or there was no answer. Without an answer, it may have been created.
    pub async fn create_token(
        &self,
        by: &Credential,
        owner: &TokenOwner,
        token: &NewToken,
    ) -> Result<(CloudflareId, ApiToken), Refusal> {
        #[derive(Deserialize)]
        struct Created {
            id: CloudflareId,
            value: SecretString,
        }
        let Created { id, value } = self.tokens(Method::POST, by, owner, "", Some(json!(token))).await?;
        let secret = ApiToken::parse(value.expose_secret()).map_err(|error| unexpected(&error.to_string()))?;
        Ok((id, secret))
    }

    /// Replaces a token's secret. Cloudflare refuses the old secret at once.
    ///
    /// # Errors
    /// The credential may not roll it, or there was no answer. Without an answer, it may have been rolled.
    pub async fn roll_token(
        &self,
        by: &Credential,
        owner: &TokenOwner,
        id: &CloudflareId,
    ) -> Result<ApiToken, Refusal> {
        let secret: SecretString =
            self.tokens(Method::PUT, by, owner, &format!("/{id}/value"), Some(json!({}))).await?;
        ApiToken::parse(secret.expose_secret()).map_err(|error| unexpected(&error.to_string()))
    }

    /// Deletes a token. False if there was no such token.
    ///
    /// # Errors
    /// The credential may not delete it, or there was no answer.
    pub async fn delete_token(&self, by: &Credential, owner: &TokenOwner, id: &CloudflareId) -> Result<bool, Refusal> {
        let deleted: Result<Value, Refusal> = self.tokens(Method::DELETE, by, owner, &format!("/{id}"), None).await;
        none_if_not_found(deleted).map(|deleted| deleted.is_some())
    }

    async fn tokens<T: DeserializeOwned>(
        &self,
        method: Method,
        by: &Credential,
        owner: &TokenOwner,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, Refusal> {
        let request = self.request(method, &format!("{}{path}", owner.path())).timeout(TIMEOUT);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let (result, _) = self.call(by, request, Call::Tokens).await?;
        // The answer may hold a secret, so the error gives only the place.
        serde_json::from_value(result).map_err(|error| unexpected(&format!("at {}, {}", error.line(), error.column())))
    }
}

fn unexpected(reason: &str) -> Refusal {
    let message = format!("unexpected answer: {reason}");
    Refusal { meaning: Meaning::ServerError, message, status: None, ray: None }
}

fn none_if_not_found<T>(answer: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match answer {
        Err(refusal) if refusal.status == Some(404) => Ok(None),
        answer => answer.map(Some),
    }
}
