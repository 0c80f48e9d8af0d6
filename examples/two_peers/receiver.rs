//! The receiving side, apart from how it is connected.

use sha2::{Digest, Sha256};

use crate::config::{CHANNELS, FILE, URGENT};
use crate::failure::Failure;
use crate::format::{Checksum, Message, Receipt, parse};
use crate::measure::{ChannelReport, Measured};
use crate::progress::Progress;

/// Takes messages until the file is complete.
pub(crate) struct Receiver {
    hash: Sha256,
    urgent: Measured,
    file: Measured,
    progress: Progress,
}

/// A file that has arrived completely.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// What the sender says.
    pub(crate) sent: Checksum,
    /// What has arrived.
    pub(crate) receipt: Receipt,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self { hash: Sha256::new(), urgent: Measured::default(), file: Measured::default(), progress: Progress::new() }
    }

    /// Takes a message; gives what was received when it was the last of the file.
    pub(crate) fn take(&mut self, channel: u8, message: &[u8]) -> Result<Option<Received>, Failure> {
        let measured = if channel == URGENT.id { &mut self.urgent } else { &mut self.file };
        measured.count(message.len());
        match (channel, parse(message)?) {
            (id, Message::Urgent { sent }) if id == URGENT.id => measured.arrived(sent),
            (id, Message::Data { sent, bytes }) if id == FILE.id => {
                measured.arrived(sent);
                self.hash.update(bytes);
                self.progress.advance(bytes.len());
                self.progress.say(|| self.urgent.glance());
            }
            (id, Message::Offer { size, name }) if id == FILE.id => self.progress.begin("receiving", name, size),
            (id, Message::End(sent)) if id == FILE.id => {
                self.progress.finish();
                let checksum = self.hash.clone().finalize();
                return Ok(Some(Received { sent, receipt: Receipt { checksum, channels: self.channels() } }));
            }
            _ => return Err(Failure::Content("a message on the wrong channel")),
        }
        Ok(None)
    }

    fn channels(&self) -> [ChannelReport; 2] {
        CHANNELS.map(|channel| if channel.id == URGENT.id { self.urgent.report() } else { self.file.report() })
    }
}
