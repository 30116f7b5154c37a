//! `put`: a token that somebody made is tried, and stored.

use anyhow::bail;
use purge_router_aws::WriteError;
use purge_router_cloudflare::Meaning;
use purge_router_core::names::KmsKey;

use super::look::{Known, NAME_ACCOUNT, known, may_not_purge, try_purge};
use super::{Target, World, asked};
use crate::args::PutArgs;
use crate::{End, Misuse, print};

pub(super) async fn run(args: &PutArgs) -> anyhow::Result<End> {
    let Some(world) = World::new(&args.zones).await? else { return Ok(End::Problems) };
    let [place] = &world.places()[..] else {
        return Err(Misuse("name the one zone with --zone".to_owned()).into());
    };
    let (name, parameter) = (place.name(), place.parameter());
    let token = asked(&format!("Token for {name}"))?;
    let mut tried = "";
    if !args.unverified {
        let known = known(&world.client, &token, place.zone()).await;
        if matches!(known, Known::GlobalKey) {
            bail!("{name}: this is a global key, which may do all that its user may; make a token");
        }
        // Who knows it or not, what counts is that it may purge.
        for Target { zone, .. } in &place.targets {
            match try_purge(&world.client, &token, zone).await {
                Ok(()) => {}
                Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
                    bail!("{name}: this token was not stored: {}", may_not_purge(zone, &refusal))
                }
                Err(refusal) => bail!(
                    "{name}: whether this token may purge {} could not be tried, and it was not stored: {refusal}; try again, \
                     or add --unverified",
                    zone.domain
                ),
            }
        }
        tried = "it may purge the zone; ";
        if matches!(known, Known::OfSomeAccount) {
            print::warning(&format!("{name}: this is an account's token: {NAME_ACCOUNT}, for `verify` and `rotate`"));
        }
    }
    let kms_key = place.kms_key().map(KmsKey::as_str);
    match world.parameters.write(parameter, &token, kms_key, args.overwrite).await {
        Ok(version) => {
            print::out(&format!("{name}: {tried}stored in {parameter}, version {version}"));
            if version > 1 {
                print::note("the token that was there is still good at Cloudflare, unless somebody deletes it there");
            }
        }
        Err(WriteError::Exists) => bail!("{parameter}: there is a token already: add --overwrite to replace it"),
        Err(error) => bail!("{parameter}: {error}"),
    }
    Ok(End::Done)
}
