//! `tokens rotate`: gives each slot a second token, which is tried and stored. Once no instance of the function has the
//! first one cached, that is deleted.
//!
//! Each step may be interrupted: the next run starts over, and cleans up what this one left behind. It knows that from
//! the names of the tokens, which have the zone, the slot and the token that was replaced.

mod execute;
mod new_token;
mod plan;
mod progress;
mod rotation;
mod wait;

use anyhow::bail;
use purge_router_cloudflare::Credential;

use self::progress::{Progress, Step};
use self::rotation::Rotation;
use crate::args::RotateArgs;
use crate::command::tokens::context::TokensContext;
use crate::command::tokens::{credentials, roll};
use crate::exit::End;
use crate::{print, shutdown};

pub(super) async fn run(args: &RotateArgs) -> anyhow::Result<End> {
    let Some(context) = TokensContext::new(&args.zones).await? else { return Ok(End::Problems) };
    context.check_one_team_per_domain(&args.zones)?;
    if context.skipped_rows > 0 {
        let rows = print::count(context.skipped_rows, "row");
        bail!("{rows} can't be read, so other zones may share these tokens; fix the skipped rows first");
    }
    let admin = credentials::admin().await?;
    if args.roll {
        return roll::run(&context, &admin, args).await;
    }
    let (mut rotations, mut failed) = (Vec::new(), 0);
    for slot in context.slots() {
        let name = slot.name();
        match context.plan_rotation(slot, &admin, args).await {
            Ok(rotation) => rotations.push(rotation),
            // One team's problem must not keep other teams from new tokens.
            Err(error) => {
                failed += 1;
                print::error(&format!("{name}: {error:#}"));
            }
        }
    }
    if rotations.is_empty() {
        return Ok(End::Problems);
    }
    rotations.iter().for_each(|rotation| print::out(&rotation.summary()));
    let tokens = if rotations.len() == 1 { "token" } else { "tokens" };
    if !args.yes && !print::confirm(&format!("Create, store and then delete the old {tokens}?")).await? {
        print::note("nothing was changed");
        return Ok(End::Problems);
    }
    let rotated = rotate_all(&context, rotations, &admin, args);
    Ok(End::done_if(rotated.await.is_some_and(|more| failed + more == 0)))
}

/// Rotates until a signal stops it between two writes; returns how many failed, or `None` if it was stopped.
async fn rotate_all(
    context: &TokensContext,
    mut rotations: Vec<Rotation>,
    admin: &Credential,
    args: &RotateArgs,
) -> Option<usize> {
    let progress = Progress::default();
    rotations.iter().for_each(|rotation| progress.set(&rotation.slot.name(), Step::NotStarted));
    // Each owner has a limit of tokens, and until the old ones are deleted there are two for each slot.
    let wave_size = rotations.iter().map(|rotation| rotation.room).min().unwrap_or_default().max(1);
    let waves = async {
        let mut failed = 0;
        while !rotations.is_empty() {
            let wave: Vec<Rotation> = rotations.drain(..wave_size.min(rotations.len())).collect();
            failed += context.rotate(wave, admin, args, &progress).await;
        }
        failed
    };
    match shutdown::until_stopped(waves).await {
        Ok(failed) => Some(failed),
        Err(_) => {
            progress.report_stop();
            None
        }
    }
}
