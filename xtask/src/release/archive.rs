//! The zip that Lambda gets. cargo-lambda's own contains the time of the build.

use std::io::{Cursor, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A zip of these files, by name, without times and with the modes that Lambda needs.
pub(crate) fn zip(files: &[(String, Vec<u8>)]) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let options = options.compression_level(Some(9)).last_modified_time(DateTime::default());
    for (name, content) in files {
        zip.start_file(name, options.unix_permissions(if name == "bootstrap" { 0o755 } else { 0o644 }))?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}
