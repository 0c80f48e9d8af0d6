//! Over a real NATS server.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::go::Go;
use crate::ours::{Cost, Exchange, Faults, Ours, close, exchange};
use crate::wire::{Nats, Wire};

/// A server on a free port, as long as this lives.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// `None` when the program is not installed; says so.
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = ["nats-server", "/usr/sbin/nats-server"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        });
        let Some(child) = program else {
            println!("skipped: this machine has no nats-server");
            return None;
        };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(Self { child, port });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nats-server does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(server: &Server, go: &mut Go, number: u64, we_call: bool, faults: Faults, lens: &[usize]) -> Cost {
    let (own, other) = (format!("rust-{number}"), format!("go-{number}"));
    let wire = Wire::Nats(Nats::connect(server.port, &own, &other));
    let (session, _) = go.open(&json!({
        "net": "nats", "port": server.port, "local": other, "remote": own, "window": 64, "window_bytes": 8 << 20,
        "timeout_ms": 20, "keepalive_ms": 50, "connect_ms": 500,
        "faults": {"lose": faults.lose, "double": faults.double, "reorder": faults.reorder, "seed": faults.seed},
    }));
    let mut ours = Ours::new(wire, [&own, &other], we_call, faults, |config| config.max_datagram = 1 << 20);
    if !we_call {
        go.tell(&session, json!({"do": "connect"}));
    }
    let cost = exchange(&mut ours, go, &session, &Exchange { to_go: lens, to_us: lens });
    close(&mut ours, &session);
    cost
}

#[test]
#[ignore = "takes Go and nats-server"]
fn both_ways_over_a_nats_server() {
    let Some(server) = Server::start() else { return };
    let mut go = Go::run();
    let small: Vec<usize> = (0..400).map(|index| 1 + (index * 37) % 5_000).collect();
    let large = [500_000, 1, 524_288, 100_000, 300_000];
    let mut number = 0;
    for we_call in [true, false] {
        for lens in [&small[..], &large[..]] {
            number += 1;
            println!("{we_call}: {:?}", run(&server, &mut go, number, we_call, Faults::default(), lens));
        }
        let mut sum = Cost::default();
        for seed in 1..=4 {
            number += 1;
            let faults = Faults { lose: 10, double: 5, reorder: 10, first: None, seed };
            sum += run(&server, &mut go, number, we_call, faults, &small[..120]);
        }
        println!("{we_call}, with losses: {sum:?}");
    }
}
