//! How far a command is that takes longer than a second, on a terminal only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::print::text::escaped;

/// How long the work may take before anything is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

const TICK: Duration = Duration::from_millis(200);

/// A count of what is done. It is removed from the terminal when it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    has_ended: Arc<Mutex<bool>>,
}

impl Progress {
    /// `what` is a verb with its object, such as `redriving messages`. The total may be an estimate; 0 is none.
    pub(crate) fn new(what: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let total = if total > 0 { " of {len}" } else { "" };
        // A remark that does not fit into the line is cut.
        let style =
            ProgressStyle::with_template(&format!("{{spinner}} {{prefix}}: {{pos}}{total}, {{elapsed}}{{wide_msg}}"));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(what.to_owned());
        let has_ended = Arc::new(Mutex::new(false));
        tokio::spawn(show(bar.clone(), Arc::clone(&has_ended)));
        Self { bar, has_ended }
    }

    /// A count that is not shown.
    pub(crate) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), has_ended: Arc::default() }
    }

    /// So many more are done.
    pub(crate) fn advance(&self, count: usize) {
        self.bar.inc(count as u64);
    }

    /// Shows a remark behind the count, in place of an earlier one.
    pub(crate) fn remark(&self, remark: &str) {
        self.bar.set_message(if remark.is_empty() { String::new() } else { format!("; {}", escaped(remark)) });
    }
}

async fn show(bar: ProgressBar, has_ended: Arc<Mutex<bool>>) {
    tokio::time::sleep(SHOWN_AFTER).await;
    let has_ended = has_ended.lock().unwrap_or_else(PoisonError::into_inner);
    if !*has_ended {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.enable_steady_tick(TICK);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bar.finish_and_clear();
    }
}
