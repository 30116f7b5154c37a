//! Which pieces of a batch to send, decided without sending anything: refused pieces are halved, within a budget.
//!
//! The first halves go first. Items of a refused hostname are not sent. Decision 24 has the reasons for the numbers.

use std::collections::{BTreeSet, HashSet};

use purge_router_core::{Batch, BatchItem};

use super::failure::RefusedPart;
use super::piece::Piece;
use crate::outcome::{FailedItems, FailureKind, Reason, Status};
use crate::refused_hostnames::{ZoneHostnames, hostname_of};

/// The budget is just enough to single out this many bad items, wherever they are in the batch.
const BAD_ITEMS: u32 = 10;

/// After this many halvings without an accepted piece, an unclear refusal counts as a refusal of the whole request.
const UNCLEAR_DEPTH: u32 = 3;

/// With fewer items than this of a suspected hostname left, halving them costs no more than probing the hostname.
const WORTH_PROBING: usize = 8;

/// The halving of one batch.
pub(super) struct Halving<'b, 'h> {
    hostnames: &'h ZoneHostnames,
    /// The pieces to send; the last one is sent next.
    pieces: Vec<Piece<'b>>,
    /// Pieces with an unclear refusal, to be halved only if Cloudflare turns out to look at the items.
    unclear: Vec<Piece<'b>>,
    failed: Vec<FailedItems<'b>>,
    /// The hostnames of accepted items.
    proven: HashSet<&'b str>,
    /// Whether a piece was accepted, or refused for an item: then it is not the request as a whole that is wrong.
    items_matter: bool,
    is_doubtful: bool,
    accepted: u32,
    refused: u32,
    budget: u32,
    /// The hostnames that this batch's own items condemned.
    condemned: HashSet<&'b str>,
    last: LastRefusal,
}

/// Cloudflare's last refusal of a piece.
#[derive(Debug, Clone, Default)]
pub(super) struct LastRefusal {
    pub(super) error: String,
    pub(super) ray: Option<String>,
    pub(super) is_permanent: bool,
}

