//! Which configurations can work.

use mconn::sliding_window::{Config, ConfigError, PacketFormat, SlidingWindow};
use mconn::time::{Duration, Instant};

use crate::support::{Pair, config, payload, secs};

fn refused(change: impl FnOnce(&mut Config)) -> ConfigError {
    let mut config = config(0);
    change(&mut config);
    assert_eq!(config.validate(), SlidingWindow::listen(config.clone(), Instant::ZERO).map(|_| ()));
    SlidingWindow::connect(config, Instant::ZERO).map(|_| ()).unwrap_err()
}

#[test]
fn what_can_not_work_is_refused_and_named() {
    assert_eq!(refused(|config| config.tag = 0), ConfigError::ZeroTag);
    let name = |error| match error {
        ConfigError::OutOfRange { name, .. } | ConfigError::ZeroLimit { name } => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(name(refused(|config| config.max_datagram = 255)), "max_datagram");
    assert_eq!(name(refused(|config| config.max_datagram = (1 << 20) + 1)), "max_datagram");
    assert_eq!(name(refused(|config| config.handshake.attempts = 0)), "handshake.attempts");
    assert_eq!(name(refused(|config| config.handshake.first_timeout = Duration::ZERO)), "handshake.first_timeout");
    assert_eq!(name(refused(|config| config.handshake.max_timeout = Duration::ZERO)), "handshake.max_timeout");
    assert_eq!(name(refused(|config| config.send.max_messages = 0)), "send.max_messages");
    assert_eq!(name(refused(|config| config.send.max_bytes = config.send.max_message - 1)), "send.max_bytes");
    assert_eq!(name(refused(|config| config.send.max_message = 0)), "send.max_message");
    assert_eq!(name(refused(|config| config.send.window = 0)), "send.window");
    assert_eq!(name(refused(|config| config.receive.max_messages = 0)), "receive.max_messages");
    assert_eq!(name(refused(|config| config.receive.max_bytes = config.receive.max_message - 1)), "receive.max_bytes");
    assert_eq!(name(refused(|config| config.receive.max_message = 0)), "receive.max_message");
    assert_eq!(name(refused(|config| config.receive.window = 1 << 21)), "receive.window");
    assert_eq!(name(refused(|config| config.max_probes = 0)), "max_probes");
    let limit = mconn::sliding_window::UnackedLimit::new(0, secs(1));
    assert_eq!(name(refused(|config| config.unacked_limit = Some(limit))), "unacked_limit.packets");
    let limit = mconn::sliding_window::UnackedLimit::new(1, Duration::ZERO);
    assert_eq!(name(refused(|config| config.unacked_limit = Some(limit))), "unacked_limit.window");
    assert_eq!(name(refused(|config| config.keepalive = Some(Duration::ZERO))), "keepalive");
    assert_eq!(name(refused(|config| config.idle_timeout = Some(Duration::ZERO))), "idle_timeout");
    assert_eq!(name(refused(|config| config.zero_window_timeout = Some(Duration::ZERO))), "zero_window_timeout");
    let error = refused(|config| (config.keepalive, config.idle_timeout) = (Some(secs(5)), Some(secs(5))));
    assert_eq!(error, ConfigError::KeepaliveNotBelowIdleTimeout { keepalive: secs(5), idle_timeout: secs(5) });
    assert_eq!(error.to_string(), "the keepalive interval 5s is not below the idle timeout 5s", "errors are sentences");
}

#[test]
fn every_size_of_datagram_works_and_the_smaller_one_holds() {
    for (ours, theirs) in [(256, 256), (256, 65_507), (9000, 1200), (65_507, 65_507)] {
        for check in [false, true] {
            let [alice, bob] = [(0, ours), (1, theirs)].map(|(side, max_datagram)| {
                let mut config = config(side);
                (config.max_datagram, config.format) = (max_datagram, PacketFormat::Native { check });
                config
            });
            let mut pair = Pair::new(alice, bob);
            for number in 0..10 {
                pair.send(0, payload(number, 100_000));
                pair.send(1, payload(number, 100_000));
            }
            assert!(pair.run(secs(60), |pair| pair.sides.iter().all(|side| side.messages.len() == 10)));
            let largest = pair.sent.iter().map(|(_, datagram)| datagram.bytes.len()).max().unwrap();
            assert_eq!(largest, ours.min(theirs));
        }
    }
}
