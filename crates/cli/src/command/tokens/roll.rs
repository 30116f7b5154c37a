//! `rotate --roll`: a leaked token gets another secret at once, which is stored wherever the old one lay.

use std::time::Duration;

use anyhow::{Context, bail};
use purge_router_aws::WriteError;
use purge_router_cloudflare::{ApiToken, Credential, TokenOwner};
use purge_router_core::names::KmsKey;
use tokio::time::sleep;

use super::look::{Known, Look};
use super::rotate::agreed;
use super::{Place, World};
use crate::args::RotateArgs;
use crate::{End, Misuse, print};

/// How often storing a rolled token is tried: until then, purges are refused.
const TRIES: u32 = 5;

pub(super) async fn roll(world: &World, manager: &Credential, args: &RotateArgs) -> anyhow::Result<End> {
    let [place] = &world.places()[..] else {
        return Err(Misuse("with --roll, name the one zone with --zone".to_owned()).into());
    };
    let look = world.sure_look(place).await;
    let (owners, id) = match (&args.token_id, look.verified()) {
        (Some(id), Some((_, verified))) if verified.id != *id => {
            bail!("{} holds another token, {}, and not {id}", place.parameter(), verified.id)
        }
        (_, Some((owner, verified))) => (vec![owner.clone()], verified.id.clone()),
        (Some(id), None) => {
            let of_account = place.zone().account_id.clone().map(TokenOwner::Account);
            (of_account.into_iter().chain([TokenOwner::User]).collect(), id.clone())
        }
        (None, None) => {
            let problem = look.problem().unwrap_or_else(|| "nobody knows which token it is".to_owned());
            bail!("{}: {problem}; to roll it all the same, name the token with --token-id", place.parameter());
        }
    };
    let mut found = None;
    let mut refused = None;
    for owner in owners {
        match world.client.token(manager, &owner, &id).await {
            Ok(Some(details)) => {
                found = Some((owner, details));
                break;
            }
            Ok(None) => {}
            Err(refusal) => refused = Some(refusal),
        }
    }
    let Some((owner, details)) = found else {
        let reason = refused.map_or_else(|| "there is none, or it is another user's".to_owned(), |it| it.to_string());
        bail!("your own token does not see the token {id}: {reason}");
    };
    if let Some(target) = place.targets.iter().find(|target| !details.may_purge(&target.zone.zone_id)) {
        bail!("the token {id} may not purge {}, so that it is not rolled for it", target.zone.domain);
    }
    let old = look.token().cloned();
    let others = world.look_at_all().await.into_iter().filter(|it| it.place.parameter() != place.parameter());
    let mut holders = vec![look];
    holders.extend(others.filter(|other| match other.token() {
        None => false,
        token if token == old.as_ref() => true,
        // An earlier roll broke off before it came to this one.
        Some(_) => args.token_id.is_some() && is_dead(other) && details.may_purge(&other.place.zone().zone_id),
    }));
    let places: Vec<&str> = holders.iter().map(|look| look.place.parameter()).collect();
    print::warning(&format!(
        "the secret of token {id} dies at once, and purges are refused until the new one is stored in {}; what is \
         refused comes again",
        places.join(", ")
    ));
    print::note(&format!("if this breaks off, roll again with --token-id {id}"));
    if !args.yes && !agreed("Roll it?")? {
        print::note("nothing was done");
        return Ok(End::Problems);
    }
    // The new secret is shown once, so that it must be sure that it can be stored.
    for look in &holders {
        let Some(token) = look.token() else { continue };
        let written = world.store_rolled(&look.place, token).await;
        let help = || format!("{} can't be written, and nothing was rolled", look.place.parameter());
        written.with_context(help)?;
    }
    let secret = world.client.roll_token(manager, &owner, &id).await;
    let secret =
        secret.with_context(|| format!("rolling; it may be rolled all the same: roll again with --token-id {id}"))?;
    let mut is_done = true;
    for Look { place, .. } in &holders {
        match world.store_rolled(place, &secret).await {
            Ok(version) => print::out(&format!("{}: rolled and stored, version {version}", place.name())),
            Err(error) => {
                is_done = false;
                let help = format!("the new secret is not stored: roll again with --token-id {id}");
                print::error(&format!("{}: {help}: {error}", place.name()));
            }
        }
    }
    if let Err(error) = world.tried(place, &owner, &secret).await {
        is_done = false;
        print::error(&format!("{}: the new secret does not work: {error:#}", place.name()));
    }
    Ok(if is_done { End::Done } else { End::Problems })
}

fn is_dead(look: &Look) -> bool {
    matches!(&look.known, Some(Known::Not(refusal)) if refusal.status == Some(401))
}

impl World {
    async fn store_rolled(&self, place: &Place, secret: &ApiToken) -> Result<i64, WriteError> {
        let kms_key = place.kms_key().map(KmsKey::as_str);
        let mut tries = 0;
        loop {
            tries += 1;
            match self.parameters.write(place.parameter(), secret, kms_key, true).await {
                Err(WriteError::Unavailable(_)) if tries < TRIES => sleep(Duration::from_secs(1)).await,
                written => return written,
            }
        }
    }
}
