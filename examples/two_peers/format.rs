//! The messages of this program: what stands in them.
//!
//! Each begins with its kind and, where its age is measured, with the time at which it was sent.

use bytes::{BufMut, Bytes, BytesMut};
use sha2::digest::Output;
use sha2::{Digest, Sha256};

use crate::config::{FILE_MESSAGE, URGENT_MESSAGE};
use crate::content::Content;
use crate::failure::Failure;
use crate::measure::{ChannelReport, now};

/// A SHA-256 checksum.
pub(crate) type Checksum = Output<Sha256>;

const OFFER: u8 = 1;
const DATA: u8 = 2;
const END: u8 = 3;
const RECEIPT: u8 = 4;
const URGENT: u8 = 5;

/// A kind and a time.
const HEAD: usize = 9;

/// What the receiver tells the sender at the end.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) checksum: Checksum,
    pub(crate) channels: [ChannelReport; 2],
}

/// A message as it was read.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// The file begins: its size, as far as it is known, and its name.
    Offer { size: u64, name: &'a str },
    /// A piece of the file.
    Data { sent: u64, bytes: &'a [u8] },
    /// All pieces were sent; this is the checksum of the file.
    End(Checksum),
    /// What the receiver has received.
    Receipt(Receipt),
    /// A small message in a hurry.
    Urgent { sent: u64 },
}

/// The messages of a file, one after the other.
pub(crate) struct FileMessages {
    content: Content,
    hash: Sha256,
    stage: Stage,
}

enum Stage {
    Offer,
    Data,
    End,
    Done,
}

impl FileMessages {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, hash: Sha256::new(), stage: Stage::Offer }
    }

    /// The next message; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut message = BytesMut::with_capacity(FILE_MESSAGE);
        match self.stage {
            Stage::Offer => {
                self.stage = Stage::Data;
                message.put_u8(OFFER);
                message.put_u64(self.content.size);
                message.put_slice(self.content.name().as_bytes());
            }
            Stage::Data => {
                message.resize(FILE_MESSAGE, 0);
                let count = self.content.fill(&mut message[HEAD..])?;
                message.truncate(HEAD + count);
                if message.len() < FILE_MESSAGE {
                    self.stage = Stage::End;
                }
                if count == 0 {
                    return self.next();
                }
                self.hash.update(&message[HEAD..]);
                message[0] = DATA;
                message[1..HEAD].copy_from_slice(&now().to_be_bytes());
            }
            Stage::End => {
                self.stage = Stage::Done;
                message.put_u8(END);
                message.put_slice(&self.checksum());
            }
            Stage::Done => return Ok(None),
        }
        Ok(Some(message.freeze()))
    }

    /// The checksum of all that was sent so far.
    pub(crate) fn checksum(&self) -> Checksum {
        self.hash.clone().finalize()
    }
}

/// An urgent message that is sent now.
pub(crate) fn urgent() -> Bytes {
    let mut message = vec![0; URGENT_MESSAGE];
    message[0] = URGENT;
    message[1..HEAD].copy_from_slice(&now().to_be_bytes());
    message.into()
}

/// A receipt as a message.
pub(crate) fn receipt(receipt: &Receipt) -> Bytes {
    let mut message = BytesMut::new();
    message.put_u8(RECEIPT);
    message.put_slice(&receipt.checksum);
    for channel in receipt.channels {
        for number in [channel.messages, channel.bytes, channel.p50, channel.p99] {
            message.put_u64(number);
        }
    }
    message.freeze()
}

/// Reads a message.
pub(crate) fn parse(message: &[u8]) -> Result<Message<'_>, Failure> {
    const NOT_OURS: Failure = Failure::Content("a message that is too short, or of no kind that it knows");
    let (&kind, rest) = message.split_first().ok_or(NOT_OURS)?;
    let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)).ok_or(NOT_OURS);
    Ok(match kind {
        OFFER => Message::Offer {
            size: number(rest)?,
            name: std::str::from_utf8(&rest[8..]).unwrap_or("a file without a name in UTF-8"),
        },
        DATA => Message::Data { sent: number(rest)?, bytes: &rest[8..] },
        URGENT => Message::Urgent { sent: number(rest)? },
        END => Message::End(checksum(rest).ok_or(NOT_OURS)?),
        RECEIPT => {
            let mut numbers = rest.get(32..).ok_or(NOT_OURS)?.chunks(8).map(number);
            let mut next = || numbers.next().unwrap_or(Err(NOT_OURS));
            let mut channel = || -> Result<_, Failure> {
                Ok(ChannelReport { messages: next()?, bytes: next()?, p50: next()?, p99: next()? })
            };
            let channels = [channel()?, channel()?];
            Message::Receipt(Receipt { checksum: checksum(rest).ok_or(NOT_OURS)?, channels })
        }
        _ => return Err(NOT_OURS),
    })
}

/// Reads a message that must be a receipt.
pub(crate) fn parse_receipt(message: &[u8]) -> Result<Receipt, Failure> {
    match parse(message)? {
        Message::Receipt(receipt) => Ok(receipt),
        _ => Err(Failure::Content("something else than a receipt")),
    }
}

fn checksum(bytes: &[u8]) -> Option<Checksum> {
    bytes.first_chunk::<32>().map(|bytes| (*bytes).into())
}
