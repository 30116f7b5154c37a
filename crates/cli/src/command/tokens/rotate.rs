//! `rotate`: each zone gets a second token, which is tried and stored; once no copy of the function holds the first any
//! more, that is deleted. Each step may be the last: another run goes on from what it finds.
//!
//! What was begun is told by the names of the tokens themselves: each names its zone, the parameter that it was made for,
//! and the token that it replaces.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use purge_router_aws::WriteError;
use purge_router_cloudflare::{
    ApiToken, Credential, NewToken, Policy, TokenDetails, TokenOwner, TokenStatus, only_from,
};
use purge_router_core::checksum_of_texts;
use purge_router_core::names::{CloudflareId, KmsKey};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::look::{Known, Look, known, try_purge};
use super::report::until;
use super::{Target, World, asked, manager};
use crate::args::RotateArgs;
use crate::sender::TOKEN_VARIABLE;
use crate::{End, Misuse, print};

/// How long a new token may take until Cloudflare knows it everywhere.
const SPREADING: Duration = Duration::from_secs(20);

/// How long a rotation that was begun is taken for one that goes on.
const UNDER_WAY: time::Duration = time::Duration::minutes(10);

/// The longest name of a token.
const LONGEST_NAME: usize = 120;

/// How often storing a rolled token is tried: until then, purges are refused.
const TRIES: u32 = 5;

/// What is to be done for one zone.
struct Rotation {
    target: Target,
    /// How often the parameter was written when it was looked at, and what lay in it.
    version: i64,
    stored: ApiToken,
    /// The token that goes in the end.
    old: Option<(TokenOwner, CloudflareId)>,
    /// Tokens of earlier rotations, which nobody can have.
    left: Vec<CloudflareId>,
    /// Whose the new one is.
    owner: TokenOwner,
    /// The token to be created; none where an earlier rotation has stored one.
    new: Option<NewToken>,
}

pub(super) async fn run(args: &RotateArgs) -> anyhow::Result<End> {
    let Some(world) = World::new(&args.zones).await? else { return Ok(End::Problems) };
    let manager = match manager()? {
        Some(manager) => manager,
        None if std::io::stdin().is_terminal() => Credential::Token(asked("Your own token, which manages tokens")?),
        None => {
            return Err(
                Misuse(format!("set {TOKEN_VARIABLE} to your own token, which creates and deletes tokens")).into()
            );
        }
    };
    if args.roll {
        return roll(&world, &manager, args).await;
    }
    let mut rotations = Vec::new();
    for target in &world.targets {
        let rotation = world.rotation(target, &manager, args).await;
        rotations.push(rotation.with_context(|| target.name())?);
    }
    for rotation in &rotations {
        print::out(&rotation.told());
    }
    if !args.yes && !agreed("Go on?")? {
        print::note("nothing was done");
        return Ok(End::Problems);
    }
    let mut bad = 0;
    let mut stored = Vec::new();
    for rotation in rotations {
        let name = rotation.target.name();
        match world.begin(rotation, &manager).await {
            Ok(rotation) => stored.push(rotation),
            Err(error) => {
                bad += 1;
                print::error(&format!("{name}: {error:#}"));
            }
        }
    }
    if stored.iter().any(|rotation| rotation.old.is_some()) {
        wait(Duration::from_secs(args.wait)).await;
    }
    for rotation in &stored {
        if let Err(error) = world.end(rotation, &manager).await {
            bad += 1;
            print::error(&format!("{}: {error:#}", rotation.target.name()));
        }
    }
    Ok(if bad == 0 { End::Done } else { End::Problems })
}

