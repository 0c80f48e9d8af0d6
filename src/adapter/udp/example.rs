use bytes::Bytes;
use mconn::adapter::udp::UdpEndpoint;
use mconn::adapter::window::fresh_endpoint_config;
use mconn::sliding_window::SendOptions;

# #[tokio::main(flavor = "current_thread")]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
let (server, driver) = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config()?).await?;
tokio::spawn(driver);
let (client, driver) = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config()?).await?;
tokio::spawn(driver);

let alice = client.connect(server.local_addr()).await?;
let bob = server.accept().await.expect("somebody calls");
alice.send(Bytes::from("hello"), &SendOptions::default()).await?;
alice.close();
assert_eq!(bob.recv().await.expect("a message").payload, "hello");
assert_eq!(bob.recv().await, None);
assert!(alice.closed().await.is_orderly());
# Ok(())
# }
