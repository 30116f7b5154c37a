//! Deleting tokens that were replaced, or left by rotations that broke off: none that another zone has, or might have.

use std::time::Duration;

use anyhow::bail;
use purge_router_aws::ReadError;
use purge_router_cloudflare::{ApiToken, Credential, TokenOwner};
use purge_router_core::names::CloudflareId;
use tokio::time::sleep;

use super::look::{Known, Look};
use super::{Place, World};
use crate::print;

/// How often a token is asked for before it is taken for deleted.
const SURE: u32 = 3;

/// A token that goes.
#[derive(Clone)]
pub(super) struct Obsolete {
    pub(super) owner: TokenOwner,
    pub(super) id: CloudflareId,
    /// The one that it replaced, as its name says: as long as that is there, nothing else tells of it.
    pub(super) replaces: Option<CloudflareId>,
}

impl World {
    /// Deletes tokens that no other zone has; those that should be deleted and are not come back.
    pub(super) async fn clear(
        &self,
        place: &Place,
        stored: Option<(&CloudflareId, &ApiToken)>,
        looks: &[Look],
        mut all: Vec<Obsolete>,
        manager: &Credential,
    ) -> Vec<Obsolete> {
        let name = place.name();
        let others: Vec<&Look> = looks.iter().filter(|look| look.place.parameter() != place.parameter()).collect();
        let mut failed: Vec<Obsolete> = Vec::new();
        while !all.is_empty() {
            // What another one's name tells of goes before that one.
            let is_free = |it: &Obsolete| !all.iter().any(|other| Some(&other.id) == it.replaces.as_ref());
            let next = all.iter().position(is_free).unwrap_or_default();
            let it = all.remove(next);
            let id = &it.id;
            if failed.iter().any(|other| Some(&other.id) == it.replaces.as_ref()) {
                print::note(&format!("{name}: token {id} is left, for its name tells of the one that it replaced"));
                failed.push(it);
                continue;
            }
            // A token that was stored is known by its secret, any other by its id.
            let secret = stored.filter(|(old, _)| *old == id).map(|(_, secret)| secret);
            let is_shared = |look: &&&Look| match secret {
                Some(secret) => look.token() == Some(secret),
                None => look.verified().is_some_and(|(_, verified)| verified.id == *id),
            };
            if let Some(other) = others.iter().find(is_shared) {
                print::note(&format!("{name}: the old token {id} is left: it is also that of {}", other.place.name()));
                continue;
            }
            let error = match others.iter().find(|look| look.may_hold_any(secret.is_some())) {
                Some(other) => {
                    let reason = other.problem().unwrap_or_else(|| "Cloudflare does not tell which it has".to_owned());
                    format!("it may be that of {}, too: {reason}; run this again", other.place.name())
                }
                None => match self.delete(manager, &it.owner, id, secret).await {
                    Ok(what) => {
                        print::out(&format!("{name}: old token {id} {what}"));
                        continue;
                    }
                    Err(error) => format!("{error:#}"),
                },
            };
            print::error(&format!("{name}: the old token {id} is left: {error}"));
            failed.push(it);
        }
        failed
    }

    /// Deletes a token. Who is told that there is none may only not see it, so that its secret is asked, if that is known.
    async fn delete(
        &self,
        manager: &Credential,
        owner: &TokenOwner,
        id: &CloudflareId,
        secret: Option<&ApiToken>,
    ) -> anyhow::Result<&'static str> {
        let help = "run this again, or delete it at Cloudflare";
        match self.client.delete_token(manager, owner, id).await {
            Ok(true) => return Ok("deleted"),
            Ok(false) => {}
            Err(refusal) => bail!("{refusal}; {help}"),
        }
        let Some(secret) = secret else { return Ok("deleted already") };
        for _ in 0..SURE {
            match self.client.verify(secret, owner).await {
                Err(refusal) if refusal.status == Some(401) => sleep(Duration::from_millis(500)).await,
                Err(refusal) => bail!("whether it is deleted is not known: {refusal}; {help}"),
                Ok(_) => bail!("it is another user's, who alone can delete it: no later run tells of it"),
            }
        }
        Ok("deleted already")
    }
}

impl Look {
    /// Whether nobody knows what lies there.
    fn may_hold_any(&self, by_secret: bool) -> bool {
        match (&self.stored, &self.known) {
            (Err(ReadError::Absent), _) => false,
            (Err(_), _) => true,
            (Ok(_), _) if by_secret => false,
            (Ok(_), Some(Known::OfSomeAccount)) => true,
            (Ok(_), Some(Known::Not(_))) => !self.is_dead(),
            (Ok(_), _) => false,
        }
    }
}
