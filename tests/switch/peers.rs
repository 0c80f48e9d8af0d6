//! Who becomes a peer, what reactors see, and how it ends.

use bytes::{Bytes, BytesMut};
use mconn::connection::{ChannelConfig, ConfigError, SendRefusal};
use mconn::machine::Fault;
use mconn::peer::switch::{
    AcceptRefusal, Context, DialRefusal, DuplicateChannel, EndReason, Event, PeerFilter, Switch, SwitchConfig,
    SwitchError,
};
use mconn::peer::{MessageCodec, NodeInfo, PeerAddress, Typed, TypedContext, TypedReactor, UpgradeError};
use mconn::secret::{HandshakeError, NodeId};
use mconn::time::{Duration, Instant};

use crate::net::{CHANNEL, Log, Net, Witness, address, builder, key, node, short};

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

fn two() -> (Net, Log, Log) {
    let ((one, first), (two, second)) = (node(1, SwitchConfig::default()), node(2, SwitchConfig::default()));
    let mut net = Net::new([(1, one), (2, two)]);
    net.act(1, |context| context.dial(&address(2))).unwrap();
    (net, first, second)
}

fn id(seed: u8) -> NodeId {
    key(seed).id()
}

/// How the connections of a node have ended.
fn endings(net: &Net, of: u8) -> Vec<EndReason> {
    let ended = net.events.iter().filter(|(seed, _)| *seed == of);
    ended
        .filter_map(|(_, event)| match event {
            Event::Ended { reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn reactors_see_peers_come_speak_and_go_in_the_order_of_registration() {
    let log = Log::default();
    let mut first = builder(1, SwitchConfig::default());
    first.add_reactor(Witness { name: "a", channel: CHANNEL, log: log.clone() }).unwrap();
    first.add_reactor(Witness { name: "b", channel: 0x78, log: log.clone() }).unwrap();
    let (second, _) = node(2, SwitchConfig::default());
    let mut net = Net::new([(1, first.build(1, Instant::ZERO).unwrap()), (2, second)]);
    net.act(1, |context| context.dial(&address(2))).unwrap();
    net.act(2, |context| context.try_send(&id(1), CHANNEL, Bytes::from("ping"))).unwrap();
    assert!(net.act(2, |context| context.stop_peer(&id(1), "enough")));
    let other = short(id(2));
    let expected = ["a init", "b init", "a add", "b add", "a receive ping", "b remove", "a remove"];
    assert_eq!(taken(&log), expected.map(|what| format!("{what} {other}")));
    assert_eq!(endings(&net, 2), [EndReason::Stopped { why: "enough".into() }]);
    assert!(matches!(endings(&net, 1)[..], [EndReason::Peer(_)]));
}

#[test]
fn peers_are_known_by_what_they_say_and_where_they_come_from() {
    let (mut net, ..) = two();
    let look = |context: &mut Context<'_>, of: u8| {
        let peer = context.peer(&id(of)).unwrap();
        (peer.is_outbound(), peer.node_info().listen_addr.clone(), peer.remote_addr().map(|remote| remote.port()))
    };
    assert_eq!(net.act(1, |context| look(context, 2)), (true, "2.2.0.1:26656".into(), Some(26_656)));
    assert_eq!(net.act(2, |context| look(context, 1)), (false, "1.1.0.1:26656".into(), Some(26_656)));
    assert_eq!(net.act(1, |context| (context.outbound(), context.inbound())), ((1, 10), (0, 40)));
    assert!(net.act(2, |context| context.is_peer(&id(1)) && !context.is_connected(&id(3))));
    let started = |event: &Event| matches!(event, Event::PeerStarted { .. });
    assert_eq!(net.events.iter().filter(|(_, event)| started(event)).count(), 2);
}

#[test]
fn a_channel_belongs_to_one_reactor() {
    struct Twice;
    impl mconn::peer::Reactor for Twice {
        fn channels(&self) -> Vec<ChannelConfig> {
            vec![ChannelConfig::new(1, 1), ChannelConfig::new(1, 1)]
        }
        fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, _: Bytes) {}
    }
    let witness = || Witness { name: "", channel: CHANNEL, log: Log::default() };
    let mut builder = builder(1, SwitchConfig::default());
    builder.add_reactor(witness()).unwrap();
    assert_eq!(builder.add_reactor(witness()).err().map(|error| error.channel), Some(CHANNEL));
    let twice: Result<_, DuplicateChannel> = builder.add_reactor(Twice);
    assert_eq!(twice.unwrap_err().channel, 1);
    let switch = builder.build(1, Instant::ZERO).unwrap();
    assert_eq!(switch.local().info().channels, [CHANNEL]);
}

#[test]
fn what_can_not_work_is_no_switch() {
    let mut config = SwitchConfig::default();
    config.connection.packets_per_batch = 0;
    let error = builder(1, config).build(1, Instant::ZERO).unwrap_err();
    assert!(matches!(error, SwitchError::Config(ConfigError::ZeroLimit { .. })), "{error}");
    let mut info = NodeInfo::new(id(1), "net", []);
    info.moniker = String::new();
    let error = Switch::builder(key(1), info).build(1, Instant::ZERO).unwrap_err();
    assert!(matches!(error, SwitchError::LocalNode(_)), "{error}");
}

#[test]
fn a_broadcast_reaches_all_peers() {
    let nodes = [1, 2, 3].map(|seed| (seed, node(seed, SwitchConfig::default())));
    let logs = [nodes[1].1.1.clone(), nodes[2].1.1.clone()];
    let mut net = Net::new(nodes.map(|(seed, (switch, _))| (seed, switch)));
    net.act(1, |context| context.dial(&address(2))).unwrap();
    net.act(3, |context| context.dial(&address(1))).unwrap();
    let broadcast = net.act(1, |context| context.broadcast(CHANNEL, &Bytes::from("news")));
    assert_eq!((broadcast.queued, broadcast.refused), (2, 0));
    for log in logs {
        assert_eq!(taken(&log).last(), Some(&format!("w receive news {}", short(id(1)))));
    }
    assert_eq!(net.act(1, |context| context.try_broadcast(0x01, &Bytes::new())).refused, 2);
}

#[test]
fn what_finds_no_room_waits_and_is_dropped_after_ten_seconds() {
    let (mut net, _, log) = two();
    taken(&log);
    net.block(1, true);
    // One is about to be cut into packets, and two fit into the queue. The rest waits.
    let send = |net: &mut Net, text: String| net.act(1, |context| context.send(&id(2), CHANNEL, text.into()));
    for number in 0..5 {
        send(&mut net, number.to_string()).unwrap();
    }
    let refused = net.act(1, |context| context.try_send(&id(2), CHANNEL, Bytes::from("now"))).unwrap_err();
    assert!(matches!(refused.refusal, SendRefusal::Full { .. }) && refused.message == "now", "{refused}");
    net.pass(Duration::from_secs(9));
    net.block(1, false);
    let received: Vec<_> = (0..5).map(|number| format!("w receive {number} {}", short(id(1)))).collect();
    assert_eq!(taken(&log), received);

    net.block(1, true);
    for number in 0..5 {
        send(&mut net, number.to_string()).unwrap();
    }
    net.pass(Duration::from_millis(10_001));
    net.block(1, false);
    assert_eq!((taken(&log).len(), net.switch(1).dropped_messages()), (3, 2));
    net.block(1, true);
    let accepted = (0..100).take_while(|number| send(&mut net, number.to_string()).is_ok()).count();
    assert_eq!(accepted, 3 + 64);
}

#[test]
fn a_message_to_nobody_comes_back() {
    let (mut net, ..) = two();
    let refused = net.act(1, |context| context.send(&id(9), CHANNEL, Bytes::from("x"))).unwrap_err();
    assert_eq!((refused.refusal, refused.message), (SendRefusal::Closed, Bytes::from("x")));
    assert!(!net.act(1, |context| context.stop_peer(&id(9), "") || context.close_peer(&id(9), None)));
}

#[test]
fn closing_lets_what_is_queued_leave() {
    let (mut net, _, log) = two();
    taken(&log);
    net.act(1, |context| {
        context.try_send(&id(2), CHANNEL, Bytes::from("last words")).unwrap();
        assert!(context.close_peer(&id(2), None));
        assert!(context.try_send(&id(2), CHANNEL, Bytes::new()).is_err());
    });
    assert_eq!(net.hung_up, [(1, true), (2, false)]);
    let other = short(id(1));
    assert_eq!(taken(&log), [format!("w receive last words {other}"), format!("w remove {other}")]);
    // With nothing to say it is over at once.
    net.act(1, |context| context.dial(&address(2))).unwrap();
    assert!(net.act(1, |context| context.close_peer(&id(2), None)));
    assert_eq!((net.peers(1), net.peers(2)), (vec![], vec![]));
}

#[test]
fn who_is_stopped_says_goodbye_to_all_and_takes_nobody() {
    let (mut net, log, _) = two();
    taken(&log);
    let now = net.now;
    net.switch(1).stop(now);
    net.settle();
    assert_eq!(taken(&log), [format!("w remove {}", short(id(2)))]);
    assert_eq!(endings(&net, 1), [EndReason::SwitchStopped]);
    let ephemeral = net.ephemeral();
    let accepted = net.switch(1).accepted(now, "9.9.9.9:1".parse().unwrap(), ephemeral);
    assert_eq!(accepted, Err(AcceptRefusal::Stopped));
    assert_eq!(net.act(1, |context| context.dial(&address(2))), Err(DialRefusal::Stopped));
    assert!(!net.switch(1).add_persistent_peer(now, address(2)));
    assert_eq!((net.peers(2), net.switch(1).poll_timeout()), (vec![], None));
}

#[derive(Debug)]
struct Picky;

impl PeerFilter for Picky {
    fn check_address(&mut self, remote: std::net::SocketAddr) -> Result<(), String> {
        if remote.ip() == std::net::Ipv4Addr::new(3, 3, 0, 1) { Err("not from there".into()) } else { Ok(()) }
    }

    fn check_node(&mut self, info: &NodeInfo, remote: std::net::SocketAddr, is_outbound: bool) -> Result<(), String> {
        assert_eq!(info.listen_addr, remote.to_string());
        if is_outbound { Err("not as a client".into()) } else { Ok(()) }
    }
}

#[test]
fn filters_refuse_by_address_and_by_what_a_node_says() {
    let mut config = SwitchConfig::default();
    config.filter = Some(Box::new(Picky));
    let (switch, log) = node(1, config);
    let others = [2, 3].map(|seed| (seed, node(seed, SwitchConfig::default()).0));
    let mut net = Net::new(others.into_iter().chain([(1, switch)]));
    net.act(3, |context| context.dial(&address(1))).unwrap();
    assert!(matches!(&endings(&net, 3)[..], [EndReason::DialFailed { why }] if why.contains("not from there")));
    assert_eq!(endings(&net, 3)[0].fault(), Fault::Network);
    net.act(1, |context| context.dial(&address(3))).unwrap();
    net.act(1, |context| context.dial(&address(2))).unwrap();
    let why = |why: &str| EndReason::Filtered { why: why.into() };
    assert_eq!(endings(&net, 1), [why("not from there"), why("not as a client")]);
    assert_eq!(endings(&net, 1)[0].fault(), Fault::Ours);
    let ended = |seed: u8| format!("w dial ended {}", short(id(seed)));
    assert_eq!(taken(&log), [ended(3), ended(2)]);
    net.act(2, |context| context.dial(&address(1))).unwrap();
    assert_eq!(net.peers(1), [id(2)]);
}

#[test]
fn who_is_not_who_was_dialled_is_no_peer() {
    let (mut net, log, other) = two();
    taken(&log);
    taken(&other);
    let wrong = PeerAddress { id: id(3), ..address(2) };
    let mut third = Net::new([(2, node(2, SwitchConfig::default()).0), (4, node(4, SwitchConfig::default()).0)]);
    third.act(4, |context| context.dial(&wrong)).unwrap();
    let [EndReason::Upgrade(UpgradeError::Handshake(HandshakeError::WrongPeer { expected, found })), ..] =
        endings(&third, 4)[..]
    else {
        panic!("{:?}", third.events)
    };
    assert_eq!((expected, found), (id(3), id(2)));
    assert_eq!(endings(&third, 4)[0].fault(), Fault::Peer);
    assert_eq!(third.peers(2), []);
    assert_eq!(net.act(1, |context| context.dial(&address(1))), Err(DialRefusal::Ourselves));
    let there = Err(DialRefusal::AlreadyThere { id: id(2) });
    assert_eq!(net.act(1, |context| context.dial(&wrong_at(2))), there);
}

/// The same node somewhere else.
fn wrong_at(seed: u8) -> PeerAddress {
    PeerAddress { at: address(9).at, ..address(seed) }
}

#[test]
fn who_says_nothing_is_hung_up_after_the_handshake_timeout() {
    let (mut net, ..) = two();
    let ephemeral = net.ephemeral();
    let connection = net.switch(2).accepted(Instant::ZERO, "9.9.9.9:1".parse().unwrap(), ephemeral).unwrap();
    net.pass(Duration::from_secs(19));
    assert!(net.hung_up.is_empty());
    net.pass(Duration::from_secs(2));
    assert_eq!(net.hung_up, [(2, false)]);
    assert!(matches!(endings(&net, 2)[..], [EndReason::Upgrade(UpgradeError::Timeout { .. })]));
    // Its number means nothing any more.
    let (now, mut bytes) = (net.now, BytesMut::from(&b"late"[..]));
    let switch = net.switch(2);
    switch.received(now, connection, &mut bytes, true);
    switch.transport_failed(now, connection);
    switch.dial_failed(now, connection, "");
    assert_eq!((switch.transmit_into(now, connection, &mut bytes, 9999), switch.recv_budget(now, connection)), (0, 0));
    assert_eq!(switch.poll_command(), None);
}

#[test]
fn bytes_that_are_no_message_stop_the_peer() {
    struct Words;
    impl MessageCodec for Words {
        type Message = String;
        type Error = std::str::Utf8Error;
        fn encode(&self, _: u8, message: &String) -> Bytes {
            message.clone().into()
        }
        fn decode(&self, _: u8, bytes: Bytes) -> Result<String, Self::Error> {
            std::str::from_utf8(&bytes).map(Into::into)
        }
    }
    #[derive(Default)]
    struct Listener(Vec<String>);
    impl TypedReactor for Listener {
        type Codec = Words;
        fn channels(&self) -> Vec<ChannelConfig> {
            vec![ChannelConfig::new(CHANNEL, 1)]
        }
        fn add_peer(&mut self, context: &mut TypedContext<'_, '_, Words>, peer: NodeId) {
            assert!(context.is_peer(&peer));
            assert_eq!(context.broadcast(CHANNEL, &"ping".into()).queued, 1);
        }
        fn receive(&mut self, _: &mut TypedContext<'_, '_, Words>, _: NodeId, _: u8, message: String) {
            self.0.push(message);
        }
    }
    let mut typed = builder(1, SwitchConfig::default());
    typed.add_reactor(Typed::new(Listener::default(), Words)).unwrap();
    let mut net = Net::new([(1, typed.build(1, Instant::ZERO).unwrap()), (2, node(2, SwitchConfig::default()).0)]);
    net.act(1, |context| context.dial(&address(2))).unwrap();
    net.act(2, |context| context.try_send(&id(1), CHANNEL, Bytes::from_static(&[0xff]))).unwrap();
    assert!(matches!(&endings(&net, 1)[..], [EndReason::Stopped { why }] if why.contains("0x77: invalid utf-8")));
    let listener = net.switch(1).reactor::<Typed<Listener>>().unwrap();
    assert_eq!(listener.get().0, ["pong"]);
}
