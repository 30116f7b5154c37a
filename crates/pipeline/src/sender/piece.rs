//! Items of one batch that go into one request.

use purge_router_core::limits::LimitClass;
use purge_router_core::names::EnvironmentId;
use purge_router_core::{Batch, BatchItem, Body, Mode};

/// Some items of a batch, or all. It borrows them, so that splitting copies references only.
#[derive(Debug)]
pub(super) struct Piece<'b> {
    batch: &'b Batch,
    items: Vec<&'b BatchItem>,
    /// How often the batch was halved to get it.
    depth: u32,
}

impl<'b> Piece<'b> {
    pub(super) fn whole(batch: &'b Batch) -> Self {
        Self { batch, items: batch.items().iter().collect(), depth: 0 }
    }

    pub(super) fn items(&self) -> &[&'b BatchItem] {
        &self.items
    }

    pub(super) fn into_items(self) -> Vec<&'b BatchItem> {
        self.items
    }

    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    pub(super) fn environment(&self) -> Option<&'b EnvironmentId> {
        self.batch.environment.as_ref()
    }

    pub(super) fn mode(&self) -> Mode {
        self.batch.mode
    }

    pub(super) fn class(&self) -> LimitClass {
        self.batch.method().class()
    }

    /// How much of its class's rate limit it takes: its URLs, or one request.
    pub(super) fn cost(&self) -> usize {
        match self.class() {
            LimitClass::Urls => self.items.len(),
            LimitClass::Requests => 1,
        }
    }

    pub(super) fn body(&self) -> Body<'b> {
        Body::new(self.batch.method(), self.items.iter().map(|item| &item.item).collect())
    }

    /// Its two halves, the first one smaller if they are unequal. The first half of a single item is empty.
    pub(super) fn halves(self) -> (Self, Self) {
        let Self { batch, items: mut first, depth } = self;
        let second = first.split_off(first.len() / 2);
        let half = |items| Self { batch, items, depth: depth + 1 };
        (half(first), half(second))
    }

    /// Takes the items out for which this is true.
    pub(super) fn take_if(&mut self, is_taken: impl Fn(&BatchItem) -> bool) -> Vec<&'b BatchItem> {
        self.items.extract_if(.., |item| is_taken(item)).collect()
    }

    /// Takes one item out, as a piece of its own.
    pub(super) fn take(&mut self, index: usize) -> Self {
        Self { batch: self.batch, items: vec![self.items.remove(index)], depth: self.depth + 1 }
    }
}
