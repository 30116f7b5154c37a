//! The new token of a rotation: the old one's permissions, lifetime and addresses, unless the caller gives others.

use std::sync::Arc;

use anyhow::{Context, bail};
use purge_router_cloudflare::{Credential, NewToken, Policy, TokenDetails, TokenOwner, only_from};
use purge_router_core::Zone;
use time::{Duration, OffsetDateTime};

use crate::args::RotateArgs;
use crate::command::tokens::context::TokensContext;
use crate::command::tokens::rotate::rotation::OwnedToken;
use crate::command::tokens::rotation_name::RotationName;
use crate::command::tokens::slot::TokenSlot;

const LEAST_RIGHTS: &str = "use an admin token of its owner, or add --least-rights: the new token can then only purge the \
                            zone ids in the team's rows, never expires and works from any address, unless you add \
                            --expires-in and --from; first check that these zone ids are the team's";

impl TokensContext {
    /// The new token, and whether it has least rights: those that follow from the zones' ids. Any team can write the id
    /// of another team's zone, so it has them only if the caller asks.
    pub(super) async fn new_token(
        &self,
        slot: &TokenSlot,
        old: Option<&OwnedToken>,
        owner: &TokenOwner,
        rotation_name: &RotationName<'_>,
        admin: &Credential,
        args: &RotateArgs,
    ) -> anyhow::Result<(NewToken, bool)> {
        let details = self.old_details(old, admin, args).await?;
        let expires_on = expiry(details.as_ref(), args)?;
        let (policies, has_least_rights) = match &details {
            Some(details) if !args.least_rights && details.policies.is_empty() => {
                bail!("Cloudflare does not show the permissions of the stored token {}: {LEAST_RIGHTS}", details.id)
            }
            Some(details) if !args.least_rights => (details.policies.clone(), false),
            _ => (self.least_rights(slot, owner, admin).await?, true),
        };
        let condition = match args.from.is_empty() {
            true => details.and_then(|details| details.condition),
            false => Some(only_from(&args.from)),
        };
        let name = rotation_name.replacing(old.map(|(_, id)| id));
        Ok((NewToken { name, policies, expires_on, condition }, has_least_rights))
    }

    /// The old token's details; with `--least-rights` they may be unknown.
    async fn old_details(
        &self,
        old: Option<&OwnedToken>,
        admin: &Credential,
        args: &RotateArgs,
    ) -> anyhow::Result<Option<TokenDetails>> {
        let Some((owner, id)) = old else {
            if args.least_rights {
                return Ok(None);
            }
            bail!("Cloudflare no longer knows the stored token, so its permissions are unknown: {LEAST_RIGHTS}");
        };
        match self.client.token(admin, owner, id).await {
            Ok(Some(details)) => Ok(Some(details)),
            Ok(None) | Err(_) if args.least_rights => Ok(None),
            Ok(None) => {
                let reason = "it belongs to another user";
                bail!("couldn't read the permissions of the stored token {id}: {reason}: {LEAST_RIGHTS}")
            }
            Err(refusal) => bail!("couldn't read the permissions of the stored token {id}: {refusal}: {LEAST_RIGHTS}"),
        }
    }

    /// The right to purge the slot's zones, and nothing else.
    async fn least_rights(
        &self,
        slot: &TokenSlot,
        owner: &TokenOwner,
        admin: &Credential,
    ) -> anyhow::Result<Vec<Policy>> {
        self.check_no_other_team(slot)?;
        let group = self.client.purge_permission(admin, owner).await;
        let group = group.context("reading Cloudflare's permissions")?;
        Ok(slot.zones().map(|zone| Policy::purging(&zone.zone_id, group.clone())).collect())
    }

    /// Refuses zones that another team declares, too, because either team may be wrong.
    fn check_no_other_team(&self, slot: &TokenSlot) -> anyhow::Result<()> {
        for Zone { team, domain, zone_id, .. } in slot.zones() {
            let is_same = |other: &&Arc<Zone>| other.zone_id == *zone_id || other.domain == *domain;
            if let Some(other) = self.all_zones.iter().filter(is_same).find(|other| other.team != *team) {
                bail!(
                    "team {} has the zone {} ({}), too: find out which team owns it, and fix the other team's rows",
                    other.team,
                    other.domain,
                    other.zone_id
                );
            }
        }
        Ok(())
    }
}

/// As long from now as the caller says, or as the old token lived; or else when the old one ends.
fn expiry(old: Option<&TokenDetails>, args: &RotateArgs) -> anyhow::Result<Option<OffsetDateTime>> {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0)?;
    let lifetime = old.and_then(|old| Some(old.expires_on? - old.issued_on?));
    let lifetime = args.expires_in.map(|days| Duration::days(days.into())).or(lifetime);
    let end = old.and_then(|old| old.expires_on);
    Ok(lifetime.map(|lifetime| now + lifetime).or(end))
}
