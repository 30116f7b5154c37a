//! Everything that this process logs.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use tracing_subscriber::fmt::MakeWriter;

/// All that is logged.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// All that this process logs, from the finest level on, once it is first looked at. A subscriber of one test's own
/// would miss what another test's thread came by first.
pub(crate) static LOG: LazyLock<Written> = LazyLock::new(|| {
    let written = Written::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(written.clone())
        .init();
    written
});

impl Written {
    pub(crate) fn length(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn text_from(&self, start: usize) -> String {
        String::from_utf8(self.0.lock().unwrap()[start..].to_vec()).unwrap()
    }
}
