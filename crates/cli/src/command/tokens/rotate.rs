//! `rotate`: each parameter gets a second token, which is tried and stored; once no copy of the function holds the first any
//! more, that is deleted. Each step may be the last: another run begins anew, and clears away what the first has left.
//!
//! What was begun is told by the names of the tokens themselves: each names its zone, the parameter that it was made for,
//! and the token that it replaces.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use purge_router_aws::{ReadError, WriteError};
use purge_router_cloudflare::{
    ApiToken, Credential, Meaning, NewToken, Policy, TokenDetails, TokenOwner, TokenStatus, only_from,
};
use purge_router_core::checksum_of_texts;
use purge_router_core::names::{CloudflareId, KmsKey};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::look::{Known, Look, may_not_purge, try_purge};
use super::report::until;
use super::roll::roll;
use super::{Place, World, asked, manager};
use crate::args::RotateArgs;
use crate::sender::TOKEN_VARIABLE;
use crate::{End, Misuse, print};

/// How long a new token may take until Cloudflare knows it everywhere.
const SPREADING: Duration = Duration::from_secs(20);

/// How long a rotation that was begun is taken for one that goes on.
const UNDER_WAY: time::Duration = time::Duration::minutes(10);

/// The longest name of a token.
const LONGEST_NAME: usize = 120;

/// How many tokens Cloudflare lets a user and an account have.
const MOST_OF_USER: usize = 50;
const MOST_OF_ACCOUNT: usize = 500;

/// A token at Cloudflare.
type Owned = (TokenOwner, CloudflareId);

/// What is to be done for one parameter.
struct Rotation {
    place: Place,
    /// How often the parameter was written when it was looked at, and what lay in it.
    version: i64,
    stored: ApiToken,
    /// The same at Cloudflare; none where it is not known there any more.
    old: Option<Owned>,
    /// Tokens that earlier rotations have left.
    left: Vec<Owned>,
    /// What those replaced, and may not be seen.
    unseen: Vec<CloudflareId>,
    /// Whose the new one is, how many more there may be, and what it is.
    owner: TokenOwner,
    room: usize,
    new: NewToken,
}

/// A rotation whose new token is stored.
struct Begun {
    rotation: Rotation,
    secret: ApiToken,
}

pub(super) async fn run(args: &RotateArgs) -> anyhow::Result<End> {
    let Some(world) = World::new(&args.zones).await? else { return Ok(End::Problems) };
    if world.skipped > 0 {
        let rows = print::count(world.skipped, "row");
        bail!("{rows} can't be read, so that nobody knows which zones share a token: mend that first");
    }
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
    for place in world.places() {
        let name = place.name();
        rotations.push(world.rotation(place, &manager, args).await.context(name)?);
    }
    for rotation in &rotations {
        print::out(&rotation.told());
    }
    if !args.yes && !agreed("Go on?")? {
        print::note("nothing was done");
        return Ok(End::Problems);
    }
    // Each owner has a limit, and for a while there are two tokens for each parameter.
    let at_once = rotations.iter().map(|rotation| rotation.room).min().unwrap_or_default().max(1);
    let mut bad = 0;
    while !rotations.is_empty() {
        let wave: Vec<Rotation> = rotations.drain(..at_once.min(rotations.len())).collect();
        bad += world.rotate(wave, &manager, args).await;
    }
    Ok(if bad == 0 { End::Done } else { End::Problems })
}

