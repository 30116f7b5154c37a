//! What is logged, in memory.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// A writer of logs whose text tests read. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// How many bytes are written.
    pub fn length(&self) -> usize {
        self.bytes().len()
    }

    /// The text after this many bytes.
    pub fn text_from(&self, start: usize) -> String {
        String::from_utf8_lossy(&self.bytes()[start..]).into_owned()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
