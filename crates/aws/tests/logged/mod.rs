//! What is logged, for tests to look at.

use purge_router_test_support::Written;

/// What is logged at DEBUG and above while this lives: the runtime of these tests has one thread.
pub(crate) struct Logged {
    written: Written,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Logged {
    pub(crate) fn new() -> Self {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        Self { written, _guard: tracing::subscriber::set_default(lines) }
    }

    /// The lines that hold a text.
    pub(crate) fn with(&self, part: &str) -> Vec<String> {
        self.written.text_from(0).lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}