impl World {
    /// What there is to do for a parameter. Nothing is written.
    async fn rotation(&self, place: Place, manager: &Credential, args: &RotateArgs) -> anyhow::Result<Rotation> {
        let look = self.sure_look(&place).await;
        let (version, arn, stored) = match (&look.stored, look.token()) {
            (Ok(stored), Some(token)) if stored.is_secure() => (stored.version, stored.arn.clone(), token.clone()),
            _ => bail!("{}: {}", place.parameter(), look.problem().unwrap_or_default()),
        };
        let old = match &look.known {
            Some(Known::As(owner, verified)) => Some((owner.clone(), verified.id.clone())),
            // Only a token that is not known at all is worth nothing: one may be refused for where this runs.
            Some(Known::Not(refusal)) if refusal.status != Some(401) => {
                bail!("Cloudflare does not tell what is stored: {refusal}")
            }
            Some(Known::OfSomeAccount) => {
                bail!("what is stored is an account's token: write that account as the zone's `account_id`")
            }
            Some(Known::GlobalKey) => {
                bail!(
                    "what is stored is a user's global key: store a token with `tokens put --overwrite`, and revoke the key"
                )
            }
            _ => None,
        };
        let owner = place.zone().account_id.clone().map_or(TokenOwner::User, TokenOwner::Account);
        let tokens = self.client.list_tokens(manager, &owner).await;
        let tokens = tokens.with_context(|| match &owner {
            TokenOwner::User => "the zone has no `account_id`, so that your own token must be one that may read and write its user's tokens".to_owned(),
            TokenOwner::Account(id) => {
                format!("your own token must be one that may read and write the tokens of the account {id}")
            }
        })?;
        let made_for = MadeFor::new(&place, &arn);
        let made: Vec<&TokenDetails> = tokens.iter().filter(|token| made_for.is_of(token)).collect();
        let newest = made.iter().filter_map(|token| token.issued_on).max();
        if let Some(begun) = newest.filter(|begun| OffsetDateTime::now_utc() - *begun < UNDER_WAY)
            && !args.take_over
        {
            bail!(
                "a token was made for it {}, by a rotation that may still be under way: wait for it, or add --take-over",
                until(begun)
            );
        }
        let current = old.as_ref().map(|(_, id)| id);
        let left = made.iter().filter(|token| Some(&token.id) != current);
        let mut left: Vec<Owned> = left.map(|token| (owner.clone(), token.id.clone())).collect();
        let mut unseen = Vec::new();
        for id in made.iter().filter_map(|token| made_for.replaced_by(token)) {
            let is_known = |(_, other): &Owned| *other == id;
            if Some(&id) == current || left.iter().any(is_known) || unseen.contains(&id) {
                continue;
            }
            match self.owned(manager, &owner, &id).await? {
                Seen::Of(owner) => left.push((owner, id)),
                Seen::Nowhere => {}
                Seen::Hidden => unseen.push(id),
            }
        }
        let most = if owner == TokenOwner::User { MOST_OF_USER } else { MOST_OF_ACCOUNT };
        let room = most.saturating_sub(tokens.len());
        let new = self.new_token(&place, old.as_ref(), &owner, &made_for, manager, args).await?;
        Ok(Rotation { place, version, stored, old, left, unseen, owner, room, new })
    }

