//! How far a command is that takes longer than a second, on a terminal only.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long the work may take before anything is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// A count of what is done. It is removed from the terminal when it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    /// `what` is a verb with its object, such as `redriving messages`. The total may be an estimate.
    pub(crate) fn new(what: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let template = if total > 0 { "{msg}: {pos} of {len}, {elapsed}" } else { "{msg}: {pos}, {elapsed}" };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        Self { bar, began: Instant::now() }
    }

    /// So many more are done.
    pub(crate) fn advance(&self, count: usize) {
        if self.began.elapsed() >= SHOWN_AFTER && self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(count as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
