//! `rotate`: each parameter gets a second token, which is tried and stored; once no copy of the function holds the first any
//! more, that is deleted. Each step may be the last: another run begins anew, and clears away what the first has left.
//!
//! What was begun is told by the names of the tokens themselves: each names its zone, the parameter that it was made for,
//! and the token that it replaces.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use purge_router_aws::WriteError;
use purge_router_cloudflare::{ApiToken, Credential, NewToken, Policy, TokenDetails, TokenOwner, only_from};
use purge_router_core::Zone;
use purge_router_core::names::{CloudflareId, KmsKey};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::clear::Obsolete;
use super::look::{Known, Look, NAME_ACCOUNT};
use super::made_for::MadeFor;
use super::report::until;
use super::roll::roll;
use super::{Place, World, asked, manager};
use crate::args::RotateArgs;
use crate::environment::TOKEN_VARIABLE;
use crate::{End, Misuse, print};

/// How long a rotation that was begun is taken for one that goes on.
const UNDER_WAY: time::Duration = time::Duration::minutes(10);

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
    old: Option<Obsolete>,
    /// Tokens that earlier rotations have left.
    left: Vec<Obsolete>,
    /// What those replaced, and may not be seen.
    unseen: Vec<CloudflareId>,
    /// Whose the new one is, how many more there may be, and what it is.
    owner: TokenOwner,
    room: usize,
    new: NewToken,
    /// Whether the new one's rights are what the rows say, and not those of the old one.
    by_rows: bool,
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
    let (mut rotations, mut bad) = (Vec::new(), 0);
    for place in world.places() {
        let name = place.name();
        match world.rotation(place, &manager, args).await {
            Ok(rotation) => rotations.push(rotation),
            // A team's trouble keeps no other team from new tokens.
            Err(error) => {
                bad += 1;
                print::error(&format!("{name}: {error:#}"));
            }
        }
    }
    for rotation in &rotations {
        print::out(&rotation.told());
    }
    if rotations.is_empty() {
        return Ok(End::Problems);
    }
    if !args.yes && !print::confirm("Go on?")? {
        print::note("nothing was done");
        return Ok(End::Problems);
    }
    // Each owner has a limit, and for a while there are two tokens for each parameter.
    let at_once = rotations.iter().map(|rotation| rotation.room).min().unwrap_or_default().max(1);
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
            Some(Known::Not(refusal)) if !look.is_dead() => {
                bail!("Cloudflare does not tell what is stored: {refusal}")
            }
            Some(Known::OfSomeAccount) => {
                bail!(
                    "what is stored is an account's token, of another account than is written, if any: {NAME_ACCOUNT}"
                )
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
            TokenOwner::User => {
                "the zone has no `account_id`, so that your own token must be one that may read and write \
                                 its user's tokens"
                    .to_owned()
            }
            TokenOwner::Account(id) => {
                format!("your own token must be one that may read and write the tokens of the account {id}")
            }
        })?;
        // Before the account was written, they were a user's.
        let of_user = match &owner {
            TokenOwner::User => Vec::new(),
            TokenOwner::Account(_) => self.client.list_tokens(manager, &TokenOwner::User).await.unwrap_or_default(),
        };
        let made_for = MadeFor::new(&place, &arn);
        let all = tokens.iter().map(|token| (&owner, token)).chain(of_user.iter().map(|it| (&TokenOwner::User, it)));
        let made: Vec<(&TokenOwner, &TokenDetails)> = all.filter(|(_, token)| made_for.is_of(token)).collect();
        let newest = made.iter().filter_map(|(_, token)| token.issued_on).max();
        if let Some(begun) = newest.filter(|begun| OffsetDateTime::now_utc() - *begun < UNDER_WAY)
            && !args.take_over
        {
            bail!(
                "a token was made for it {}, by a rotation that may still be under way: wait for it, or add --take-over",
                until(begun)
            );
        }
        let current = old.as_ref().map(|(_, id)| id);
        let obsolete = |(owner, token): &(&TokenOwner, &TokenDetails)| Obsolete {
            owner: (*owner).clone(),
            id: token.id.clone(),
            replaces: made_for.replaced_by(token),
        };
        let mut left: Vec<Obsolete> =
            made.iter().filter(|(_, token)| Some(&token.id) != current).map(obsolete).collect();
        let mut unseen = Vec::new();
        for id in made.iter().filter_map(|(_, token)| made_for.replaced_by(token)) {
            if Some(&id) == current || left.iter().any(|other| other.id == id) || unseen.contains(&id) {
                continue;
            }
            match self.owned(manager, &owner, &id).await? {
                Seen::Of(owner) => left.push(Obsolete { owner, id, replaces: None }),
                Seen::Nowhere => {}
                Seen::Hidden => unseen.push(id),
            }
        }
        let most = if owner == TokenOwner::User { MOST_OF_USER } else { MOST_OF_ACCOUNT };
        let room = most.saturating_sub(tokens.len());
        let (new, by_rows) = self.new_token(&place, old.as_ref(), &owner, &made_for, manager, args).await?;
        let of_current = made.iter().find(|(_, token)| Some(&token.id) == current);
        let replaces = of_current.and_then(|(_, token)| made_for.replaced_by(token));
        let old = old.map(|(owner, id)| Obsolete { owner, id, replaces });
        Ok(Rotation { place, version, stored, old, left, unseen, owner, room, new, by_rows })
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

    /// A token that may do what the old one may, for as long and from the same places unless others were given; and whether
    /// its rights are what the rows say instead. Anybody may write a zone's id into a row of their own, so that this is done
    /// only where it was asked for.
    async fn new_token(
        &self,
        place: &Place,
        old: Option<&Owned>,
        owner: &TokenOwner,
        made_for: &MadeFor<'_>,
        manager: &Credential,
        args: &RotateArgs,
    ) -> anyhow::Result<(NewToken, bool)> {
        let details = match old {
            None if args.least_rights => None,
            None => bail!("what is stored is not known to Cloudflare any more, nor what it might do: {LEAST_RIGHTS}"),
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
        let end = details.as_ref().and_then(|details| details.expires_on);
        let expires_on = lifetime.map(|lifetime| now + lifetime).or(end);
        let (policies, by_rows) = match &details {
            Some(details) if !args.least_rights && details.policies.is_empty() => {
                bail!("Cloudflare does not tell what the stored token {} may do: {LEAST_RIGHTS}", details.id)
            }
            Some(details) if !args.least_rights => (details.policies.clone(), false),
            _ => {
                self.nobody_elses(place)?;
                let group = self.client.purge_permission(manager, owner).await;
                let group = group.context("reading Cloudflare's permissions")?;
                (place.targets.iter().map(|it| Policy::purging(&it.zone.zone_id, group.clone())).collect(), true)
            }
        };
        let condition = match args.from.is_empty() {
            true => details.and_then(|details| details.condition),
            false => Some(only_from(&args.from)),
        };
        let name = made_for.name(old.map(|(_, id)| id));
        Ok((NewToken { name, policies, expires_on, condition }, by_rows))
    }

    /// Refuses zones that another team has, too: nobody knows whose they are.
    fn nobody_elses(&self, place: &Place) -> anyhow::Result<()> {
        for Zone { team, domain, zone_id, .. } in place.targets.iter().map(|target| &*target.zone) {
            let is_same = |other: &&Arc<Zone>| other.zone_id == *zone_id || other.domain == *domain;
            if let Some(other) = self.zones.iter().filter(is_same).find(|other| other.team != *team) {
                bail!(
                    "team {} has the zone {} ({}), too: find out whose it is, and mend the other's rows",
                    other.team,
                    other.domain,
                    other.zone_id
                );
            }
        }
        Ok(())
    }

    /// Rotates these; how many of them failed.
    async fn rotate(&self, mut rotations: Vec<Rotation>, manager: &Credential, args: &RotateArgs) -> usize {
        let mut bad = 0;
        let time = Duration::from_secs(args.wait);
        // Where what earlier ones have left takes all the room, it goes first; not from beside a token that looks dead.
        let is_stuck = |it: &Rotation| it.room == 0 && it.old.is_some() && !it.left.is_empty();
        if rotations.iter().any(is_stuck) {
            print::note("there is no room for another token before those are deleted that earlier rotations have left");
            wait(time).await;
            let looks = self.look_at_all().await;
            for rotation in rotations.iter_mut().filter(|it| is_stuck(it)) {
                let left = std::mem::take(&mut rotation.left);
                rotation.left =
                    self.clear(&rotation.place, rotation.stored_at_cloudflare(), &looks, left, manager).await;
            }
        }
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
        if all_begun.iter().any(|begun| begun.rotation.old.is_some() || !begun.rotation.left.is_empty()) {
            wait(time).await;
        }
        let looks = self.look_at_all().await;
        for begun in &all_begun {
            if !self.end(begun, &looks, manager).await {
                bad += 1;
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

    /// Stores a new token where nobody else has stored one since.
    async fn store(&self, rotation: &Rotation, secret: &ApiToken) -> Result<i64, NotStored> {
        let parameter = rotation.place.parameter();
        let now = self.parameters.read(parameter).await.map_err(|error| NotStored::No(error.into()))?;
        if now.version != rotation.version {
            return Err(NotStored::No(anyhow::anyhow!("somebody stored another token in {parameter} meanwhile")));
        }
        let kms_key = rotation.place.kms_key().map(KmsKey::as_str);
        let written = self.parameters.write(parameter, secret, kms_key, true).await;
        // Whatever was answered: a write may be carried out twice, and another one may have come in between.
        let now = self.parameters.read(parameter).await;
        match (written, now) {
            (_, Ok(now)) if now.token.as_ref() == Ok(secret) => Ok(now.version),
            (Ok(version), Err(_)) => Ok(version),
            (Ok(_), Ok(_)) => {
                Err(NotStored::No(anyhow::anyhow!("somebody stored another token in {parameter} meanwhile")))
            }
            (Err(error), Ok(now))
                if now.version == rotation.version && !matches!(error, WriteError::Unavailable(_)) =>
            {
                Err(NotStored::No(error.into()))
            }
            (Err(error), _) => Err(NotStored::Perhaps(
                anyhow::Error::from(error).context("the new token may be stored or not: run this again"),
            )),
        }
    }

    /// Deletes what was replaced, if the new token is still stored; whether all is done.
    async fn end(&self, begun: &Begun, looks: &[Look], manager: &Credential) -> bool {
        let Begun { rotation, secret } = begun;
        let (name, parameter) = (rotation.place.name(), rotation.place.parameter());
        for id in &rotation.unseen {
            print::warning(&format!("{name}: your own token does not see {id}, which was replaced: is it deleted?"));
        }
        let own = looks.iter().find(|look| look.place.parameter() == parameter);
        if own.and_then(Look::token) != Some(secret) {
            print::error(&format!(
                "{name}: the new token is not in {parameter} any more, or that can't be read; the old one is left"
            ));
            return false;
        }
        let all: Vec<Obsolete> = rotation.old.iter().chain(&rotation.left).cloned().collect();
        self.clear(&rotation.place, rotation.stored_at_cloudflare(), looks, all, manager).await.is_empty()
    }
}

const LEAST_RIGHTS: &str = "use your own token of its owner, or add --least-rights, for one that may purge the zones whose \
                            ids the team wrote and nothing else, with no end and from everywhere unless --expires-in and \
                            --from say so; look first whether these ids are the team's";

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

impl Rotation {
    /// What is replaced, by its id and its secret.
    fn stored_at_cloudflare(&self) -> Option<(&CloudflareId, &ApiToken)> {
        self.old.as_ref().map(|old| (&old.id, &self.stored))
    }

    fn told(&self) -> String {
        let (name, parameter) = (print::bold(self.place.name()), self.place.parameter());
        let whose = if self.owner == TokenOwner::User { "user" } else { "account" };
        let end = self
            .new
            .expires_on
            .map_or_else(|| ", which does not expire".to_owned(), |end| format!(", which expires {}", until(end)));
        let from = match &self.new.condition {
            Some(condition) => format!(", usable where {condition} holds"),
            None => ", usable from everywhere".to_owned(),
        };
        let gone: Vec<&str> = self.old.iter().chain(&self.left).map(|it| it.id.as_str()).collect();
        let gone = match (&self.old, gone.is_empty()) {
            (_, true) => "what is stored now is refused already, so that nothing is deleted".to_owned(),
            (Some(_), _) => format!("then deletes {}", gone.join(", ")),
            (None, _) => format!("what is stored now is refused already; then deletes {}", gone.join(", ")),
        };
        let rights = match self.by_rows {
            false => String::new(),
            true => {
                let zones: Vec<String> =
                    self.place.targets.iter().map(|it| format!("{} ({})", it.zone.domain, it.zone.zone_id)).collect();
                format!(" that may purge {} and nothing else", zones.join(", "))
            }
        };
        format!("{name}: creates a token of the {whose}{rights}{end}{from}, stores it in {parameter}; {gone}")
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
