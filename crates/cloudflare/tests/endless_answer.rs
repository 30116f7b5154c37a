//! An answer that does not end takes a bounded part of the memory.

use std::io;
use std::time::Duration;

use purge_router_cloudflare::{ApiToken, Client, Credential, Meaning};
use purge_router_core::names::CloudflareId;
use purge_router_core::{Body, Item, Mode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one request without an end, until the client closes the connection. Returns how many bytes were sent.
async fn answer_without_end(listener: TcpListener) -> io::Result<usize> {
    let (mut connection, _) = listener.accept().await?;
    assert_ne!(connection.read(&mut [0; 4096]).await?, 0, "a request");
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n").await?;
    let mut sent = 0;
    while connection.write_all(&[b'x'; 64 * 1024]).await.is_ok() {
        sent += 64 * 1024;
    }
    Ok(sent)
}

#[tokio::test]
async fn an_endless_answer_is_read_in_part_and_is_no_success() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let zone_id = CloudflareId::parse("023e105f4ecef8ad9ca31a8372d0c353").unwrap();
    let credential = Credential::from(ApiToken::parse("token").unwrap());
    let body = Body::of(&Item::Everything);
    let timeout = Duration::from_secs(60);
    let (sent, answer) =
        tokio::join!(answer_without_end(listener), client.send(&credential, &zone_id, Mode::Purge, &body, timeout),);
    let refusal = answer.unwrap_err();
    assert_eq!((refusal.meaning, refusal.status), (Meaning::ServerError, None));
    assert!(refusal.message.starts_with("HTTP 200 without the API's JSON: xxx"), "{}", refusal.message);
    let mebibytes = sent.unwrap() / 1024 / 1024;
    assert!((4..32).contains(&mebibytes), "4 MiB and what the sockets hold: {mebibytes} MiB");
}
