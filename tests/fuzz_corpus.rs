//! Replays the corpora of the fuzz targets, and the golden data through the same checks.

mod fuzz_checks;

use std::fs;
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// The inputs of a file of golden data, and the target that takes them.
fn golden(file: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.map(|row| hex::decode(row["hex"].as_str().unwrap()).unwrap()).collect()
}

const GOLDEN: [(&str, &str, u8); 6] = [
    ("proto_packets.jsonl", "decode_proto3", 0),
    ("proto_decode_cases.jsonl", "decode_proto3", 0),
    ("amino_packets.jsonl", "decode_amino", 1),
    ("amino_decode_cases.jsonl", "decode_amino", 1),
    ("gowire_packets.jsonl", "decode_gowire", 2),
    ("gowire_decode_cases.jsonl", "decode_gowire", 2),
];

/// The inputs of a file of golden data of go-sliding-window; long ones are not written out there.
fn legacy_golden(file: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sliding_window").join(file);
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.filter_map(|row| row["hex"].as_str().map(|hex| hex::decode(hex).unwrap())).collect()
}

const LEGACY_GOLDEN: [&str; 4] = ["packet.jsonl", "packet_decode.jsonl", "synackack.jsonl", "bigfile.jsonl"];

#[test]
fn every_input_of_the_corpora_passes() {
    for (target, check) in fuzz_checks::TARGETS {
        let files = fs::read_dir(corpus(target)).unwrap_or_else(|error| panic!("no corpus for {target}: {error}"));
        let mut inputs = 0;
        for file in files {
            check(&fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 10, "the corpus of {target} has only {inputs} inputs");
    }
}

#[test]
fn the_golden_data_pass_the_checks_of_the_fuzz_targets() {
    for (file, target, era) in GOLDEN {
        let (_, check) = fuzz_checks::TARGETS.iter().find(|(name, _)| *name == target).unwrap();
        for input in golden(file) {
            check(&input);
            for choice in [0, 8, 16] {
                // `choice` modulo 3 is the era.
                let choice = (0..3).map(|step| choice + step).find(|choice| choice % 3 == era).unwrap();
                fuzz_checks::connection_bytes(&[&[choice, 7], input.as_slice()].concat());
            }
        }
    }
    for input in LEGACY_GOLDEN.into_iter().flat_map(legacy_golden) {
        fuzz_checks::decode_legacy_packet(&input);
    }
    for body in golden("proto_mutations.jsonl") {
        let length = u8::try_from(body.len()).unwrap();
        assert!(length < 0x80);
        fuzz_checks::decode_proto3(&[&[length], body.as_slice()].concat());
    }
}

/// Writes the corpora anew from the golden data: `cargo test --test fuzz_corpus -- --ignored`.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_the_corpora() {
    let mut streams = Vec::new();
    for (file, target, era) in GOLDEN {
        let inputs = golden(file);
        // A hundred of each file are enough to start from; the test above replays them all.
        let step = inputs.len().div_ceil(100);
        for (number, input) in inputs.into_iter().enumerate().step_by(step) {
            let name = format!("{}_{number:03}", file.trim_end_matches(".jsonl"));
            write(target, &name, &input);
            streams.push((name, [&[era, 3], input.as_slice()].concat()));
        }
    }
    for (name, stream) in &streams {
        write("connection_bytes", name, stream);
    }
    for (number, packet) in fuzz_checks::native_packet::examples().iter().enumerate() {
        write("decode_native_packet", &format!("example_{number:02}"), packet);
    }
    for file in LEGACY_GOLDEN {
        for (number, input) in legacy_golden(file).into_iter().enumerate() {
            let name = format!("{}_{number:03}", file.trim_end_matches(".jsonl"));
            write("decode_legacy_packet", &name, &input);
        }
    }
    for (number, input) in golden("node_info.jsonl").into_iter().enumerate() {
        for cut in 0..3 {
            // With its length, without it, and cut short.
            let end = if cut == 2 { input.len() / 2 } else { input.len() };
            write("node_info", &format!("node_info_{number:03}_{cut}"), &input[cut.min(1)..end]);
        }
    }
    #[cfg(feature = "peer")]
    write_pex();
    for seed in 0..40_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let bytes: Vec<u8> = (0..600)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 24) as u8
            })
            .collect();
        for target in [
            "pair_operations",
            "secret_handshake",
            "secret_frames",
            "peer_upgrade",
            "pex",
            "switch_operations",
            "legacy_session",
            "window_packets",
            "window_operations",
        ] {
            write(target, &format!("seed_{seed:02}"), &bytes);
        }
    }
}

/// Messages of peer exchange, whole and cut short.
#[cfg(feature = "peer")]
fn write_pex() {
    use mconn::peer::pex::PexMessage;
    let address = |host: &str| format!("730a5edc28c2f8daf2d9dce3a01d5f205e35e555@{host}").parse().unwrap();
    let addresses = ["1.2.3.4:26656", "[2606:4700::1]:1", "10.0.0.1:65535"].map(address);
    let all =
        [PexMessage::Request, PexMessage::Addresses(addresses[..1].to_vec()), PexMessage::Addresses(addresses.into())];
    for (number, message) in all.iter().enumerate() {
        let bytes = message.encode();
        write("pex", &format!("message_{number}"), &bytes);
        write("pex", &format!("message_{number}_cut"), &bytes[..bytes.len() / 2 + 1]);
    }
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    fs::create_dir_all(corpus(target)).unwrap();
    fs::write(corpus(target).join(name), bytes).unwrap();
}
