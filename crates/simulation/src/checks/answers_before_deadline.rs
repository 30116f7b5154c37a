//! An invocation answers before its deadline, and no instance is killed because its time is up.

use std::time::Duration;

use super::check::Check;
use crate::event::{Entry, Event};

/// Timers are exact to a millisecond, and two may follow each other.
const TOLERANCE: Duration = Duration::from_millis(10);

pub(super) struct AnswersBeforeDeadline;

impl Check for AnswersBeforeDeadline {
    fn name(&self) -> &'static str {
        "answers-before-deadline"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        match event {
            Event::Answered { instance, took, allowed, .. } if *took > *allowed + TOLERANCE => {
                Err(format!("{at}: instance {instance} answered after {took:?}, and had {allowed:?}"))
            }
            Event::Killed { instance, is_timeout: true } => Err(format!("{at}: instance {instance} used up its time")),
            _ => Ok(()),
        }
    }
}
