//! The thread that writes what arrives.

use std::io::{Seek, SeekFrom, Write};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::file_transfer::checksum::Hasher;
use crate::file_transfer::failure::Failure;
use crate::store::Part;

/// Messages that have arrived and wait to be written. What does not fit waits in the session, and then the sender waits.
const WAITING: usize = 16;

/// Writes in the background, in order.
#[derive(Debug)]
pub(crate) struct Writer {
    sender: mpsc::Sender<Bytes>,
    thread: JoinHandle<Result<Part, Failure>>,
}

impl Writer {
    /// Goes on behind what is there, or from the start when `offset` is 0.
    pub(crate) fn start(part: Part, offset: u64) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { sender, thread: spawn_blocking(move || write(part, offset, receiver)) }
    }

    /// Writes the next bytes; `false` when that has failed, and [`Writer::finish`] tells why.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> bool {
        self.sender.send(bytes).await.is_ok()
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(self) -> Result<Part, Failure> {
        drop(self.sender);
        self.thread.await.map_err(|error| Failure::Start(error.into()))?
    }
}

fn write(mut part: Part, offset: u64, mut receiver: mpsc::Receiver<Bytes>) -> Result<Part, Failure> {
    let path = part.path.clone();
    let failed = || Failure::file("write", &path);
    // A file that lies there complete is not open.
    if let Some(file) = &mut part.file {
        if offset == 0 {
            part.hasher = Hasher::default();
            file.set_len(0).map_err(failed())?;
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed())?;
    }
    while let Some(bytes) = receiver.blocking_recv() {
        part.file.as_mut().ok_or(Failure::Offset)?.write_all(&bytes).map_err(failed())?;
        part.hasher.update(&bytes);
    }
    Ok(part)
}
