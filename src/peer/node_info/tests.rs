//! The rules of NodeInfo, one by one. The golden data are in `tests/peer`.

use std::format;
use std::string::ToString;
use std::vec;

use super::*;
use crate::secret::NodeKey;
use crate::wire::DecodeRule;

fn info() -> NodeInfo {
    NodeInfo::new(NodeKey::from_seed(&[1; 32]).id(), "chain", [0x20, 0x21])
}

fn with(change: impl FnOnce(&mut NodeInfo)) -> NodeInfo {
    let mut info = info();
    change(&mut info);
    info
}

#[test]
fn each_rule_is_checked_in_the_order_of_go() {
    assert_eq!(info().validate(), Ok(()));
    // Each row breaks a rule, and all that come after it.
    type Change = fn(&mut NodeInfo);
    let rows: [(Change, &str); 8] = [
        (|info| info.rpc_address = "\u{e9}".into(), "the RPC address"),
        (|info| info.tx_index = "yes".into(), "tx_index is \"yes\""),
        (|info| info.moniker = " ".into(), "the moniker \" \""),
        (|info| info.channels = vec![1, 2, 1], "channel 0x01 stands there twice"),
        (|info| info.channels = (0..17).collect(), "17 channels; the limit is 16"),
        (|info| info.version = "1\t2".into(), "the version \"1\\t2\""),
        (|info| info.listen_addr = "10.0.0.1".into(), "the listen address \"10.0.0.1\": no port"),
        (|info| info.node_id = "x".into(), "the node id \"x\" does not have 40 hex digits"),
    ];
    let mut broken = info();
    for (change, words) in rows {
        change(&mut broken);
        let error = broken.validate().unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
}

#[test]
fn what_is_just_within_the_rules_passes() {
    for good in [
        with(|info| info.version = String::new()),
        with(|info| info.moniker = " ~!".into()),
        with(|info| info.channels = (0..16).map(|channel| channel * 17).collect()),
        with(|info| info.channels.clear()),
        with(|info| info.tx_index = "on".into()),
        with(|info| info.tx_index = "off".into()),
        with(|info| info.rpc_address = "anything".into()),
        with(|info| info.listen_addr = "example.com:1".into()),
        with(|info| info.network = "\u{fc}".into()),
        with(|info| info.node_id = info.node_id.to_uppercase()),
    ] {
        assert_eq!(good.validate(), Ok(()), "{good:?}");
    }
    for bad in [
        with(|info| info.moniker = String::new()),
        with(|info| info.moniker = "\u{7f}".into()),
        with(|info| info.version = "  ".into()),
        with(|info| info.rpc_address = "  ".into()),
    ] {
        assert!(bad.validate().is_err(), "{bad:?}");
    }
}

#[test]
fn two_nodes_need_the_same_blocks_and_network_and_a_channel_in_common() {
    let other = with(|info| {
        info.protocol = ProtocolVersion { p2p: 1, block: 11, app: 9 };
        info.channels = vec![0x21, 0x40];
    });
    assert_eq!(info().compatible_with(&other), Ok(()));
    let blocks = with(|info| info.protocol.block = 10);
    assert_eq!(info().compatible_with(&blocks), Err(Incompatible::Block { ours: 11, theirs: 10 }));
    let network = with(|info| info.network = "other".into());
    let different = Incompatible::Network { ours: "chain".into(), theirs: "other".into() };
    assert_eq!(info().compatible_with(&network), Err(different));
    let channels = with(|info| info.channels = vec![0x40]);
    let none = Incompatible::Channels { ours: vec![0x20, 0x21], theirs: vec![0x40] };
    assert_eq!(none.to_string(), "no channel in common: it has [40], we have [20, 21]");
    assert_eq!(info().compatible_with(&channels), Err(none));
    let looking = with(|info| info.channels.clear());
    assert_eq!(looking.compatible_with(&info()), Ok(()));
    assert!(info().compatible_with(&looking).is_err());
}

#[test]
fn a_set_of_channels_has_what_was_put_in() {
    let mut set = ChannelSet::default();
    for channel in [0, 63, 64, 127, 128, 200, 255] {
        assert!(!set.contains(channel));
        assert!(set.insert(channel) && !set.insert(channel));
    }
    let inside = (0..=255).filter(|channel| set.contains(*channel)).collect::<Vec<_>>();
    assert_eq!(inside, [0, 63, 64, 127, 128, 200, 255]);
}

/// The message with a length before it.
fn delimited(message: &[u8]) -> Vec<u8> {
    [&[u8::try_from(message.len()).unwrap()], message].concat()
}

#[test]
fn unknown_fields_are_passed_over_and_repeated_ones_replace_or_merge() {
    let twice = b"\x0a\x04\x08\x01\x10\x02\x0a\x04\x10\x03\x18\x04\x22\x01a\x22\x01b\x32\x02\x01\x02\x32\x01\x03";
    let other = b"\x42\x03\x0a\x01x\x42\x03\x12\x01y\x4a\x03abc\x50\x07\x0a\x02\x20\x09\x42\x02\x18\x01";
    let read = NodeInfo::decode(&delimited(&[&twice[..], other].concat())).unwrap();
    assert_eq!(read.protocol, ProtocolVersion { p2p: 1, block: 3, app: 4 });
    assert_eq!((read.network.as_str(), read.channels.as_slice()), ("b", &[3][..]));
    assert_eq!((read.tx_index.as_str(), read.rpc_address.as_str()), ("x", "y"));
}

#[test]
fn what_is_no_node_info_is_refused() {
    let decode = |wire: &[u8]| NodeInfo::decode(wire).unwrap_err();
    let rule = |rule, offset| NodeInfoDecodeError::Decode(crate::wire::DecodeError::new(rule, offset));
    assert_eq!(decode(b""), NodeInfoDecodeError::Length { wire_len: 0, found: 0 });
    assert_eq!(decode(b"\x02\x0a"), NodeInfoDecodeError::Length { wire_len: 3, found: 2 });
    assert_eq!(decode(b"\x00\x00"), NodeInfoDecodeError::Length { wire_len: 1, found: 2 });
    assert_eq!(decode(b"\x81\x50"), NodeInfoDecodeError::TooLong { length: 10_241, limit: 10_240 });
    assert_eq!(decode(b"\x80\x50"), NodeInfoDecodeError::Length { wire_len: 10_242, found: 2 });
    assert_eq!(decode(&[0xff; 10]), rule(DecodeRule::PrefixOverflow, 0));
    assert_eq!(decode(b"\x03\x22\x05a"), rule(DecodeRule::Truncated, 2));
    for (field, message) in [(2, "\x12\x01"), (3, "\x1a\x01"), (4, "\x22\x01"), (5, "\x2a\x01"), (7, "\x3a\x01")] {
        let wire = delimited(&[message.as_bytes(), &[0xff]].concat());
        assert_eq!(decode(&wire), NodeInfoDecodeError::NotUtf8 { field });
    }
    assert_eq!(decode(b"\x05\x42\x03\x0a\x01\xff"), NodeInfoDecodeError::NotUtf8 { field: 1 });
    // Known fields with the wire type of numbers, and versions with that of bytes.
    for field in 1..=8 {
        let wrong = rule(DecodeRule::WrongWireType { field, wire_type: 0 }, 1);
        assert_eq!(decode(&[2, u8::try_from(field << 3).unwrap(), 1]), wrong);
    }
    for field in 1..=3 {
        let tag = u8::try_from(field << 3 | 2).unwrap();
        let wrong = rule(DecodeRule::WrongWireType { field, wire_type: 2 }, 3);
        assert_eq!(decode(&[4, 0x0a, 2, tag, 0]), wrong);
    }
    let errors = [decode(b""), decode(b"\x81\x50"), decode(&[0xff; 10]), NodeInfoDecodeError::NotUtf8 { field: 4 }];
    assert!(errors.iter().all(|error| format!("{error}").contains("NodeInfo")));
}
