//! API tokens: who may purge which zone, and what a verification says.
//!
//! Secrets stay out of debug output and logs.

use std::collections::HashMap;
use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
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

/// All tokens, by secret.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<String, SandboxToken>);

impl Tokens {
    /// Adds a token, in place of one with the same secret.
    pub(crate) fn add(&mut self, token: SandboxToken) {
        self.0.insert(token.secret.clone(), token);
    }

    pub(crate) fn get(&self, secret: &str) -> Option<&SandboxToken> {
        self.0.get(secret)
    }

    /// An id that no token has.
    pub(crate) fn unused_id(&self) -> String {
        let taken = |id: &String| self.0.values().any(|token| token.id == *id);
        let mut ids = (self.0.len()..).map(|number| format!("{number:032x}"));
        ids.find(|id| !taken(id)).unwrap_or_default()
    }

    /// Whether there is such a token; its status is then set.
    pub(crate) fn set_status(&mut self, secret: &str, status: TokenStatus) -> bool {
        self.0.get_mut(secret).map(|token| token.status = status).is_some()
    }

    /// Refuses a request whose token may not purge `zone_id`. A zone that does not exist is one that no token has:
    /// the answer does not tell the two apart.
    pub(crate) fn authorize(&self, headers: &HeaderMap, zone_id: &str) -> Result<(), Refusal> {
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
