//! A middle man between sockets who loses datagrams.

use core::net::SocketAddr;

use tokio::net::UdpSocket;

/// Carries datagrams between whoever talks to it and `server`, and drops those of which `keep` says so by their number. Gives its
/// address.
pub(crate) async fn start(server: SocketAddr, mut keep: impl FnMut(u64) -> bool + Send + 'static) -> SocketAddr {
    let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    back.connect(server).await.unwrap();
    let address = front.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut there, mut here) = (vec![0; 65536], vec![0; 65536]);
        let mut client = None;
        for number in 0.. {
            tokio::select! {
                Ok((len, from)) = front.recv_from(&mut there) => {
                    client = Some(from);
                    if keep(number) {
                        _ = back.send(&there[..len]).await;
                    }
                }
                Ok(len) = back.recv(&mut here) => {
                    if let (true, Some(client)) = (keep(number), client) {
                        _ = front.send_to(&here[..len], client).await;
                    }
                }
                else => return,
            }
        }
    });
    address
}
