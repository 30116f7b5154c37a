//! `tokens rotate --roll`: gives a leaked token another secret at once, and stores it wherever the old one was stored.

mod plan;

use std::time::Duration;

use anyhow::Context;
use purge_router_cloudflare::{ApiToken, Credential};
use tokio::time::sleep;

use self::plan::RollPlan;
use crate::args::RotateArgs;
use crate::command::tokens::context::TokensContext;
use crate::command::tokens::inspect::Inspection;
use crate::command::tokens::slot::TokenSlot;
use crate::exit::End;
use crate::{print, shutdown};

/// How often storing a secret is tried, and the pause in between: purges fail until it is stored.
const MAX_ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(context: &TokensContext, admin: &Credential, args: &RotateArgs) -> anyhow::Result<End> {
    let plan = RollPlan::new(context, admin, args).await?;
    plan.announce();
    if !args.yes && !print::confirm("Roll the token?").await? {
        print::note("nothing was changed");
        return Ok(End::Problems);
    }
    check_writable(context, &plan.holders).await?;
    let RollPlan { owner, id, holders } = &plan;
    let rolling = async {
        let secret = context.client.roll_token(admin, owner, id).await;
        let secret = secret
            .with_context(|| format!("rolling the token; it may be rolled anyway: roll again with --token-id {id}"))?;
        let is_stored = store(context, &plan, &secret).await;
        anyhow::Ok((secret, is_stored))
    };
    let what = format!("rolling the token {id} and storing it; roll again with --token-id {id}");
    let (secret, mut is_done) = shutdown::write(what, rolling).await?;
    for Inspection { slot, .. } in holders {
        if let Err(error) = context.wait_until_usable(slot, owner, &secret).await {
            is_done = false;
            print::error(&format!("{}: the new secret does not work: {error:#}", slot.name()));
        }
    }
    Ok(End::done_if(is_done))
}

/// Stores each slot's present token again. Cloudflare shows a new secret only once, so storing must not fail for lack
/// of permission.
async fn check_writable(context: &TokensContext, holders: &[Inspection]) -> anyhow::Result<()> {
    for holder in holders {
        let parameter = holder.slot.parameter();
        let Some(token) = holder.token() else {
            print::warning(&format!("couldn't test writing to {parameter}, because it holds no token"));
            continue;
        };
        let written = context.replace(&holder.slot, token, token);
        let written = shutdown::write(format!("testing writing to {parameter}"), written).await;
        written.map_err(|error| anyhow::anyhow!("{parameter}: {error}; nothing was rolled"))?;
    }
    Ok(())
}

/// Stores the new secret in all slots; whether all succeeded.
async fn store(context: &TokensContext, plan: &RollPlan, secret: &ApiToken) -> bool {
    let mut is_done = true;
    for holder in &plan.holders {
        let slot = &holder.slot;
        let stored = match holder.token() {
            Some(old) => context.replace(slot, old, secret).await,
            None => context.overwrite(slot, secret).await.map_err(|error| error.to_string()),
        };
        match stored {
            Ok(version) => print::out(&format!("{}: rolled and stored, version {version}", slot.name())),
            Err(error) => {
                is_done = false;
                let help = format!("the new secret is not stored; roll again with --token-id {}", plan.id);
                print::error(&format!("{}: {error}: {help}", slot.name()));
            }
        }
    }
    is_done
}

impl TokensContext {
    /// Replaces the token `expected` in a parameter, and no other that was stored since; the parameter's version.
    async fn replace(&self, slot: &TokenSlot, expected: &ApiToken, token: &ApiToken) -> Result<i64, String> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.parameters.read(slot.parameter()).await {
                Ok(stored) if stored.token.as_ref() == Ok(token) && expected != token => return Ok(stored.version),
                Ok(stored) if stored.token.as_ref() != Ok(expected) => {
                    return Err("another token was stored in the meantime and is kept".to_owned());
                }
                Err(error) => error.to_string(),
                Ok(_) => match self.overwrite(slot, token).await {
                    Ok(version) => return Ok(version),
                    Err(error) => error.to_string(),
                },
            };
            if attempts == MAX_ATTEMPTS {
                return Err(error);
            }
            sleep(PAUSE).await;
        }
    }
}
