//! A digest of what `Debug` would print, without the text.

use std::fmt::{self, Debug, Write};

/// Takes text in pieces. What stands in a field `counters` is left out: nothing of a session follows from what it has counted.
struct Digest {
    /// FNV-1a, 128 bits.
    sum: u128,
    /// How deep in the braces of the field that is left out.
    skips: Option<usize>,
}

impl Write for Digest {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let Some(depth) = &mut self.skips else {
            self.add(piece);
            self.skips = (piece == "counters").then_some(0);
            return Ok(());
        };
        for byte in piece.bytes() {
            match byte {
                b'{' => *depth += 1,
                b'}' => *depth -= 1,
                _ => continue,
            }
            if *depth == 0 {
                self.skips = None;
                break;
            }
        }
        Ok(())
    }
}

impl Digest {
    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.sum = (self.sum ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}

/// Two values that print the same but for their counters have the same digest.
pub(crate) fn digest(value: &impl Debug) -> u128 {
    let mut digest = Digest { sum: 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, skips: None };
    write!(digest, "{value:?}").expect("it takes everything");
    assert_eq!(digest.skips, None, "a field of counters without an end");
    digest.sum
}

#[test]
fn counters_are_left_out_and_nothing_else() {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Inner(u8, [u8; 2]);
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Counters {
        first: Inner,
        second: Option<Inner>,
    }
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Outer {
        before: u8,
        counters: Counters,
        after: u8,
    }
    let of = |before, counted, after| {
        let counters = Counters { first: Inner(counted, [0, counted]), second: Some(Inner(1, [counted, 2])) };
        digest(&Outer { before, counters, after })
    };
    assert_eq!(of(1, 2, 3), of(1, 4, 3));
    assert_ne!(of(1, 2, 3), of(2, 2, 3));
    assert_ne!(of(1, 2, 3), of(1, 2, 4));
}
