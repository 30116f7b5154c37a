//! API tokens and global keys: who may purge which zone, and what a verification says.
//!
//! Secrets stay out of debug output and logs.

use std::collections::HashMap;
use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::answer::Refusal;

/// A token that the sandbox accepts.
#[derive(Clone)]
pub struct SandboxToken {
    /// What stands after `Bearer` in the `Authorization` header.
    pub secret: String,
    /// The token's id, as verifications tell it: 32 hexadecimal digits.
    pub id: String,
    /// Ids of the zones that it may purge.
    pub zones: Vec<String>,
    /// Whether it is active.
    pub status: TokenStatus,
}

/// The state of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// Good for purges.
    #[default]
    Active,
    /// Switched off: purges are refused, a verification says `disabled`.
    Disabled,
    /// Past its end: purges are refused, a verification says `expired`.
    Expired,
}

impl fmt::Debug for SandboxToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, id, zones, status } = self;
        let mut debug = formatter.debug_struct("SandboxToken");
        debug.field("id", id).field("zones", zones).field("status", status).finish_non_exhaustive()
    }
}

/// The headers of a request that shows a global API key in place of a token.
pub(crate) const X_AUTH_EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
pub(crate) const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");

/// All tokens by secret, and all global keys by the address of their user.
#[derive(Default)]
pub(crate) struct Tokens {
    by_secret: HashMap<String, SandboxToken>,
    global_keys: HashMap<String, String>,
}

impl Tokens {
    /// Adds a token, in place of one with the same secret.
    pub(crate) fn add(&mut self, token: SandboxToken) {
        self.by_secret.insert(token.secret.clone(), token);
    }

    /// Sets a user's global key, which may purge every zone.
    pub(crate) fn set_global_key(&mut self, email: String, key: String) {
        self.global_keys.insert(email, key);
    }

    pub(crate) fn get(&self, secret: &str) -> Option<&SandboxToken> {
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
    pub(crate) fn authorize(&self, headers: &HeaderMap, zone_id: &str) -> Result<(), Refusal> {
        if let (None, Some(email)) = (headers.get(AUTHORIZATION), headers.get(X_AUTH_EMAIL)) {
            let known = email.to_str().ok().and_then(|email| self.global_keys.get(email));
            let shown = headers.get(X_AUTH_KEY).map(HeaderValue::as_bytes);
            return match known {
                Some(key) if shown == Some(key.as_bytes()) => Ok(()),
                _ => Err(Refusal::unknown_global_key()),
            };
        }
        let active = self.get(bearer(headers)?).filter(|token| token.status == TokenStatus::Active);
        let token = active.ok_or_else(|| Refusal::authentication(StatusCode::UNAUTHORIZED))?;
        if !token.zones.iter().any(|zone| zone == zone_id) {
            return Err(Refusal::authentication(StatusCode::FORBIDDEN));
        }
        Ok(())
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
