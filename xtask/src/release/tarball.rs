//! A tarball with the same bytes on every machine.

use std::io;

use flate2::{Compression, GzBuilder};
use tar::{Builder, Header};

use super::files::NamedFile;

/// A gzipped tar of these files in one folder, without times and owners. The program, and nothing else, can be run.
pub(crate) fn tar_gz(folder: &str, program: &str, files: &[NamedFile]) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut tar = Builder::new(gzip);
    for (name, content) in files {
        let mut header = Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mode(if name == program { 0o755 } else { 0o644 });
        tar.append_data(&mut header, format!("{folder}/{name}"), content.as_slice())?;
    }
    tar.into_inner()?.finish()
}
