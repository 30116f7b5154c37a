//! Waiting for a condition in real time.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Waits until a condition holds.
///
/// # Panics
/// After 20 seconds.
pub async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !holds().await {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), poll).await.unwrap();
}
