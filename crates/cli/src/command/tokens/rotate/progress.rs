//! How far the rotations of a run are, for a user who stops it.

use std::cell::RefCell;

use purge_router_core::names::CloudflareId;

use crate::print;

/// How far a rotation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    NotStarted,
    /// A token may have been created.
    Creating,
    /// A token was created. It may be stored.
    Created(CloudflareId),
    Stored(CloudflareId),
    /// The new token is stored, and the old one may be deleted.
    Deleting(CloudflareId),
    /// It is done, or it has failed and this was printed.
    Ended,
}

/// How far each rotation of a run is.
#[derive(Default)]
pub(super) struct Progress(RefCell<Vec<(String, Step)>>);

impl Progress {
    pub(super) fn set(&self, name: &str, step: Step) {
        let mut steps = self.0.borrow_mut();
        match steps.iter_mut().find(|(other, _)| other == name) {
            Some((_, last)) => *last = step,
            None => steps.push((name.to_owned(), step)),
        }
    }

    /// Prints how far each rotation is, and how to complete them.
    pub(super) fn report_stop(&self) {
        let steps = self.0.borrow();
        for (name, step) in steps.iter() {
            if let Some(state) = step.when_stopped() {
                print::error(&format!("{name}: stopped: {state}"));
            }
        }
        // The next run refuses to go on beside a rotation that created a token a short while ago.
        let has_created = steps.iter().any(|(_, step)| *step != Step::NotStarted);
        let more: &[&str] = if has_created { &["--take-over"] } else { &[] };
        print::note(&format!("to complete it: {}", print::command_line(more)));
    }
}

impl Step {
    fn when_stopped(&self) -> Option<String> {
        Some(match self {
            Self::Ended => return None,
            Self::NotStarted => "nothing was changed".to_owned(),
            Self::Creating => "a token may have been created; it is not stored, and the next run deletes it".to_owned(),
            Self::Created(id) => {
                format!("token {id} was created, and may or may not be stored; the next run deletes what is not")
            }
            Self::Stored(id) => format!("token {id} is stored; the old one is not deleted"),
            Self::Deleting(id) => format!("token {id} is stored; the old one may or may not be deleted"),
        })
    }
}
