//! Waits until no instance of the function has an old token cached.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, sleep};

use crate::print;

const TICK: Duration = Duration::from_millis(200);

/// Waits, with a progress bar on a terminal.
pub(super) async fn wait_for_caches(time: Duration) {
    print::note(&format!("waiting {} s, until no instance of the function has an old token cached", time.as_secs()));
    let bar = ProgressBar::with_draw_target(Some(time.as_secs()), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let end = Instant::now() + time;
    while Instant::now() < end {
        bar.set_position(time.saturating_sub(end - Instant::now()).as_secs());
        sleep((end - Instant::now()).min(TICK)).await;
    }
    bar.finish_and_clear();
}
