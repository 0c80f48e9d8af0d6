//! The bytes to send: a file, or bytes made on the spot.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::arguments::Arguments;
use crate::failure::Failure;

/// Something to read from, and how much there is.
pub(crate) struct Content {
    reader: Box<dyn Read + Send>,
    path: PathBuf,
    pub(crate) size: u64,
}

impl Content {
    /// Opens what the command line names.
    pub(crate) fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let Some(path) = arguments.file.clone() else {
            let made = Made { state: 1 }.take(arguments.size);
            return Ok(Self { reader: Box::new(made), path: "bytes made on the spot".into(), size: arguments.size });
        };
        let open = || -> io::Result<(File, u64)> {
            let file = File::open(&path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok((file, metadata.len()))
        };
        match open() {
            Ok((file, size)) => Ok(Self { reader: Box::new(file), path, size }),
            Err(error) => Err(Failure::File { path, error }),
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Fills `buffer` as far as there are bytes. Less than all of it is the end.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::File { path: self.path.clone(), error }),
            }
        }
        Ok(filled)
    }
}

/// The same bytes on every run, without a pattern (splitmix64).
struct Made {
    state: u64,
}

impl Read for Made {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for piece in buffer.chunks_mut(8) {
            self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            piece.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..piece.len()]);
        }
        Ok(buffer.len())
    }
}
