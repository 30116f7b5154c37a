//! The function's log lines: how many there are of each kind, and a digest of all of them.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::counts::without_numbers;

/// A longer text of an error is cut off in a kind.
const MAX_ERROR: usize = 100;

/// Collects log lines. Clones collect into one.
#[derive(Debug, Clone, Default)]
pub(super) struct LogLines(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    counts: BTreeMap<String, usize>,
    digest: DefaultHasher,
}

impl LogLines {
    /// How often each kind of line was logged: its level, its message, and how it ended, without numbers.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        self.lines().counts.clone()
    }

    /// A digest of all lines with all of their fields.
    pub(super) fn digest(&self) -> u64 {
        self.lines().digest.finish()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for LogLines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("purge_router") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = event.metadata().level();
        let mut lines = self.lines();
        (level.as_str(), &line.all).hash(&mut lines.digest);
        let Line { message, kind, .. } = line;
        *lines.counts.entry(format!("{level} {}{kind}", without_numbers(&message))).or_default() += 1;
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One line.
#[derive(Default)]
struct Line {
    message: String,
    /// The fields that say what kind of line it is.
    kind: String,
    /// All fields.
    all: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "outcome" => _ = write!(self.kind, ", {value}"),
            "error" | "reason" => {
                let value: String = without_numbers(&value).chars().take(MAX_ERROR).collect();
                _ = write!(self.kind, ": {value}");
            }
            _ => {}
        }
        _ = write!(self.all, " {}={value}", field.name());
    }
}
