//! Which token is rolled, and which slots hold it. Nothing is written.

use anyhow::bail;
use purge_router_aws::ReadError;
use purge_router_cloudflare::{Credential, TokenDetails, TokenOwner};
use purge_router_core::Zone;
use purge_router_core::names::CloudflareId;

use crate::args::RotateArgs;
use crate::command::tokens::context::TokensContext;
use crate::command::tokens::inspect::{Inspection, SET_ACCOUNT};
use crate::print;

/// A token to roll, and the slots that get its new secret.
pub(super) struct RollPlan {
    pub(super) owner: TokenOwner,
    pub(super) id: CloudflareId,
    pub(super) holders: Vec<Inspection>,
}

impl RollPlan {
    pub(super) async fn new(context: &TokensContext, admin: &Credential, args: &RotateArgs) -> anyhow::Result<Self> {
        let slot = context.only_slot()?;
        let inspection = context.inspect_carefully(&slot).await;
        let (owners, id) = identify(&inspection, args.token_id.as_ref())?;
        let (owner, details) = find(context, admin, owners, &id).await?;
        if let Some(zone) = slot.zones().find(|zone| !can_purge(&details, zone)) {
            bail!("the token {id} can't purge {}, so it is not rolled", zone.domain);
        }
        let holders = holders(context, inspection, &id, &details, args).await?;
        for holder in &holders {
            holder.slot.check()?;
        }
        Ok(Self { owner, id, holders })
    }

    /// Warns that purges fail between rolling and storing, and says how to resume.
    pub(super) fn announce(&self) {
        let parameters: Vec<&str> = self.holders.iter().map(|holder| holder.slot.parameter()).collect();
        print::warning(&format!(
            "this invalidates the secret of token {} at once; purges fail until the new one is stored in {}, and are \
             redelivered",
            self.id,
            parameters.join(", ")
        ));
        print::note(&format!("if this is interrupted, roll again with --token-id {}", self.id));
    }
}

/// The id of the token, and who may own it: from Cloudflare, or from the caller if Cloudflare refuses the stored token.
fn identify(
    inspection: &Inspection,
    token_id: Option<&CloudflareId>,
) -> anyhow::Result<(Vec<TokenOwner>, CloudflareId)> {
    let parameter = inspection.slot.parameter();
    let problem = || inspection.problem().unwrap_or_else(|| format!("couldn't identify the token; {SET_ACCOUNT}"));
    let is_unusable = match &inspection.stored {
        Ok(stored) => stored.token.is_err() || inspection.is_invalid(),
        Err(error) => *error == ReadError::Absent,
    };
    match (token_id, inspection.verified()) {
        (Some(id), Some((_, verified))) if verified.id != *id => {
            bail!("{parameter} holds another token, {}, not {id}", verified.id)
        }
        (_, Some((owner, verified))) => Ok((vec![owner.clone()], verified.id.clone())),
        (Some(id), None) if is_unusable => {
            let account = inspection.slot.account_id().cloned().map(TokenOwner::Account);
            Ok((account.into_iter().chain([TokenOwner::User]).collect(), id.clone()))
        }
        (Some(_), None) => {
            bail!("{parameter}: the stored token may be another one that still works: {}", problem())
        }
        (None, None) if is_unusable => {
            bail!("{parameter}: {}; to roll it anyway, name the token with --token-id", problem())
        }
        (None, None) => bail!("{parameter}: {}", problem()),
    }
}

/// The token as the admin token sees it.
async fn find(
    context: &TokensContext,
    admin: &Credential,
    owners: Vec<TokenOwner>,
    id: &CloudflareId,
) -> anyhow::Result<(TokenOwner, TokenDetails)> {
    let mut reason = "it does not exist, or belongs to another user".to_owned();
    for owner in owners {
        match context.client.token(admin, &owner, id).await {
            Ok(Some(details)) => return Ok((owner, details)),
            Ok(None) => {}
            Err(refusal) => reason = refusal.to_string(),
        }
    }
    bail!("the admin token can't see the token {id}: {reason}")
}

/// All slots that hold the token: the given one, those with the same secret, and with `--token-id` those with a refused
/// token, because an interrupted roll may not have reached them.
async fn holders(
    context: &TokensContext,
    inspection: Inspection,
    id: &CloudflareId,
    details: &TokenDetails,
    args: &RotateArgs,
) -> anyhow::Result<Vec<Inspection>> {
    let old = inspection.token().cloned();
    let parameter = inspection.slot.parameter().to_owned();
    let mut holders = vec![inspection];
    for other in context.inspect_all().await {
        let name = other.slot.name();
        match &other.stored {
            _ if other.slot.parameter() == parameter => {}
            Err(ReadError::Absent) => {}
            Err(_) => {
                let reason = other.problem().unwrap_or_default();
                bail!("{name} may use the same token, and would keep the old secret: {reason}");
            }
            Ok(_) if other.token().is_some() && other.token() == old.as_ref() => holders.push(other),
            Ok(_) if other.is_invalid() && other.slot.zones().all(|zone| can_purge(details, zone)) => {
                match args.token_id {
                    Some(_) => holders.push(other),
                    None => print::warning(&format!(
                        "the token of {name} is refused; if it was {id}, add --token-id {id} to store the new secret \
                         there, too"
                    )),
                }
            }
            Ok(_) => {}
        }
    }
    Ok(holders)
}

fn can_purge(details: &TokenDetails, zone: &Zone) -> bool {
    details.may_purge(&zone.zone_id, zone.account_id.as_ref())
}
