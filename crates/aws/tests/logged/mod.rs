//! What is logged, for tests to look at.

use std::io::Write;
use std::sync::{Arc, Mutex};

/// What is logged at INFO and above while this lives: the runtime of these tests has one thread.
pub(crate) struct Logged {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Logged {
    pub(crate) fn new() -> Self {
        let text: Arc<Mutex<Vec<u8>>> = Arc::default();
        let pen = Arc::clone(&text);
        let lines = tracing_subscriber::fmt().with_writer(move || Pen(Arc::clone(&pen))).with_ansi(false).finish();
        Self { text, _guard: tracing::subscriber::set_default(lines) }
    }

    /// The lines that hold a text.
    pub(crate) fn with(&self, part: &str) -> Vec<String> {
        let text = String::from_utf8(self.text.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

struct Pen(Arc<Mutex<Vec<u8>>>);

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
