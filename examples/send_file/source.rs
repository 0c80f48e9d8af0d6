//! The file to send.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::file_transfer::checksum::{Checksum, Hasher};
use crate::file_transfer::failure::Failure;
use crate::file_transfer::name::{BadName, FileName};
use crate::file_transfer::progress::Progress;
use crate::file_transfer::protocol::{MAX_DATA, Message, Offer, VERSION};

/// A file that can be read, and how large it was when it was opened.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    path: PathBuf,
    name: FileName,
    pub(crate) size: u64,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(Failure::file("read", path))?;
        let metadata = file.metadata().map_err(Failure::file("read", path))?;
        if !metadata.is_file() {
            return Err(Failure::NotAFile(path.to_owned()));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // What the other side would refuse is refused here.
        let name = FileName::new(&name).map_err(|error: BadName| Failure::Name(error))?;
        Ok(Self { path: path.to_owned(), name, size: metadata.len() })
    }

    /// Reads all of it once, for its checksum.
    pub(crate) async fn offer(&self, progress: &Progress) -> Result<Offer, Failure> {
        let progress = progress.clone();
        let (read, checksum) = self.hash(self.size, move |bytes| progress.advance(bytes)).await?;
        if read != self.size {
            return Err(Failure::Changed(self.path.clone()));
        }
        Ok(Offer { version: VERSION, size: self.size, checksum, name: self.name.to_string() })
    }

    /// How much of it the other side has, which says that it has `length` bytes with this checksum: all of them or none.
    pub(crate) async fn common(&self, length: u64, checksum: Checksum) -> Result<u64, Failure> {
        if length == 0 || length > self.size {
            return Ok(0);
        }
        let found = self.hash(length, |_| ()).await?;
        Ok(if found == (length, checksum) { length } else { 0 })
    }

    async fn hash(&self, most: u64, each: impl Fn(u64) + Send + 'static) -> Result<(u64, Checksum), Failure> {
        let path = self.path.clone();
        let hashed = spawn_blocking(move || {
            let mut hasher = Hasher::default();
            let file = File::open(&path).map_err(Failure::file("read", &path))?;
            let read = hasher.read(file, most, each).map_err(Failure::file("read", &path))?;
            Ok((read, hasher.checksum()))
        });
        hashed.await.map_err(|error| Failure::Start(error.into()))?
    }

    /// Reads it from a byte on, as messages; at most so many wait to be taken. The thread ends when nobody takes them any more.
    pub(crate) fn read(&self, offset: u64, ahead: usize) -> mpsc::Receiver<Result<Bytes, Failure>> {
        let (sender, receiver) = mpsc::channel(ahead);
        let source = self.clone();
        spawn_blocking(move || {
            if let Err(failure) = source.read_into(offset, &sender) {
                _ = sender.blocking_send(Err(failure));
            }
        });
        receiver
    }

    fn read_into(&self, offset: u64, sender: &mpsc::Sender<Result<Bytes, Failure>>) -> Result<(), Failure> {
        let mut file = File::open(&self.path).map_err(Failure::file("read", &self.path))?;
        file.seek(SeekFrom::Start(offset)).map_err(Failure::file("read", &self.path))?;
        let mut left = self.size - offset;
        while left > 0 {
            let message = Message::encode_data(&mut file, left).map_err(Failure::file("read", &self.path))?;
            let read = Message::data_len(&message);
            if read < left.min(MAX_DATA as u64) {
                return Err(Failure::Changed(self.path.clone()));
            }
            left -= read;
            if sender.blocking_send(Ok(message)).is_err() {
                break;
            }
        }
        Ok(())
    }
}
