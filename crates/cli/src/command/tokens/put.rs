//! `put`: a token that somebody made is tried, and stored.

use anyhow::bail;
use purge_router_aws::WriteError;
use purge_router_cloudflare::Meaning;
use purge_router_core::names::KmsKey;

use super::look::{Known, known, try_purge};
use super::{Place, World, asked};
use crate::args::PutArgs;
use crate::{End, Misuse, print};

pub(super) async fn run(args: &PutArgs) -> anyhow::Result<End> {
    let Some(world) = World::new(&args.zones).await? else { return Ok(End::Problems) };
    let [target] = &world.targets[..] else {
        return Err(Misuse("name the one zone with --zone".to_owned()).into());
    };
    let (name, parameter) = (Place::of(target).name(), target.parameter());
    let token = asked(&format!("Token for {name}"))?;
    if !args.unverified {
        match known(&world.client, &token, &target.zone).await {
            Known::GlobalKey => bail!("{name}: this is a global key, which may do all that its user may; make a token"),
            // Who knows it or not, what counts is that it may purge.
            Known::As(..) | Known::OfSomeAccount | Known::Not(_) => {}
        }
        match try_purge(&world.client, &token, &target.zone).await {
            Ok(()) => {}
            Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
                bail!("{name}: this token may not purge the zone, and was not stored: {refusal}")
            }
            Err(refusal) => bail!(
                "{name}: whether this token may purge the zone could not be tried, and it was not stored: {refusal}; try \
                 again, or add --unverified"
            ),
        }
    }
    let kms_key = target.kms_key.as_ref().map(KmsKey::as_str);
    match world.parameters.write(parameter, &token, kms_key, args.overwrite).await {
        Ok(version) => print::out(&format!("{name}: stored in {parameter}, version {version}")),
        Err(WriteError::Exists) => bail!("{parameter}: there is a token already: add --overwrite to replace it"),
        Err(error) => bail!("{parameter}: {error}"),
    }
    Ok(End::Done)
}
