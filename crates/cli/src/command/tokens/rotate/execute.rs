//! Carries out rotations: create, try and store the new tokens; wait; delete the old ones.

use std::time::Duration;

use anyhow::Context;
use purge_router_aws::WriteError;
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::names::CloudflareId;

use crate::args::RotateArgs;
use crate::command::tokens::cleanup::{Cleanup, Obsolete};
use crate::command::tokens::context::TokensContext;
use crate::command::tokens::inspect::Inspection;
use crate::command::tokens::rotate::progress::{Progress, Step};
use crate::command::tokens::rotate::rotation::Rotation;
use crate::command::tokens::rotate::wait::wait_for_caches;
use crate::{print, shutdown};

struct StoredRotation {
    rotation: Rotation,
    secret: ApiToken,
    id: CloudflareId,
}

/// Why a new token is not stored.
enum StoreError {
    NotStored(anyhow::Error),
    /// It is unknown whether the token is stored.
    Unknown(anyhow::Error),
}

impl TokensContext {
    /// Carries out a wave of rotations, with one wait for all; returns how many failed.
    pub(super) async fn rotate(
        &self,
        mut wave: Vec<Rotation>,
        admin: &Credential,
        args: &RotateArgs,
        progress: &Progress,
    ) -> usize {
        let wait = Duration::from_secs(args.wait);
        self.make_room(&mut wave, admin, wait).await;
        let (mut failed, mut stored) = (0, Vec::new());
        for rotation in wave {
            let name = rotation.slot.name();
            let storing = self.create_and_store(rotation, admin, progress);
            match shutdown::write(format!("creating and storing a token for {name}"), storing).await {
                Ok(rotation) => stored.push(rotation),
                Err(error) => {
                    failed += 1;
                    progress.set(&name, Step::Ended);
                    print::error(&format!("{name}: {error:#}"));
                }
            }
        }
        if stored.iter().any(|it| it.rotation.old.is_some() || !it.rotation.leftovers.is_empty()) {
            wait_for_caches(wait).await;
        }
        let inspections = self.inspect_all().await;
        for rotation in &stored {
            let name = rotation.rotation.slot.name();
            progress.set(&name, Step::Deleting(rotation.id.clone()));
            let deleting = self.delete_old(rotation, &inspections, admin);
            if !shutdown::write(format!("deleting the old token of {name}"), deleting).await {
                failed += 1;
            }
            progress.set(&name, Step::Ended);
        }
        failed
    }

    /// Deletes leftovers first if the owner has no room for another token; not if the stored token seems invalid,
    /// because a leftover may then be the one in use.
    async fn make_room(&self, wave: &mut [Rotation], admin: &Credential, wait: Duration) {
        let needs_room = |it: &Rotation| it.room == 0 && it.old.is_some() && !it.leftovers.is_empty();
        if !wave.iter().any(needs_room) {
            return;
        }
        print::note("Cloudflare's limit of tokens is reached: first deleting those that earlier rotations left behind");
        wait_for_caches(wait).await;
        let inspections = self.inspect_all().await;
        for rotation in wave.iter_mut().filter(|it| needs_room(it)) {
            let leftovers = std::mem::take(&mut rotation.leftovers);
            let cleanup = cleanup(rotation, &inspections, admin);
            let deleting = self.delete_obsolete(&cleanup, leftovers);
            rotation.leftovers = shutdown::write("deleting what earlier rotations left behind", deleting).await;
        }
    }

    /// Creates the new token, tries it and stores it. If it is not stored, it is deleted again.
    async fn create_and_store(
        &self,
        rotation: Rotation,
        admin: &Credential,
        progress: &Progress,
    ) -> anyhow::Result<StoredRotation> {
        let Rotation { slot, owner, new, .. } = &rotation;
        progress.set(&slot.name(), Step::Creating);
        let (id, secret) = self.client.create_token(admin, owner, new).await.context("creating a token")?;
        progress.set(&slot.name(), Step::Created(id.clone()));
        let stored = match self.wait_until_usable(slot, owner, &secret).await {
            Ok(()) => self.store(&rotation, &secret).await,
            Err(error) => Err(StoreError::NotStored(error.context("the new token does not work"))),
        };
        match stored {
            Ok(version) => {
                print::out(&format!("{}: token {id} stored, version {version}", slot.name()));
                progress.set(&slot.name(), Step::Stored(id.clone()));
                Ok(StoredRotation { rotation, secret, id })
            }
            Err(StoreError::Unknown(error)) => Err(error),
            Err(StoreError::NotStored(error)) => {
                let deleted = self.client.delete_token(admin, owner, &id).await;
                deleted.with_context(|| format!("{error:#}; and the new token {id} could not be deleted"))?;
                Err(error.context("the new token was deleted again"))
            }
        }
    }

    /// Stores a new token, unless another one was stored since the rotation was planned; the parameter's version.
    async fn store(&self, rotation: &Rotation, secret: &ApiToken) -> Result<i64, StoreError> {
        let parameter = rotation.slot.parameter();
        let outpaced = || {
            let error = anyhow::anyhow!("another token was stored in {parameter} in the meantime");
            Err(StoreError::NotStored(error))
        };
        let before = self.parameters.read(parameter).await.map_err(|error| StoreError::NotStored(error.into()))?;
        if before.version != rotation.version {
            return outpaced();
        }
        let written = self.overwrite(&rotation.slot, secret).await;
        // Read it back whatever the answer was: a write may succeed without an answer, or be overwritten at once.
        let after = self.parameters.read(parameter).await;
        match (written, after) {
            (_, Ok(after)) if after.token.as_ref() == Ok(secret) => Ok(after.version),
            (Ok(version), Err(_)) => Ok(version),
            (Ok(_), Ok(_)) => outpaced(),
            (Err(error), Ok(after))
                if after.version == rotation.version && !matches!(error, WriteError::Unavailable(_)) =>
            {
                Err(StoreError::NotStored(error.into()))
            }
            (Err(error), _) => Err(StoreError::Unknown(
                anyhow::Error::from(error).context("the new token may or may not be stored; run this again"),
            )),
        }
    }

    /// Deletes what was replaced, if the new token is still stored; whether all of it is deleted.
    async fn delete_old(&self, stored: &StoredRotation, inspections: &[Inspection], admin: &Credential) -> bool {
        let StoredRotation { rotation, secret, .. } = stored;
        let (name, parameter) = (rotation.slot.name(), rotation.slot.parameter());
        for id in &rotation.hidden {
            print::warning(&format!(
                "{name}: the admin token can't see the replaced token {id}; check that it is deleted"
            ));
        }
        let own = inspections.iter().find(|inspection| inspection.slot.parameter() == parameter);
        if own.and_then(Inspection::token) != Some(secret) {
            print::error(&format!(
                "{name}: the new token is no longer in {parameter}, or can't be read there; the old token is kept"
            ));
            return false;
        }
        let tokens: Vec<Obsolete> = rotation.old.iter().chain(&rotation.leftovers).cloned().collect();
        self.delete_obsolete(&cleanup(rotation, inspections, admin), tokens).await.is_empty()
    }
}

fn cleanup<'c>(rotation: &'c Rotation, inspections: &'c [Inspection], admin: &'c Credential) -> Cleanup<'c> {
    Cleanup { slot: &rotation.slot, stored: rotation.old_with_secret(), inspections, admin }
}
