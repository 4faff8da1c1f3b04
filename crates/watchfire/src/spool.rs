//! A temporary file for facts that do not fit into memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use watchfire_engine::Spool;

/// A temporary file without a name, made at the first use and gone with the program, however it ends.
#[derive(Default)]
pub struct TemporaryFile {
    file: Option<File>,
    length: u64,
}

impl TemporaryFile {
    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let file = tempfile::tempfile().map_err(|cause| {
                let folder = std::env::temp_dir();
                io::Error::new(
                    cause.kind(),
                    format!(
                        "could not make a temporary file in {} (set TMPDIR to a folder with room): {cause}",
                        folder.display()
                    ),
                )
            })?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Spool for TemporaryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let offset = self.length;
        let file = self.file()?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(offset)
    }

    fn read(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let file = self.file()?;
        file.seek(SeekFrom::Start(offset))?;
        let begin = into.len();
        into.resize(begin + length, 0);
        file.read_exact(&mut into[begin..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_back() {
        let mut spool = TemporaryFile::default();
        let (first, second) = (spool.append(b"one").unwrap(), spool.append(b"two").unwrap());
        let mut read = Vec::new();
        spool.read(second, 3, &mut read).unwrap();
        spool.read(first, 3, &mut read).unwrap();
        assert_eq!(read, b"twoone");
    }
}
