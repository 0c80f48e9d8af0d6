//! NodeInfo from anywhere: what is written is read back, and nothing that is sent can do harm.

use mconn::peer::{NodeInfo, ProtocolVersion};
use proptest::prelude::*;

fn any_info() -> impl Strategy<Value = NodeInfo> {
    let texts = proptest::collection::vec("\\PC{0,40}", 7);
    let channels = proptest::collection::vec(any::<u8>(), 0..20);
    (any::<(u64, u64, u64)>(), texts, channels).prop_map(|((p2p, block, app), texts, channels)| {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().unwrap();
        let mut info = NodeInfo::default();
        info.protocol = ProtocolVersion { p2p, block, app };
        info.node_id = text();
        info.listen_addr = text();
        info.network = text();
        info.version = text();
        info.channels = channels;
        info.moniker = text();
        info.tx_index = text();
        info.rpc_address = text();
        info
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(info in any_info()) {
        let wire = info.encode();
        prop_assert_eq!(NodeInfo::decode(&wire), Ok(info.clone()));
        // Whether it is valid or not: looking does no harm.
        _ = info.validate();
        prop_assert!(info.compatible_with(&info).is_ok());
        // A part of it is none.
        for cut in 0..wire.len() {
            prop_assert!(NodeInfo::decode(&wire[..cut]).is_err());
        }
    }

    #[test]
    fn changed_bytes_do_no_harm(info in any_info(), changes in proptest::collection::vec(any::<(usize, u8)>(), 1..5)) {
        let mut wire = info.encode();
        for (position, byte) in changes {
            let position = position % wire.len();
            wire[position] = byte;
        }
        if let Ok(read) = NodeInfo::decode(&wire) {
            prop_assert_eq!(NodeInfo::decode(&read.encode()), Ok(read.clone()));
            _ = read.validate();
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = NodeInfo::decode(&bytes) {
            prop_assert_eq!(NodeInfo::decode(&read.encode()), Ok(read));
        }
    }
}