impl World {
    /// What there is to do for a zone. Nothing is written.
    async fn rotation(&self, target: &Target, manager: &Credential, args: &RotateArgs) -> anyhow::Result<Rotation> {
        let look = self.look(target).await;
        let stored = match (&look.stored, look.token()) {
            (Ok(stored), Some(token)) if stored.is_secure() => (stored.version, stored.arn.clone(), token.clone()),
            _ => bail!("{}: {}", target.parameter(), look.problem().unwrap_or_default()),
        };
        let (version, arn, stored) = stored;
        let zone = &target.zone;
        let old = match &look.known {
            Some(Known::As(owner, verified)) => Some((owner.clone(), verified.id.clone())),
            // Only a token that is not known at all is worth nothing: one may be refused for where this runs.
            Some(Known::Not(refusal)) if refusal.status != Some(401) => {
                bail!("Cloudflare does not tell what is stored: {refusal}")
            }
            Some(Known::OfSomeAccount) => bail!("{}", look.problem().unwrap_or_default()),
            _ => None,
        };
        let owner = zone.account_id.clone().map_or(TokenOwner::User, TokenOwner::Account);
        let tokens = self.client.list_tokens(manager, &owner).await;
        let tokens = tokens.with_context(|| match &owner {
            TokenOwner::User => "your own token must be one that may read and write the tokens of its user".to_owned(),
            TokenOwner::Account(id) => {
                format!("your own token must be one that may read and write the tokens of the account {id}")
            }
        })?;
        let made_for = MadeFor::new(target, &arn);
        let current = old.as_ref().map(|(_, id)| id);
        let replaced = tokens.iter().find(|token| Some(&token.id) == current).and_then(|it| made_for.replaced_by(it));
        let replaced = match replaced {
            Some(id) => self.owned(manager, &[owner.clone(), TokenOwner::User], &id).await?.map(|owner| (owner, id)),
            None => None,
        };
        let is_left = |token: &&TokenDetails| {
            made_for.is_of(token)
                && Some(&token.id) != current
                && Some(&token.id) != replaced.as_ref().map(|(_, id)| id)
        };
        let left: Vec<&TokenDetails> = tokens.iter().filter(is_left).collect();
        let recent = left.iter().filter_map(|token| token.issued_on).max();
        if let Some(begun) = recent.filter(|begun| OffsetDateTime::now_utc() - *begun < UNDER_WAY)
            && !args.take_over
        {
            bail!("a rotation that began {} is under way or broke off: wait for it, or add --take-over", until(begun));
        }
        let left = left.into_iter().map(|token| token.id.clone()).collect();
        let (target, whole) =
            (target.clone(), Rotation { target: target.clone(), version, stored, old, left, owner, new: None });
        if replaced.is_some() {
            // An earlier rotation has stored what lies there now, and left what that replaced.
            return Ok(Rotation { old: replaced, ..whole });
        }
        let new = self.new_token(&target, &whole, &made_for, manager, args).await?;
        Ok(Rotation { new: Some(new), ..whole })
    }

