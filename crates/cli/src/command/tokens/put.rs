//! `tokens put`: tries a token that the caller created, and stores it.

use anyhow::bail;
use purge_router_aws::WriteError;
use purge_router_cloudflare::{ApiToken, Meaning};
use purge_router_core::names::KmsKey;

use crate::args::PutArgs;
use crate::command::tokens::context::TokensContext;
use crate::command::tokens::credentials::read_token;
use crate::command::tokens::inspect::{Identity, SET_ACCOUNT, identify};
use crate::command::tokens::probe::{cannot_purge, try_purge};
use crate::command::tokens::slot::TokenSlot;
use crate::exit::End;
use crate::{print, shutdown};

pub(super) async fn run(args: &PutArgs) -> anyhow::Result<End> {
    let Some(context) = TokensContext::of_one(&args.zone).await? else { return Ok(End::Problems) };
    let slot = &context.only_slot()?;
    slot.check()?;
    let (name, parameter) = (slot.name(), slot.parameter());
    let token = read_token(&format!("Token for {name}")).await?;
    if !args.unverified {
        check_token(&context, slot, &token).await?;
    }
    let checked = if args.unverified { "" } else { "it can purge the zone; " };
    let kms_key = slot.kms_key().map(KmsKey::as_str);
    let write = context.parameters.write(parameter, &token, kms_key, args.overwrite);
    match shutdown::write(format!("storing the token in {parameter}"), write).await {
        Ok(version) => {
            print::out(&format!("{name}: {checked}stored in {parameter}, version {version}"));
            if version > 1 {
                print::note("the previous token stays valid until you delete it at Cloudflare");
            }
        }
        Err(WriteError::Exists) => bail!("{parameter}: a token is already stored; add --overwrite to replace it"),
        Err(error) => bail!("{parameter}: {error}"),
    }
    Ok(End::Done)
}

/// Refuses a token that can't purge every zone of the slot. Whether Cloudflare can identify it does not matter for
/// purges.
async fn check_token(context: &TokensContext, slot: &TokenSlot, token: &ApiToken) -> anyhow::Result<()> {
    let name = slot.name();
    let identity = identify(&context.client, token, slot).await;
    if matches!(identity, Identity::GlobalKey) {
        bail!("{name}: this is a global key, which can do everything that its user can; create a token");
    }
    for zone in slot.zones() {
        match try_purge(&context.client, token, zone).await {
            Ok(()) => {}
            Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
                bail!("{name}: this token was not stored: {}", cannot_purge(zone, &refusal))
            }
            Err(refusal) => bail!(
                "{name}: this token was not stored: couldn't check that it can purge {}: {refusal}; try again, or add \
                 --unverified",
                zone.domain
            ),
        }
    }
    if matches!(identity, Identity::UnknownAccount) {
        print::warning(&format!("{name}: this is an account's token; {SET_ACCOUNT}, for `verify` and `rotate`"));
    }
    Ok(())
}
