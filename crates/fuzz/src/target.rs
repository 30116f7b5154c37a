//! The targets by name, and their corpora.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::targets::{answers, decode, globs, mapping_file, rows, urls};

/// A function that asserts what must hold for any input.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder below `corpus`.
    pub name: &'static str,
    /// Panics if an assertion does not hold.
    pub check: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 6] = [
    Target { name: "decode", check: decode::check },
    Target { name: "mapping-file", check: mapping_file::check },
    Target { name: "globs", check: globs::check },
    Target { name: "urls", check: urls::check },
    Target { name: "rows", check: rows::check },
    Target { name: "answers", check: answers::check },
];

impl Target {
    /// The committed inputs, in the order of their names.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn corpus(&self) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name);
        let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        paths.into_iter().map(|path| Ok((path.clone(), fs::read(path)?))).collect()
    }
}
