//! The two programs, and a peer in this process that does not behave.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout};
use std::time::Duration;

use mconn::sim::Random;
use tokio::runtime::Runtime;

use crate::example::{End, end, start};
use crate::file_transfer::arguments::LinkArguments;
use crate::file_transfer::checksum::{Checksum, Hasher};
use crate::file_transfer::conversation::Conversation;
use crate::file_transfer::link;
use crate::file_transfer::protocol::{Message, Offer, VERSION};

/// A receiver that waits.
pub(crate) struct Receiver {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Receiver {
    /// Into this folder, with other arguments besides.
    pub(crate) fn start(into: &Path, others: &[&str]) -> Self {
        let arguments = ["--listen", "127.0.0.1:0", "--into", into.to_str().unwrap()];
        Self::of(start("receive_file", &[&arguments[..], others].concat()))
    }

    pub(crate) fn of(mut child: Child) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("waiting for a file on ") else {
            panic!("{line:?}: {:?}", child.wait_with_output());
        };
        Self { child, stdout, address: address.into() }
    }

    pub(crate) fn end(mut self) -> End {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let mut end = end(self.child);
        end.stdout = stdout;
        end
    }
}

pub(crate) fn start_sender(file: &Path, to: &str, others: &[&str]) -> Child {
    start("send_file", &[&[file.to_str().unwrap(), to], others].concat())
}

pub(crate) fn send(file: &Path, to: &str, others: &[&str]) -> End {
    end(start_sender(file, to, others))
}

/// Both programs: how the sender ended, and how the receiver.
pub(crate) fn transfer(file: &Path, into: &Path, others: &[&str]) -> (End, End) {
    let receiver = Receiver::start(into, others);
    let sender = send(file, &receiver.address, &[]);
    (sender, receiver.end())
}

/// A file of so many bytes without a pattern.
pub(crate) fn make(path: PathBuf, size: usize) -> (PathBuf, Vec<u8>) {
    let mut bytes = vec![0; size];
    Random::new(size as u64 + 1).fill(&mut bytes);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &bytes).unwrap();
    (path, bytes)
}

/// What lies in a folder, by name.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn checksum(bytes: &[u8]) -> Checksum {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.checksum()
}

pub(crate) fn offer(name: &str, bytes: &[u8]) -> Offer {
    Offer { version: VERSION, size: bytes.len() as u64, checksum: checksum(bytes), name: name.into() }
}

/// A sender in this process.
pub(crate) struct Fake {
    runtime: Runtime,
    conversation: Conversation,
}

impl Fake {
    pub(crate) fn call(address: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let arguments = LinkArguments::quick(Duration::from_secs(10));
        let session = runtime.block_on(link::call(&arguments, Some(address))).unwrap();
        Self { runtime, conversation: Conversation::new(session) }
    }

    pub(crate) fn say(&self, message: &Message) {
        self.runtime.block_on(self.conversation.say(message)).unwrap();
    }

    /// Bytes that may be no message.
    pub(crate) fn send(&self, bytes: &'static [u8]) {
        self.runtime.block_on(self.conversation.send(bytes.into())).unwrap();
    }

    pub(crate) fn hear(&self) -> Result<Message, String> {
        self.runtime.block_on(self.conversation.hear()).map_err(|failure| failure.to_string())
    }

    /// Waits until everything has arrived.
    pub(crate) fn flush(&self) {
        self.runtime.block_on(self.conversation.session.flush()).unwrap();
    }

    /// Offers a file, and sends its first bytes. The receiver has nothing of it.
    pub(crate) fn send_some(&self, name: &str, bytes: &[u8], count: usize) {
        self.say(&Message::Offer(offer(name, bytes)));
        assert_eq!(self.hear(), Ok(Message::Have { length: 0, checksum: checksum(&[]) }));
        self.say(&Message::From(0));
        for piece in bytes[..count].chunks(10_000) {
            self.say(&Message::Data(piece.to_vec().into()));
        }
        self.flush();
    }

    /// Is gone from one moment to the other.
    pub(crate) fn vanish(self) {
        self.runtime.shutdown_background();
    }
}
