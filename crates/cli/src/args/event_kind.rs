//! What happened to an object, as `--event` names it.

use std::ffi::OsStr;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, ValueEnum};
use purge_router_core::ChangeKind;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum EventKind {
    Created,
    Removed,
    Restored,
    Tagged,
    Acl,
}

impl EventKind {
    /// What happened, if nothing else is said.
    pub(crate) fn of(named: Option<Self>) -> ChangeKind {
        match named.unwrap_or(Self::Created) {
            Self::Created => ChangeKind::Created,
            Self::Removed => ChangeKind::Removed,
            Self::Restored => ChangeKind::Restored,
            Self::Tagged => ChangeKind::Tagged,
            Self::Acl => ChangeKind::Acl,
        }
    }
}

/// Reads a kind; for a word that means one, such as `deleted`, the error names it.
#[derive(Clone)]
pub(crate) struct EventKindParser;

impl TypedValueParser for EventKindParser {
    type Value = EventKind;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<EventKind, clap::Error> {
        EnumValueParser::<EventKind>::new().parse_ref(command, arg, value).map_err(|mut error| {
            if let Some(meant) = value.to_str().and_then(meant) {
                error.insert(ContextKind::SuggestedValue, ContextValue::String(meant.to_owned()));
            }
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(EventKind::value_variants().iter().filter_map(ValueEnum::to_possible_value)))
    }
}

/// The kind that a word of S3, or of everyday speech, means.
fn meant(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let words = [
        ("created", ["creat", "put", "upload", "copy", "post"].as_slice()),
        ("removed", &["remov", "delet", "expir"]),
        ("restored", &["restor"]),
        ("tagged", &["tag"]),
    ];
    words.iter().find(|(_, stems)| stems.iter().any(|stem| word.contains(stem))).map(|(kind, _)| *kind)
}
