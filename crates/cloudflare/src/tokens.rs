//! The API of tokens: what a token is, and creating, rolling and deleting them for whoever may.

use std::time::Duration;

use purge_router_core::names::CloudflareId;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::client::Client;
use crate::error::{Meaning, Refusal};
use crate::token::{ApiToken, Credential};

/// The permission to purge, by Cloudflare's name and id.
const CACHE_PURGE: (&str, &str) = ("Cache Purge", "e17beae8b8cb423a99b1730f21238bed");

/// What a zone is called in a policy.
const ZONE: &str = "com.cloudflare.api.account.zone";
const ACCOUNT: &str = "com.cloudflare.api.account";

/// The longest time for one call.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many tokens one page of the list holds.
const PER_PAGE: usize = 50;

/// Whose tokens are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenOwner {
    /// The user's who asks.
    User,
    /// An account's.
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

/// The state of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are Cloudflare's")]
pub enum TokenStatus {
    Active,
    Disabled,
    Expired,
}

/// What a token's verification tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Its id.
    pub id: CloudflareId,
    /// Whether it is active.
    pub status: TokenStatus,
    /// From when on it is good.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<OffsetDateTime>,
    /// Until when it is good.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<OffsetDateTime>,
}

/// What who may read tokens is told of one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TokenDetails {
    /// Its id.
    pub id: CloudflareId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// When it was created.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub issued_on: Option<OffsetDateTime>,
    /// Until when it is good.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_on: Option<OffsetDateTime>,
    /// What it may do.
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// From where it may be used, as Cloudflare has it.
    #[serde(default)]
    pub condition: Option<Value>,
}

impl TokenDetails {
    /// Whether it may purge this zone, as far as its policies tell.
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

/// What a token may do, or may not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// `allow` or `deny`.
    pub effect: String,
    /// The resources that it is about, by name.
    pub resources: serde_json::Map<String, Value>,
    /// What it is about.
    pub permission_groups: Vec<PermissionGroup>,
}

/// A named group of permissions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Policy {
    /// That which a token needs to purge one zone, and no more.
    pub fn purging(zone_id: &CloudflareId, group: PermissionGroup) -> Self {
        let resources = [(format!("{ZONE}.{zone_id}"), json!("*"))].into_iter().collect();
        Self { effect: "allow".to_owned(), resources, permission_groups: vec![group] }
    }

    /// What it allows beyond purging this zone, in words; nothing where it only takes away.
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
    /// Until when it is good.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<OffsetDateTime>,
    /// From where it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Value>,
}

/// That a token may be used from these ranges of addresses only.
pub fn only_from(ranges: &[String]) -> Value {
    json!({ "request.ip": { "in": ranges } })
}

impl Client {
    /// Asks what Cloudflare knows of this token; only its owner knows it.
    ///
    /// # Errors
    /// It is not known there, or there was no answer.
    pub async fn verify(&self, token: &ApiToken, owner: &TokenOwner) -> Result<Verified, Refusal> {
        self.tokens(Method::GET, &Credential::Token(token.clone()), owner, "/verify", None).await
    }

    /// A token that may be read by whoever asks; none where there is no such token.
    ///
    /// # Errors
    /// It may not be read, or there was no answer.
    pub async fn token(
        &self,
        by: &Credential,
        owner: &TokenOwner,
        id: &CloudflareId,
    ) -> Result<Option<TokenDetails>, Refusal> {
        present(self.tokens(Method::GET, by, owner, &format!("/{id}"), None).await)
    }

    /// All tokens of an owner.
    ///
    /// # Errors
    /// They may not be read, or there was no answer.
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

    /// The permission to purge, as Cloudflare names it now.
    ///
    /// # Errors
    /// Permissions may not be read, or there was no answer.
    pub async fn purge_permission(&self, by: &Credential, owner: &TokenOwner) -> Result<PermissionGroup, Refusal> {
        let groups: Vec<PermissionGroup> =
            self.tokens(Method::GET, by, owner, "/permission_groups?name=Cache%20Purge", None).await?;
        let (name, id) = CACHE_PURGE;
        let by_id = groups.iter().find(|group| group.id == id);
        let found = by_id.or_else(|| groups.iter().find(|group| group.name == name)).cloned();
        found.ok_or_else(|| unreadable(&format!("there is no permission {name}")))
    }

    /// Creates a token.
    ///
    /// # Errors
    /// It may not be created, or there was no answer: it may then have been created all the same.
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
        let secret = ApiToken::parse(value.expose_secret()).map_err(|error| unreadable(&error.to_string()))?;
        Ok((id, secret))
    }

    /// Gives a token another secret. The old one is worth nothing from then on.
    ///
    /// # Errors
    /// It may not be rolled, or there was no answer: it may then have been rolled all the same.
    pub async fn roll_token(
        &self,
        by: &Credential,
        owner: &TokenOwner,
        id: &CloudflareId,
    ) -> Result<ApiToken, Refusal> {
        let secret: SecretString =
            self.tokens(Method::PUT, by, owner, &format!("/{id}/value"), Some(json!({}))).await?;
        ApiToken::parse(secret.expose_secret()).map_err(|error| unreadable(&error.to_string()))
    }

    /// Deletes a token; whether there was one.
    ///
    /// # Errors
    /// It may not be deleted, or there was no answer.
    pub async fn delete_token(&self, by: &Credential, owner: &TokenOwner, id: &CloudflareId) -> Result<bool, Refusal> {
        let deleted: Result<Value, Refusal> = self.tokens(Method::DELETE, by, owner, &format!("/{id}"), None).await;
        present(deleted).map(|deleted| deleted.is_some())
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
        let (result, _) = self.answer(by, request, false).await?;
        // What is wrong may lie beside a secret, so that the answer is not shown.
        serde_json::from_value(result).map_err(|error| unreadable(&format!("at {}, {}", error.line(), error.column())))
    }
}

fn unreadable(reason: &str) -> Refusal {
    let message = format!("the answer can't be understood: {reason}");
    Refusal { meaning: Meaning::ServerTrouble, message, status: None, ray: None }
}

fn present<T>(answer: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match answer {
        Err(refusal) if refusal.status == Some(404) => Ok(None),
        answer => answer.map(Some),
    }
}
