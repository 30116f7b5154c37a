//! Deletes tokens that were replaced, or that interrupted rotations left behind; never one that another slot uses, or
//! may use.

use std::time::Duration;

use anyhow::bail;
use purge_router_cloudflare::{ApiToken, Credential, TokenOwner};
use purge_router_core::names::CloudflareId;
use tokio::time::sleep;

use crate::command::tokens::context::TokensContext;
use crate::command::tokens::inspect::Inspection;
use crate::command::tokens::slot::TokenSlot;
use crate::print;

/// How often Cloudflare must refuse a secret before its token counts as deleted, and the pause in between.
const MIN_REFUSALS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// A token that is no longer used, and is to be deleted.
#[derive(Clone)]
pub(super) struct Obsolete {
    pub(super) owner: TokenOwner,
    pub(super) id: CloudflareId,
    /// The token that it replaced. Its name is the only record of that one, so that one is deleted first.
    pub(super) replaces: Option<CloudflareId>,
}

/// Tokens to delete for one slot.
pub(super) struct Cleanup<'c> {
    pub(super) slot: &'c TokenSlot,
    /// The id and secret of the token that was stored before the rotation.
    pub(super) stored: Option<(&'c CloudflareId, &'c ApiToken)>,
    /// All slots of the teams, to check that none of them uses a token that is to be deleted.
    pub(super) inspections: &'c [Inspection],
    pub(super) admin: &'c Credential,
}

/// Whether another slot uses a token.
enum Usage<'i> {
    Unused,
    UsedBy(&'i Inspection),
    Unknown(&'i Inspection),
}

impl TokensContext {
    /// Deletes tokens, and prints what happened to each; returns those that could not be deleted.
    pub(super) async fn delete_obsolete(&self, cleanup: &Cleanup<'_>, tokens: Vec<Obsolete>) -> Vec<Obsolete> {
        let name = cleanup.slot.name();
        let mut failed: Vec<Obsolete> = Vec::new();
        for token in deletion_order(tokens) {
            let id = &token.id;
            if failed.iter().any(|other| Some(&other.id) == token.replaces.as_ref()) {
                print::note(&format!(
                    "{name}: token {id} is kept, because its name records the token that it replaced"
                ));
                failed.push(token);
                continue;
            }
            let error = match cleanup.usage(id) {
                Usage::UsedBy(other) => {
                    print::note(&format!("{name}: the old token {id} is kept: {} uses it, too", other.slot.name()));
                    continue;
                }
                Usage::Unknown(other) => {
                    let reason = other.problem().unwrap_or_else(|| "couldn't identify its token".to_owned());
                    format!("{} may use it, too: {reason}; run this again", other.slot.name())
                }
                Usage::Unused => match self.delete(cleanup, &token).await {
                    Ok(what) => {
                        print::out(&format!("{name}: old token {id} {what}"));
                        continue;
                    }
                    Err(error) => format!("{error:#}"),
                },
            };
            print::error(&format!("{name}: the old token {id} is kept: {error}"));
            failed.push(token);
        }
        failed
    }

    /// Deletes a token. Cloudflare also answers "not found" for a token that the admin token can't see, so the token's
    /// own secret is verified if it is known.
    async fn delete(&self, cleanup: &Cleanup<'_>, token: &Obsolete) -> anyhow::Result<&'static str> {
        let help = "run this again, or delete it at Cloudflare";
        match self.client.delete_token(cleanup.admin, &token.owner, &token.id).await {
            Ok(true) => return Ok("deleted"),
            Ok(false) => {}
            Err(refusal) => bail!("{refusal}; {help}"),
        }
        let Some(secret) = cleanup.secret(&token.id) else { return Ok("deleted already") };
        for _ in 0..MIN_REFUSALS {
            match self.client.verify(secret, &token.owner).await {
                Err(refusal) if refusal.status == Some(401) => sleep(PAUSE).await,
                Err(refusal) => bail!("couldn't check that it is deleted: {refusal}; {help}"),
                Ok(_) => {
                    bail!("it belongs to another user, and only that user can delete it; later runs won't report it")
                }
            }
        }
        Ok("deleted already")
    }
}

impl<'c> Cleanup<'c> {
    /// The secret of a token, if it was stored.
    fn secret(&self, id: &CloudflareId) -> Option<&'c ApiToken> {
        self.stored.filter(|(stored, _)| *stored == id).map(|(_, secret)| secret)
    }

    /// Whether another slot has the token: a stored one is compared by its secret, any other by its id.
    fn usage(&self, id: &CloudflareId) -> Usage<'c> {
        let secret = self.secret(id);
        let others = || self.inspections.iter().filter(|other| other.slot.parameter() != self.slot.parameter());
        let has_token = |other: &&Inspection| match secret {
            Some(secret) => other.token() == Some(secret),
            None => other.verified().is_some_and(|(_, verified)| verified.id == *id),
        };
        if let Some(other) = others().find(has_token) {
            return Usage::UsedBy(other);
        }
        others().find(|other| other.may_hold_unknown_token(secret.is_some())).map_or(Usage::Unused, Usage::Unknown)
    }
}

/// Orders tokens so that each comes before the token whose name records it.
fn deletion_order(mut tokens: Vec<Obsolete>) -> Vec<Obsolete> {
    let mut ordered = Vec::new();
    while !tokens.is_empty() {
        let is_free = |token: &Obsolete| !tokens.iter().any(|other| Some(&other.id) == token.replaces.as_ref());
        let next = tokens.iter().position(is_free).unwrap_or_default();
        ordered.push(tokens.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_token_is_deleted_before_the_token_whose_name_records_it() {
        let id = |digit: char| CloudflareId::parse(&digit.to_string().repeat(32)).unwrap();
        let token = |digit, replaces: Option<char>| Obsolete {
            owner: TokenOwner::User,
            id: id(digit),
            replaces: replaces.map(id),
        };
        for (tokens, expected) in [
            (vec![token('a', Some('b')), token('b', Some('c')), token('c', None)], ['c', 'b', 'a']),
            (vec![token('c', None), token('a', Some('b')), token('b', Some('9'))], ['c', 'b', 'a']),
        ] {
            let order: Vec<CloudflareId> = deletion_order(tokens).into_iter().map(|token| token.id).collect();
            assert_eq!(order, expected.map(id));
        }
    }
}