    /// Whose a token is that was replaced.
    async fn owned(&self, manager: &Credential, owner: &TokenOwner, id: &CloudflareId) -> anyhow::Result<Seen> {
        let mut seen = Seen::Nowhere;
        let user = (*owner != TokenOwner::User).then_some(TokenOwner::User);
        for owner in std::iter::once(owner.clone()).chain(user) {
            match self.client.token(manager, &owner, id).await {
                Ok(Some(_)) => return Ok(Seen::Of(owner)),
                Ok(None) => {}
                // Who may see the account's tokens may not always see the user's.
                Err(refusal) if refusal.status == Some(403) => seen = Seen::Hidden,
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(seen)
    }

    /// A token that may do what the old one may, for as long and from the same places unless others were given.
    async fn new_token(
        &self,
        place: &Place,
        old: Option<&Owned>,
        owner: &TokenOwner,
        made_for: &MadeFor,
        manager: &Credential,
        args: &RotateArgs,
    ) -> anyhow::Result<NewToken> {
        let details = match old {
            None => None,
            Some((owner, id)) => match self.client.token(manager, owner, id).await {
                Ok(Some(details)) => Some(details),
                Ok(None) | Err(_) if args.least_rights => None,
                Ok(None) => {
                    bail!("what the stored token {id} may do is not known, for it is another user's: {LEAST_RIGHTS}")
                }
                Err(refusal) => bail!("what the stored token {id} may do is not known: {refusal}: {LEAST_RIGHTS}"),
            },
        };
        let now = OffsetDateTime::now_utc().replace_nanosecond(0)?;
        let lifetime = details.as_ref().and_then(|it| Some(it.expires_on? - it.issued_on?));
        let lifetime = args.expires_in.map(|days| time::Duration::days(days.into())).or(lifetime);
        let policies = match &details {
            Some(details) if !args.least_rights && !details.policies.is_empty() => details.policies.clone(),
            _ => {
                let group = self.client.purge_permission(manager, owner).await;
                let group = group.context("reading Cloudflare's permissions")?;
                place.targets.iter().map(|it| Policy::purging(&it.zone.zone_id, group.clone())).collect()
            }
        };
        let condition = match args.from.is_empty() {
            true => details.and_then(|details| details.condition),
            false => Some(only_from(&args.from)),
        };
        let name = made_for.name(old.map(|(_, id)| id));
        Ok(NewToken { name, policies, expires_on: lifetime.map(|lifetime| now + lifetime), condition })
    }

    /// Rotates these; how many of them failed.
    async fn rotate(&self, rotations: Vec<Rotation>, manager: &Credential, args: &RotateArgs) -> usize {
        let mut bad = 0;
        let mut all_begun = Vec::new();
        for rotation in rotations {
            let name = rotation.place.name();
            match self.begin(rotation, manager).await {
                Ok(begun) => all_begun.push(begun),
                Err(error) => {
                    bad += 1;
                    print::error(&format!("{name}: {error:#}"));
                }
            }
        }
        if !all_begun.iter().any(|begun| begun.rotation.old.is_some() || !begun.rotation.left.is_empty()) {
            return bad;
        }
        wait(Duration::from_secs(args.wait)).await;
        let looks = self.look_at_all().await;
        for begun in &all_begun {
            if let Err(error) = self.end(begun, &looks, manager).await {
                bad += 1;
                print::error(&format!("{}: {error:#}", begun.rotation.place.name()));
            }
        }
        bad
    }

    /// Creates the new token, tries it and stores it.
    async fn begin(&self, rotation: Rotation, manager: &Credential) -> anyhow::Result<Begun> {
        let Rotation { place, owner, new, .. } = &rotation;
        let (id, secret) = self.client.create_token(manager, owner, new).await.context("creating a token")?;
        let stored = match self.tried(place, owner, &secret).await {
            Ok(()) => self.store(&rotation, &secret).await,
            Err(error) => Err(NotStored::No(error.context("the new token does not work"))),
        };
        match stored {
            Ok(version) => {
                print::out(&format!("{}: token {id} stored, version {version}", place.name()));
                Ok(Begun { rotation, secret })
            }
            Err(NotStored::Perhaps(error)) => Err(error),
            Err(NotStored::No(error)) => {
                let deleted = self.client.delete_token(manager, owner, &id).await;
                deleted.with_context(|| format!("{error:#}; and the new token {id} is left"))?;
                Err(error.context("the new token was deleted again"))
            }
        }
    }

    /// Waits until a new secret is good for its zones.
    pub(super) async fn tried(&self, place: &Place, owner: &TokenOwner, secret: &ApiToken) -> anyhow::Result<()> {
        let deadline = Instant::now() + SPREADING;
        let mut wait = Duration::from_millis(100);
        let mut left = place.targets.iter().peekable();
        let mut is_active = false;
        while let Some(target) = left.peek() {
            let refusal = match is_active {
                false => match self.client.verify(secret, owner).await {
                    Ok(verified) if verified.status == TokenStatus::Active => {
                        is_active = true;
                        continue;
                    }
                    Ok(_) => anyhow::anyhow!("it is not active"),
                    Err(refusal) => refusal.into(),
                },
                true => match try_purge(&self.client, secret, &target.zone).await {
                    Ok(()) => {
                        left.next();
                        continue;
                    }
                    Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
                        anyhow::Error::msg(may_not_purge(&target.zone, &refusal))
                    }
                    Err(refusal) => refusal.into(),
                },
            };
            if Instant::now() + wait > deadline {
                return Err(refusal);
            }
            sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
        Ok(())
    }

    /// Stores a new token where nobody else has stored one since.
    async fn store(&self, rotation: &Rotation, secret: &ApiToken) -> Result<i64, NotStored> {
        let parameter = rotation.place.parameter();
        let now = self.parameters.read(parameter).await.map_err(|error| NotStored::No(error.into()))?;
        if now.version != rotation.version {
            return Err(NotStored::No(anyhow::anyhow!("somebody stored another token in {parameter} meanwhile")));
        }
        let kms_key = rotation.place.kms_key().map(KmsKey::as_str);
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

    /// Deletes what was replaced, if the new token is still stored, and whatever no other zone uses.
    async fn end(&self, begun: &Begun, looks: &[Look], manager: &Credential) -> anyhow::Result<()> {
        let Begun { rotation, secret } = begun;
        let (own, others): (Vec<&Look>, Vec<&Look>) =
            looks.iter().partition(|look| look.place.parameter() == rotation.place.parameter());
        if own.first().and_then(|look| look.token()) != Some(secret) {
            let parameter = rotation.place.parameter();
            bail!("the new token is not in {parameter} any more, or that can't be read; the old one is left");
        }
        let name = rotation.place.name();
        let mut failed = Vec::new();
        let old = rotation.old.iter().map(|owned| (owned, true));
        for ((owner, id), was_stored) in old.chain(rotation.left.iter().map(|owned| (owned, false))) {
            let is_shared = |look: &&&Look| match was_stored {
                true => look.token() == Some(&rotation.stored),
                false => look.verified().is_some_and(|(_, verified)| verified.id == *id),
            };
            if let Some(other) = others.iter().find(is_shared) {
                print::note(&format!("{name}: the old token {id} is left: it is also that of {}", other.place.name()));
                continue;
            }
            if let Some(other) = others.iter().find(|look| look.may_hold_any(was_stored)) {
                let (other, reason) = (other.place.name(), other.problem().unwrap_or_default());
                failed.push(format!("the old token {id} is left, for it may be that of {other}, too: {reason}"));
                continue;
            }
            match self.delete(manager, owner, id, was_stored.then_some(&rotation.stored)).await {
                Ok(what) => print::out(&format!("{name}: old token {id} {what}")),
                Err(error) => failed.push(format!("the old token {id} is left: {error:#}")),
            }
        }
        for id in &rotation.unseen {
            print::warning(&format!("{name}: your own token does not see {id}, which was replaced: is it deleted?"));
        }
        match failed.is_empty() {
            true => Ok(()),
            false => bail!("{}; run this again, or delete it at Cloudflare", failed.join("; ")),
        }
    }

    /// Deletes a token. Who is told that there is none may only not see it, so that its secret is asked, if that is known.
    async fn delete(
        &self,
        manager: &Credential,
        owner: &TokenOwner,
        id: &CloudflareId,
        secret: Option<&ApiToken>,
    ) -> anyhow::Result<&'static str> {
        if self.client.delete_token(manager, owner, id).await? {
            return Ok("deleted");
        }
        let Some(secret) = secret else { return Ok("deleted already") };
        match self.client.verify(secret, owner).await {
            Err(refusal) if refusal.status == Some(401) => Ok("deleted already"),
            Err(refusal) => bail!("whether it is deleted is not known: {refusal}"),
            Ok(_) => bail!("it is another user's"),
        }
    }
}

const LEAST_RIGHTS: &str = "use your own token of its owner, or add --least-rights, for one that may purge these zones and \
                            nothing else, with no end and from everywhere unless --expires-in and --from say so";

/// Where a token is.
enum Seen {
    Of(TokenOwner),
    Nowhere,
    /// It may be there.
    Hidden,
}

/// Why a new token is not stored.
enum NotStored {
    /// It certainly is not.
    No(anyhow::Error),
    /// Nobody knows.
    Perhaps(anyhow::Error),
}

impl Look {
    /// Whether nobody knows what lies there: a token that was stored is known by its secret, any other by its id.
    fn may_hold_any(&self, by_secret: bool) -> bool {
        match (&self.stored, &self.known) {
            (Err(ReadError::Absent), _) => false,
            (Err(_), _) => true,
            (Ok(_), _) if by_secret => false,
            (Ok(_), Some(Known::OfSomeAccount)) => true,
            (Ok(_), Some(Known::Not(refusal))) => refusal.status != Some(401),
            (Ok(_), _) => false,
        }
    }
}

impl Rotation {
    fn told(&self) -> String {
        let (name, parameter) = (print::bold(self.place.name()), self.place.parameter());
        let whose = if self.owner == TokenOwner::User { "user" } else { "account" };
        let end = self
            .new
            .expires_on
            .map_or_else(|| ", which does not expire".to_owned(), |end| format!(", which expires {}", until(end)));
        let gone: Vec<&str> = self.old.iter().chain(&self.left).map(|(_, id)| id.as_str()).collect();
        let gone = match (&self.old, gone.is_empty()) {
            (_, true) => "what is stored now is refused already, so that nothing is deleted".to_owned(),
            (Some(_), _) => format!("then deletes {}", gone.join(", ")),
            (None, _) => format!("what is stored now is refused already; then deletes {}", gone.join(", ")),
        };
        format!("{name}: creates a token of the {whose}{end}, stores it in {parameter}; {gone}")
    }
}

/// What a token was made for, as its name tells.
struct MadeFor {
    start: String,
    domain: String,
}

impl MadeFor {
    fn new(place: &Place, arn: &str) -> Self {
        // The same zone may have a token in another AWS account, which is nothing of ours.
        let checksum = checksum_of_texts(&[arn, place.parameter()])[..8].to_owned();
        let zone_id = &place.zone().zone_id;
        Self { start: format!("purge-router {zone_id} {checksum} replaces "), domain: place.zone().domain.to_string() }
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
pub(super) fn agreed(question: &str) -> anyhow::Result<bool> {
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
