//! All tokens and global keys of a sandbox, and the authorization of requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use time::OffsetDateTime;

use super::credentials::{X_AUTH_EMAIL, X_AUTH_KEY, bearer};
use super::issued::{Access, Owner, Token, now};
use super::sandbox_token::{SandboxToken, TokenStatus};
use crate::answer::Refusal;
use crate::client_limit::Caller;
use crate::zone::Zone;

/// Tokens by secret, and global keys by their user's email address.
#[derive(Default)]
pub(crate) struct Tokens {
    by_secret: HashMap<String, Token>,
    global_keys: HashMap<String, String>,
    /// How far the clock of the tokens' periods is ahead of the system's.
    ahead: Duration,
}

impl Tokens {
    /// Adds a token. It replaces one with the same secret.
    pub(crate) fn add(&mut self, token: SandboxToken) {
        self.by_secret.insert(token.secret.clone(), token.into());
    }

    /// Stores a new token and returns its secret.
    pub(crate) fn issue(&mut self, token: Token) -> String {
        let secret = new_secret(&token.owner);
        self.by_secret.insert(secret.clone(), token);
        secret
    }

    /// Gives a token a new secret. The old one is invalid from then on.
    pub(crate) fn roll(&mut self, owner: &Owner, id: &str) -> Option<String> {
        let mut token = self.remove(owner, id)?;
        token.modified_on = self.now();
        Some(self.issue(token))
    }

    pub(crate) fn remove(&mut self, owner: &Owner, id: &str) -> Option<Token> {
        let is_it = |token: &Token| token.owner == *owner && token.id == id;
        let secret = self.by_secret.iter().find(|(_, token)| is_it(token)).map(|(secret, _)| secret.clone())?;
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

    /// For whom a request counts, if its credentials are known.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let has_global_key = |email: &HeaderValue| self.authorize_global_key(email, headers.get(X_AUTH_KEY)).is_ok();
        if !headers.contains_key(AUTHORIZATION) && headers.get(X_AUTH_EMAIL).is_some_and(has_global_key) {
            return Some(Caller::User);
        }
        let token = self.get(bearer(headers).ok()?)?;
        match token.owner {
            Owner::User => Some(Caller::User),
            Owner::Account(_) => Some(Caller::AccountToken(token.id.clone())),
        }
    }

    /// An id that no token has.
    pub(crate) fn unused_id(&self) -> String {
        let is_used = |id: &String| self.by_secret.values().any(|token| token.id == *id);
        let mut ids = (self.by_secret.len()..).map(|number| format!("{number:032x}"));
        ids.find(|id| !is_used(id)).unwrap_or_default()
    }

    /// The time with which the tokens' periods are compared.
    pub(crate) fn now(&self) -> OffsetDateTime {
        now() + self.ahead
    }

    /// Moves the clock ahead.
    pub(crate) fn advance_clock(&mut self, time: Duration) {
        self.ahead += time;
    }

    /// Sets a token's status; `false` if no token has this secret.
    pub(crate) fn set_status(&mut self, secret: &str, status: TokenStatus) -> bool {
        self.by_secret.get_mut(secret).map(|token| token.status = status).is_some()
    }

    /// Refuses a request whose credentials may not purge `zone_id`. An unknown zone gets the same answer as another
    /// owner's.
    pub(crate) fn authorize_purge(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        zone_id: &str,
        zone: Option<&Zone>,
    ) -> Result<(), Refusal> {
        if let (None, Some(email)) = (headers.get(AUTHORIZATION), headers.get(X_AUTH_EMAIL)) {
            return self.authorize_global_key(email, headers.get(X_AUTH_KEY));
        }
        let token = self.usable(headers, from, Refusal::authentication(StatusCode::UNAUTHORIZED))?;
        match token.may_purge(zone_id, zone.and_then(|zone| zone.account_id.as_deref())) {
            true => Ok(()),
            false => Err(Refusal::authentication(StatusCode::FORBIDDEN)),
        }
    }

    /// Refuses a request whose token does not have this access to the tokens of this owner.
    pub(crate) fn authorize_management(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        owner: &Owner,
        access: Access,
    ) -> Result<(), Refusal> {
        let token = self.usable(headers, from, Refusal::invalid_token())?;
        match token.may_manage(owner, access) {
            true => Ok(()),
            false => Err(Refusal::new(StatusCode::FORBIDDEN, 9109, "Unauthorized to access requested resource")),
        }
    }

    /// Refuses a request whose token may not trace requests of this account.
    pub(crate) fn authorize_trace(&self, headers: &HeaderMap, from: IpAddr, account_id: &str) -> Result<(), Refusal> {
        let token = self.usable(headers, from, Refusal::authentication(StatusCode::UNAUTHORIZED))?;
        match token.may_trace(account_id) {
            true => Ok(()),
            false => Err(Refusal::authentication(StatusCode::FORBIDDEN)),
        }
    }

    fn authorize_global_key(&self, email: &HeaderValue, key: Option<&HeaderValue>) -> Result<(), Refusal> {
        let known = email.to_str().ok().and_then(|email| self.global_keys.get(email));
        match known {
            Some(known) if key.is_some_and(|key| key.as_bytes() == known.as_bytes()) => Ok(()),
            _ => Err(Refusal::unknown_global_key()),
        }
    }

    /// The token of a request, if it is usable now and from this address.
    fn usable(&self, headers: &HeaderMap, from: IpAddr, unknown: Refusal) -> Result<&Token, Refusal> {
        let Some(token) = self.get(bearer(headers)?).filter(|token| token.is_usable(self.now())) else {
            return Err(unknown);
        };
        match token.is_usable_from(from) {
            true => Ok(token),
            false => Err(Refusal::wrong_address(from)),
        }
    }
}

pub(crate) fn new_id() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

fn new_secret(owner: &Owner) -> String {
    let prefix = if *owner == Owner::User { "cfut_" } else { "cfat_" };
    prefix.chars().chain(std::iter::repeat_with(fastrand::alphanumeric).take(48)).collect()
}