    /// Whose token this is, if it is there.
    async fn owned(
        &self,
        manager: &Credential,
        owners: &[TokenOwner],
        id: &CloudflareId,
    ) -> anyhow::Result<Option<TokenOwner>> {
        for owner in owners {
            match self.client.token(manager, owner, id).await {
                Ok(Some(_)) => return Ok(Some(owner.clone())),
                Ok(None) => {}
                // Who may see the account's tokens may not always see the user's.
                Err(refusal) if refusal.status == Some(403) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(None)
    }

    /// A token that may do what the old one may, for as long and from the same places unless others were given.
    async fn new_token(
        &self,
        target: &Target,
        rotation: &Rotation,
        made_for: &MadeFor,
        manager: &Credential,
        args: &RotateArgs,
    ) -> anyhow::Result<NewToken> {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0)?;
        let details = match &rotation.old {
            Some((owner, id)) => self.client.token(manager, owner, id).await.ok().flatten(),
            None => None,
        };
        let lifetime = details.as_ref().and_then(|it| Some(it.expires_on? - it.issued_on?));
        let lifetime = args.expires_in.map(|days| time::Duration::days(days.into())).or(lifetime);
        let policies = match &details {
            Some(details) if !details.policies.is_empty() => details.policies.clone(),
            _ => {
                let group = self.client.purge_permission(manager, &rotation.owner).await;
                vec![Policy::purging(&target.zone.zone_id, group.context("reading Cloudflare's permissions")?)]
            }
        };
        let condition = match args.from.is_empty() {
            true => details.and_then(|details| details.condition),
            false => Some(only_from(&args.from)),
        };
        let name = made_for.name(rotation.old.as_ref().map(|(_, id)| id));
        Ok(NewToken { name, policies, expires_on: lifetime.map(|lifetime| now + lifetime), condition })
    }

    /// Creates the new token, tries it and stores it.
    async fn begin(&self, rotation: Rotation, manager: &Credential) -> anyhow::Result<Rotation> {
        let Rotation { target, owner, .. } = &rotation;
        for id in &rotation.left {
            self.client.delete_token(manager, owner, id).await.context("deleting what an earlier rotation left")?;
        }
        let Some(new) = &rotation.new else { return Ok(rotation) };
        let (id, secret) = self.client.create_token(manager, owner, new).await.context("creating a token")?;
        let stored = match self.tried(target, owner, &secret).await {
            Ok(()) => self.store(&rotation, &secret).await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(version) => {
                print::out(&format!("{}: token {id} stored, version {version}", target.name()));
                Ok(Rotation { stored: secret, version, ..rotation })
            }
            Err(NotStored::Perhaps(error)) => Err(error),
            Err(NotStored::No(error)) => {
                let deleted = self.client.delete_token(manager, owner, &id).await;
                deleted.with_context(|| format!("{error:#}; and the new token {id} is left"))?;
                Err(error.context("the new token was deleted again"))
            }
        }
    }

    /// Waits until a new token is good for its zone.
    async fn tried(&self, target: &Target, owner: &TokenOwner, secret: &ApiToken) -> Result<(), NotStored> {
        let deadline = Instant::now() + SPREADING;
        let mut wait = Duration::from_millis(100);
        loop {
            let refusal = match self.client.verify(secret, owner).await {
                Ok(verified) if verified.status == TokenStatus::Active => {
                    match try_purge(&self.client, secret, &target.zone).await {
                        Ok(()) => return Ok(()),
                        Err(refusal) => anyhow::Error::from(refusal),
                    }
                }
                Ok(_) => anyhow::anyhow!("it is not active"),
                Err(refusal) => refusal.into(),
            };
            if Instant::now() + wait > deadline {
                return Err(NotStored::No(refusal.context("the new token does not work")));
            }
            sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }

    /// Stores a new token where nobody else has stored one since.
    async fn store(&self, rotation: &Rotation, secret: &ApiToken) -> Result<i64, NotStored> {
        let parameter = rotation.target.parameter();
        let now = self.parameters.read(parameter).await.map_err(|error| NotStored::No(error.into()))?;
        if now.version != rotation.version {
            return Err(NotStored::No(anyhow::anyhow!("somebody stored another token in {parameter} meanwhile")));
        }
        let kms_key = rotation.target.kms_key.as_ref().map(KmsKey::as_str);
        match self.parameters.write(parameter, secret, kms_key, true).await {
            Ok(version) => Ok(version),
            Err(error @ WriteError::Unavailable(_)) => match self.parameters.read(parameter).await {
                Ok(stored) if stored.token.as_ref() == Ok(secret) => Ok(stored.version),
                _ => Err(NotStored::Perhaps(
                    anyhow::Error::from(error).context("the new token may be stored or not: run this again"),
                )),
            },
            Err(error) => Err(NotStored::No(error.into())),
        }
    }

    /// Deletes the old token, if what replaces it is still stored and no other zone has it.
    async fn end(&self, rotation: &Rotation, manager: &Credential) -> anyhow::Result<()> {
        let Some((owner, id)) = &rotation.old else { return Ok(()) };
        let Rotation { target, .. } = rotation;
        let now = self.parameters.read(target.parameter()).await.context("the old token is left")?;
        if now.token.as_ref() != Ok(&rotation.stored) {
            bail!("somebody stored another token in {} meanwhile; the old one is left", target.parameter());
        }
        for other in self.targets.iter().chain(&self.others).filter(|other| other.parameter() != target.parameter()) {
            let look = self.look(other).await;
            if look.verified().is_some_and(|(_, verified)| verified.id == *id) {
                print::note(&format!("{}: the old token is left: it is also that of {}", target.name(), other.name()));
                return Ok(());
            }
        }
        let deleted = self.client.delete_token(manager, owner, id).await;
        let help = format!("the old token {id} is left: delete it at Cloudflare, or run this again");
        let what = if deleted.context(help)? { "deleted" } else { "deleted already" };
        print::out(&format!("{}: old token {id} {what}", target.name()));
        Ok(())
    }
}

/// Why a new token is not stored.
enum NotStored {
    /// It certainly is not.
    No(anyhow::Error),
    /// Nobody knows.
    Perhaps(anyhow::Error),
}

impl Rotation {
    fn told(&self) -> String {
        let (name, parameter) = (print::bold(self.target.name()), self.target.parameter());
        let old = self.old.as_ref().map_or_else(
            || "what is stored now is refused already, so that nothing is deleted".to_owned(),
            |(_, id)| format!("then deletes {id}"),
        );
        match &self.new {
            None => format!("{name}: completes an earlier rotation: {old}"),
            Some(new) => {
                let end = new.expires_on.map_or_else(String::new, |end| format!(", which expires {}", until(end)));
                let whose = if self.owner == TokenOwner::User { "user" } else { "account" };
                format!("{name}: creates a token of the {whose}{end}, stores it in {parameter}, {old}")
            }
        }
    }
}

/// What a token was made for, as its name tells.
struct MadeFor {
    start: String,
    domain: String,
}

impl MadeFor {
    fn new(target: &Target, arn: &str) -> Self {
        // The same zone may have a token in another AWS account, which is nothing of ours.
        let place = checksum_of_texts(&[arn, target.parameter()])[..8].to_owned();
        let zone_id = &target.zone.zone_id;
        Self { start: format!("purge-router {zone_id} {place} replaces "), domain: target.zone.domain.to_string() }
    }

    fn name(&self, old: Option<&CloudflareId>) -> String {
        let old = old.map_or("nothing", CloudflareId::as_str);
        let name = format!("{}{old} {}", self.start, self.domain);
        name.chars().take(LONGEST_NAME).collect()
    }

    fn is_of(&self, token: &TokenDetails) -> bool {
        token.name.starts_with(&self.start)
    }

    /// The token that this one replaces.
    fn replaced_by(&self, token: &TokenDetails) -> Option<CloudflareId> {
        let id = token.name.strip_prefix(&self.start)?.split(' ').next()?;
        CloudflareId::parse(id).ok()
    }
}

/// Gives a token another secret at once, and stores that wherever the old one lay.
async fn roll(world: &World, manager: &Credential, args: &RotateArgs) -> anyhow::Result<End> {
    let [target] = &world.targets[..] else {
        return Err(Misuse("with --roll, name the one zone with --zone".to_owned()).into());
    };
    let look = world.look(target).await;
    let of_zone = target.zone.account_id.clone().map_or(TokenOwner::User, TokenOwner::Account);
    let (owner, id) = match (&args.token_id, look.verified()) {
        (Some(id), verified) => (verified.map_or(of_zone, |(owner, _)| owner.clone()), id.clone()),
        (None, Some((owner, verified))) => (owner.clone(), verified.id.clone()),
        (None, None) => {
            let problem = look.problem().unwrap_or_default();
            bail!("{}: {problem}; to roll it all the same, name the token with --token-id", target.parameter());
        }
    };
    let old = look.token().cloned();
    let mut holders = vec![look];
    for other in &world.others {
        let look = world.look(other).await;
        if old.is_some() && look.token() == old.as_ref() {
            holders.push(look);
        }
    }
    let places: Vec<&str> = holders.iter().map(|look| look.target.parameter()).collect();
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
    let secret = world.client.roll_token(manager, &owner, &id).await;
    let secret =
        secret.with_context(|| format!("rolling; it may be rolled all the same: roll again with --token-id {id}"))?;
    for Look { target, .. } in &holders {
        let version = world.store_rolled(target, &secret).await;
        let help = || format!("the new secret is not stored: roll again with --token-id {id}");
        print::out(&format!("{}: rolled and stored, version {}", target.name(), version.with_context(help)?));
    }
    match known(&world.client, &secret, &target.zone).await {
        Known::As(_, verified) if verified.status == TokenStatus::Active => Ok(End::Done),
        _ => bail!("{}: the new secret is stored, but Cloudflare does not take it", target.name()),
    }
}

impl World {
    async fn store_rolled(&self, target: &Target, secret: &ApiToken) -> Result<i64, WriteError> {
        let kms_key = target.kms_key.as_ref().map(KmsKey::as_str);
        let mut tries = 0;
        loop {
            tries += 1;
            match self.parameters.write(target.parameter(), secret, kms_key, true).await {
                Err(WriteError::Unavailable(_)) if tries < TRIES => sleep(Duration::from_secs(1)).await,
                written => return written,
            }
        }
    }
}

/// Waits, with a bar on a terminal.
async fn wait(time: Duration) {
    print::note(&format!("waiting {} s, until no copy of the function holds an old token", time.as_secs()));
    let bar = ProgressBar::with_draw_target(Some(time.as_secs()), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let end = Instant::now() + time;
    while Instant::now() < end {
        bar.set_position(time.saturating_sub(end - Instant::now()).as_secs());
        sleep((end - Instant::now()).min(Duration::from_millis(200))).await;
    }
    bar.finish_and_clear();
}

/// Asks on the terminal.
fn agreed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Misuse("nobody can be asked here: add --yes to go on without asking".to_owned()).into());
    }
    let mut terminal = anstream::stderr();
    write!(terminal, "{} [y/N] ", print::bold(question))?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
