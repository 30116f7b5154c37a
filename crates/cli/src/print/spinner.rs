//! What a command shows on a terminal while it computes something that takes long for large inputs.

use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::shutdown;

/// How long the work may take before anything is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

const TICK: Duration = Duration::from_millis(200);

/// Does work in another thread, so that a signal can stop the command meanwhile. If it takes longer than a second, shows
/// on standard error what it is and for how long it has been running; on a terminal only.
pub(crate) async fn with_spinner<T: Send + 'static>(
    what: String,
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let mut work = pin!(shutdown::blocking(move || Ok(work())));
    let spinner = tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(SHOWN_AFTER) => spinner(what),
    };
    let done = work.await;
    spinner.finish_and_clear();
    done
}

/// Waits for work in this thread, and shows after a second what it is and for how long it has been running; on a terminal
/// only.
pub(crate) async fn spinning<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let spinner = tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(SHOWN_AFTER) => spinner(what.to_owned()),
    };
    let done = work.await;
    spinner.finish_and_clear();
    done
}

fn spinner(what: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_elapsed(SHOWN_AFTER);
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner.set_message(what);
    spinner.enable_steady_tick(TICK);
    spinner
}
