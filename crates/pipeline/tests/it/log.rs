//! Everything that this process logs.

use std::sync::LazyLock;

use purge_router_test_support::Written;

/// All that this process logs, from the finest level on, once it is first looked at. A subscriber of one test's own
/// would miss what another test's thread came by first.
pub(crate) static LOG: LazyLock<Written> = LazyLock::new(|| {
    let written = Written::default();
    let writer = written.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    written
});