/// What to do with a piece or with items.
pub(super) enum NextStep<'b> {
    Send(Piece<'b>),
    /// Do not send these items again.
    Fail(FailedItems<'b>),
}

impl<'b, 'h> Halving<'b, 'h> {
    pub(super) fn new(batch: &'b Batch, hostnames: &'h ZoneHostnames) -> Self {
        Self {
            hostnames,
            pieces: vec![Piece::whole(batch)],
            unclear: Vec::new(),
            failed: Vec::new(),
            proven: HashSet::new(),
            items_matter: false,
            is_doubtful: false,
            accepted: 0,
            refused: 0,
            budget: budget(batch.items().len()),
            condemned: HashSet::new(),
            last: LastRefusal::default(),
        }
    }

    /// What to do next; `None` if each item was accepted or has failed.
    pub(super) fn next_step(&mut self) -> Option<NextStep<'b>> {
        loop {
            if let Some(items) = self.failed.pop() {
                return Some(NextStep::Fail(items));
            }
            let Some(mut piece) = self.pieces.pop() else { break };
            self.take_refused_hostnames(&mut piece);
            match piece.items().is_empty() {
                true => {}
                // What was taken out fails first, so that it is not lost if the next piece fails for all.
                false if !self.failed.is_empty() => self.pieces.push(piece),
                false => return Some(NextStep::Send(piece)),
            }
        }
        let items: Vec<&BatchItem> = self.unclear.drain(..).flat_map(Piece::into_items).collect();
        let reason = Reason::Request(Status::RequestRefused);
        (!items.is_empty()).then(|| NextStep::Fail(self.failed_items(items, reason)))
    }

    /// Cloudflare accepted a piece.
    pub(super) fn accepted(&mut self, piece: &Piece<'b>) {
        self.accepted += 1;
        let hostnames: HashSet<&str> = piece.items().iter().filter_map(|item| hostname_of(&item.item)).collect();
        hostnames.iter().for_each(|hostname| self.hostnames.accepted(hostname));
        self.proven.extend(hostnames);
        self.resume_unclear();
    }

    /// Cloudflare refused a piece.
    pub(super) fn refused(&mut self, piece: Piece<'b>, part: RefusedPart, refusal: LastRefusal) {
        self.refused += 1;
        if part != RefusedPart::Unclear {
            self.resume_unclear();
        }
        self.last = refusal;
        if part == RefusedPart::Unclear {
            self.is_doubtful |= !self.items_matter && piece.depth() >= UNCLEAR_DEPTH;
            if self.is_doubtful {
                self.unclear.push(piece);
                return;
            }
        }
        self.halve(piece, part);
    }

    /// Halves a refused piece, unless it is a single item or the budget is spent.
    fn halve(&mut self, piece: Piece<'b>, part: RefusedPart) {
        match *piece.items() {
            [item] => self.refused_alone(item, part),
            // Each accepted piece extends the budget: a batch that is cut down to Cloudflare's size makes progress.
            _ if self.refused > self.budget + self.accepted => self.fail_untried(piece),
            _ => {
                let (first, second) = piece.halves();
                self.pieces.extend([second, first]);
            }
        }
    }

    /// All items that were neither accepted nor have failed.
    pub(super) fn pending(self) -> impl Iterator<Item = &'b BatchItem> {
        self.pieces.into_iter().chain(self.unclear).flat_map(Piece::into_items)
    }

    fn refused_alone(&mut self, item: &'b BatchItem, part: RefusedPart) {
        if let (RefusedPart::Hostname, Some(hostname)) = (part, hostname_of(&item.item))
            && !self.proven.contains(hostname)
        {
            match self.hostnames.refused_alone(hostname, item, &self.last.error) {
                Some(evidence) => self.probe(hostname, evidence),
                None => _ = self.condemned.insert(hostname),
            }
        }
        let failed = self.failed_items(vec![item], Reason::Refused);
        self.failed.push(failed);
    }

    /// Items that fail with Cloudflare's last answer.
    fn failed_items(&self, items: Vec<&'b BatchItem>, reason: Reason) -> FailedItems<'b> {
        let LastRefusal { error, ray, is_permanent } = self.last.clone();
        let kind = if is_permanent { FailureKind::Permanent } else { FailureKind::Transient };
        FailedItems { items, reason, kind, error, ray }
    }

    /// Sends another item of a suspected hostname next, alone and far from the last one: if it is accepted, the
    /// hostname is good, and otherwise the whole hostname is refused after a few requests.
    fn probe(&mut self, hostname: &str, evidence: usize) {
        let of_hostname = |item: &BatchItem| hostname_of(&item.item) == Some(hostname);
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate().rev() {
            let items = piece.items().iter().enumerate().filter(|(_, item)| of_hostname(item));
            places.extend(items.map(|(index, _)| (at, index)));
        }
        if places.len() < WORTH_PROBING {
            return;
        }
        let place = match evidence {
            1 => places.last(),
            2 => places.get(places.len() / 2),
            _ => places.get(places.len() / 4),
        };
        if let Some((at, index)) = place
            && let Some(piece) = self.pieces.get_mut(*at)
        {
            let single = piece.take(*index);
            self.pieces.push(single);
        }
    }

    /// Takes the items of refused hostnames out of a piece. Hostnames with an accepted item in this batch stay.
    fn take_refused_hostnames(&mut self, piece: &mut Piece<'b>) {
        // In the order of their names: runs with the same answers give up the same items in the same order.
        let hostnames: BTreeSet<&str> = piece.items().iter().filter_map(|item| hostname_of(&item.item)).collect();
        for hostname in hostnames {
            if self.proven.contains(hostname) {
                continue;
            }
            let Some(error) = self.hostnames.refusal(hostname) else { continue };
            let items = piece.take_if(|item| hostname_of(&item.item) == Some(hostname));
            // A hostname that an earlier batch condemned may have been added to the zone since.
            let kind = match self.condemned.contains(hostname) {
                true => FailureKind::Permanent,
                false => FailureKind::Transient,
            };
            self.failed.push(FailedItems { items, reason: Reason::Refused, kind, error, ray: None });
        }
    }

    fn resume_unclear(&mut self) {
        (self.items_matter, self.is_doubtful) = (true, false);
        for piece in std::mem::take(&mut self.unclear) {
            self.halve(piece, RefusedPart::Unclear);
        }
    }

    fn fail_untried(&mut self, piece: Piece<'b>) {
        let (items, refused, error) = (piece.into_items(), self.refused, &self.last.error);
        let error = format!(
            "{error}; {} items together, not tried one by one: {refused} requests of this batch were refused",
            items.len()
        );
        let (reason, kind) = (Reason::Untried, FailureKind::Untried);
        self.failed.push(FailedItems { items, reason, kind, error, ray: None });
    }
}

/// How many refused requests a batch may cost: on each level of halving, at most each bad item has a piece that is
/// refused.
fn budget(items: usize) -> u32 {
    let levels = items.next_power_of_two().ilog2();
    (0..=levels).map(|level| 2u32.saturating_pow(level).min(BAD_ITEMS)).sum()
}

#[cfg(test)]
mod tests;
