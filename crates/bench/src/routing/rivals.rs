//! Ways to route, all behind one trait.

mod fast_glob;
mod glob_sets;
mod ours;
mod quamina;
mod rival;
mod today;

use crate::measure::{Built, build};
use crate::routing::corpus::{Corpus, Globs};

pub(crate) use self::ours::mappings_of;
pub(crate) use self::rival::Rival;

/// How to build a rival.
pub(crate) struct RivalKind {
    pub(crate) name: &'static str,
    build: fn(&Corpus) -> Built<Box<dyn Rival>>,
    /// The most mappings that it holds within a few gigabytes and a minute, with shared and with other globs.
    most: (usize, usize),
}

impl RivalKind {
    pub(crate) fn can_hold(&self, corpus: &Corpus) -> bool {
        let (shared, other) = self.most;
        corpus.rules.len() <= if corpus.globs() == Globs::Unique { other } else { shared }
    }

    pub(crate) fn build(&self, corpus: &Corpus) -> Built<Box<dyn Rival>> {
        (self.build)(corpus)
    }
}

pub(crate) const RIVALS: &[RivalKind] = &[
    RivalKind { name: "purge-router", build: ours::build, most: (usize::MAX, usize::MAX) },
    RivalKind {
        name: "purge-router, one change at a time",
        build: ours::build_one_at_a_time,
        most: (usize::MAX, usize::MAX),
    },
    RivalKind {
        name: "before",
        build: |corpus| build(|| Box::new(today::Today::new(corpus)) as _),
        most: (10_000, 10_000),
    },
    RivalKind {
        name: "HashMap + globset",
        build: |corpus| build(|| Box::new(glob_sets::GlobSets::new(corpus)) as _),
        most: (usize::MAX, 10_000),
    },
    RivalKind {
        name: "HashMap + fast-glob",
        build: |corpus| build(|| Box::new(fast_glob::FastGlobs::new(corpus)) as _),
        most: (usize::MAX, usize::MAX),
    },
    RivalKind {
        name: "quamina",
        build: |corpus| build(|| Box::new(quamina::Quamina::new(corpus)) as _),
        most: (10_000, 10_000),
    },
];
