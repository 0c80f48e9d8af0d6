//! The limit of everything that copies: slices of a 1 MiB source into a buffer of 64 KiB, and nothing else.

use std::hint::black_box;

use crate::contender::{Contender, InMemory};
use crate::load::{KIB, MIB};

/// The name in the table.
pub const NAME: &str = "memcpy";

/// Copies slices of `size` bytes.
#[must_use]
pub fn contender(size: usize) -> Box<dyn Contender> {
    let source = vec![0x5a_u8; MIB];
    let mut target = vec![0_u8; 64 * KIB];
    InMemory::boxed(NAME, move |operations| copy(&source, &mut target, black_box(size), operations))
}

fn copy(source: &[u8], target: &mut [u8], size: usize, operations: u64) {
    let mut left = operations as usize;
    while left > 0 {
        for window in source.chunks_exact(target.len()) {
            let pairs = target.chunks_exact_mut(size).zip(window.chunks_exact(size)).take(left);
            left -= pairs.len();
            for (slot, piece) in pairs {
                slot.copy_from_slice(piece);
            }
            black_box(&mut *target);
        }
    }
}

/// Copies messages of any size in pieces of 1 KiB at most, as packets would.
#[must_use]
pub fn messages(size: usize) -> Box<dyn Contender> {
    let piece = size.min(KIB);
    let pieces = (size / piece) as u64;
    let source = vec![0x5a_u8; MIB];
    let mut target = vec![0_u8; 64 * KIB];
    InMemory::boxed(NAME, move |operations| copy(&source, &mut target, black_box(piece), operations * pieces))
}
