//! `rotate --roll`: a leaked token gets another secret at once, which is stored wherever the old one lay.

use std::time::Duration;

use anyhow::{Context, bail};
use purge_router_aws::{ReadError, WriteError};
use purge_router_cloudflare::{ApiToken, Credential, TokenOwner};
use purge_router_core::Zone;
use purge_router_core::names::KmsKey;
use tokio::time::sleep;

use super::look::{Look, NAME_ACCOUNT};
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
    let problem =
        || look.problem().unwrap_or_else(|| format!("Cloudflare does not tell which token it is; {NAME_ACCOUNT}"));
    let is_worthless = match &look.stored {
        Ok(stored) => stored.token.is_err() || look.is_dead(),
        Err(error) => *error == ReadError::Absent,
    };
    let (owners, id) = match (&args.token_id, look.verified()) {
        (Some(id), Some((_, verified))) if verified.id != *id => {
            bail!("{} holds another token, {}, and not {id}", place.parameter(), verified.id)
        }
        (_, Some((owner, verified))) => (vec![owner.clone()], verified.id.clone()),
        (Some(id), None) if is_worthless => {
            let of_account = place.zone().account_id.clone().map(TokenOwner::Account);
            (of_account.into_iter().chain([TokenOwner::User]).collect(), id.clone())
        }
        (Some(_), None) => bail!("{}: what is stored may be another token, and good: {}", place.parameter(), problem()),
        (None, None) if is_worthless => {
            bail!("{}: {}; to roll it all the same, name the token with --token-id", place.parameter(), problem())
        }
        (None, None) => bail!("{}: {}", place.parameter(), problem()),
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
    let is_barred = |zone: &Zone| !details.may_purge(&zone.zone_id, zone.account_id.as_ref());
    if let Some(target) = place.targets.iter().find(|target| is_barred(&target.zone)) {
        bail!("the token {id} may not purge {}, so that it is not rolled for it", target.zone.domain);
    }
    let old = look.token().cloned();
    let mut holders = vec![look];
    for other in world.look_at_all().await {
        if other.place.parameter() == place.parameter() {
            continue;
        }
        let name = other.place.name();
        match &other.stored {
            Err(ReadError::Absent) => {}
            Err(_) => {
                let reason = other.problem().unwrap_or_default();
                bail!("{name} may have the same token, and would keep what dies: {reason}");
            }
            Ok(_) if other.token().is_some() && other.token() == old.as_ref() => holders.push(other),
            // An earlier roll broke off before it came to this one.
            Ok(_) if other.is_dead() && !other.place.targets.iter().any(|it| is_barred(&it.zone)) => {
                match args.token_id {
                    Some(_) => holders.push(other),
                    None => print::warning(&format!(
                        "the token of {name} is refused; if it was {id}, add --token-id {id}, and it gets the new secret, too"
                    )),
                }
            }
            Ok(_) => {}
        }
    }
    let places: Vec<&str> = holders.iter().map(|look| look.place.parameter()).collect();
    print::warning(&format!(
        "the secret of token {id} dies at once, and purges are refused until the new one is stored in {}; what is \
         refused comes again",
        places.join(", ")
    ));
    print::note(&format!("if this breaks off, roll again with --token-id {id}"));
    if !args.yes && !print::confirm("Roll it?")? {
        print::note("nothing was done");
        return Ok(End::Problems);
    }
    // The new secret is shown once, so that it must be sure that it can be stored.
    for look in &holders {
        let Some(token) = look.token() else {
            print::warning(&format!("{} holds nothing that could be tried to be written", look.place.parameter()));
            continue;
        };
        let written = world.store_over(&look.place, token, token).await;
        written.map_err(|error| anyhow::anyhow!("{}: {error}; nothing was rolled", look.place.parameter()))?;
    }
    let secret = world.client.roll_token(manager, &owner, &id).await;
    let secret =
        secret.with_context(|| format!("rolling; it may be rolled all the same: roll again with --token-id {id}"))?;
    let mut is_done = true;
    for look in &holders {
        let place = &look.place;
        let stored = match look.token() {
            Some(old) => world.store_over(place, old, &secret).await,
            None => world.write(place, &secret).await.map_err(|error| error.to_string()),
        };
        match stored {
            Ok(version) => print::out(&format!("{}: rolled and stored, version {version}", place.name())),
            Err(error) => {
                is_done = false;
                let help = format!("the new secret is not stored; roll again with --token-id {id}");
                print::error(&format!("{}: {error}: {help}", place.name()));
            }
        }
    }
    for Look { place, .. } in &holders {
        if let Err(error) = world.tried(place, &owner, &secret).await {
            is_done = false;
            print::error(&format!("{}: the new secret does not work: {error:#}", place.name()));
        }
    }
    Ok(if is_done { End::Done } else { End::Problems })
}

impl World {
    /// Writes over what was seen, and over nothing else that somebody has stored since.
    async fn store_over(&self, place: &Place, seen: &ApiToken, token: &ApiToken) -> Result<i64, String> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.parameters.read(place.parameter()).await {
                Ok(stored) if stored.token.as_ref() == Ok(token) && seen != token => return Ok(stored.version),
                Ok(stored) if stored.token.as_ref() != Ok(seen) => {
                    return Err("somebody stored another token meanwhile, which stays".to_owned());
                }
                Err(error) => error.to_string(),
                Ok(_) => match self.write(place, token).await {
                    Ok(version) => return Ok(version),
                    Err(error) => error.to_string(),
                },
            };
            if tries == TRIES {
                return Err(error);
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn write(&self, place: &Place, token: &ApiToken) -> Result<i64, WriteError> {
        self.parameters.write(place.parameter(), token, place.kms_key().map(KmsKey::as_str), true).await
    }
}
