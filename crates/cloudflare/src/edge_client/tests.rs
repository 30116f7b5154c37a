//! Where the client goes, and where it does not, with real connections on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A server that answers each connection with the same bytes.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(response: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let received = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = connection.read(&mut request).await.unwrap_or_default();
                received.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
                drop(connection.write_all(response.as_bytes()).await);
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A client whose names resolve to this address, and how often it asked.
fn client_of(address: SocketAddr) -> (EdgeClient, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(vec![address]) })
    });
    (EdgeClient::with_lookup(lookup).unwrap(), asked)
}

#[tokio::test]
async fn a_head_request_has_no_credentials_and_its_headers_are_read() {
    let server = Server::start(
        "HTTP/1.1 200 OK\r\nCF-Cache-Status: HIT\r\nAge: 7\r\nETag: W/\"a\"\r\nSet-Cookie: a=b\r\nContent-Length: 9\r\n\r\n",
    )
    .await;
    let client = EdgeClient::of_sandbox(&server.url()).unwrap();
    let cached = EdgeResponse {
        status: 200,
        cache_status: Some("HIT".to_owned()),
        age: Some(7),
        etag: Some("W/\"a\"".to_owned()),
    };
    for _ in 0..2 {
        assert_eq!(client.head("https://www.website.com/a%20b.css?v=2", TIMEOUT).await.as_ref(), Ok(&cached));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        let mut lines: Vec<String> = request.trim_end().lines().map(str::to_ascii_lowercase).collect();
        lines[1..].sort();
        let agent = format!("user-agent: purge-router/{} (verify)", env!("CARGO_PKG_VERSION"));
        let expected = [
            "head /a%20b.css?v=2 http/1.1",
            "accept: */*",
            "host: www.website.com",
            &agent,
            "x-forwarded-proto: https",
        ];
        assert_eq!(lines, expected);
    }
}

#[tokio::test]
async fn a_redirect_is_a_response_and_is_not_followed() {
    let server =
        Server::start("HTTP/1.1 302 Found\r\nLocation: /other\r\nCF-Cache-Status: MISS\r\nContent-Length: 0\r\n\r\n")
            .await;
    let client = EdgeClient::of_sandbox(&server.url()).unwrap();
    let response = client.head("http://www.website.com/", TIMEOUT).await.unwrap();
    assert_eq!((response.status, server.requests().len()), (302, 1));
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let server = Server::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let (client, asked) = client_of(server.address);
    let url = format!("http://www.website.com:{}/", server.address.port());
    assert_eq!(client.head(&url, TIMEOUT).await, Err(NoEdgeResponse::BadUrl), "ports of a URL are refused");
    let refused = client.head("http://www.website.com/", TIMEOUT).await.unwrap_err().to_string();
    assert!(refused.ends_with("the host has no public address, but 127.0.0.1"), "{refused}");
    assert_eq!((asked.load(Ordering::Relaxed), server.requests().len()), (1, 0));
    // The same request arrives if nothing filters addresses.
    let http = builder().resolve("www.website.com", server.address).build().unwrap();
    http.head(&url).send().await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_name_is_resolved_and_checked_for_each_request() {
    let (client, asked) = client_of("10.0.0.1:80".parse().unwrap());
    for _ in 0..2 {
        let refused = client.head("http://www.website.com/", TIMEOUT).await.unwrap_err().to_string();
        assert!(refused.ends_with("the host has no public address, but 10.0.0.1"), "{refused}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn urls_that_name_an_address_or_are_respelled_are_refused() {
    let server = Server::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let client = EdgeClient::of_sandbox(&server.url()).unwrap();
    for bad in [
        "http://127.0.0.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://www.website.com:8080/",
        "http://user@www.website.com/",
        "http://WWW.website.com/",
        "http://www.website.com/a/../b",
        "http://www.website.com/a b",
        "ftp://127.0.0.1/",
        "not a URL",
    ] {
        assert_eq!(client.head(bad, TIMEOUT).await, Err(NoEdgeResponse::BadUrl), "{bad}");
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = EdgeClient::of_sandbox(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let response = client.head("https://www.website.com/", Duration::from_millis(50)).await;
    assert!(matches!(response, Err(NoEdgeResponse::Failed(_))), "{response:?}");
}

#[test]
fn a_sandbox_is_on_this_machine() {
    for good in ["http://127.0.0.1:8788", "http://localhost:8788/", "http://[::1]:1"] {
        assert!(EdgeClient::of_sandbox(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "https://127.0.0.1:8788",
        "http://10.0.0.1:8788",
        "http://www.website.com",
        "http://127.0.0.1:8788/path",
        "http://127.0.0.1:8788/?a",
        "http://user@127.0.0.1:8788",
        "http://localhost.website.com",
    ] {
        assert!(EdgeClient::of_sandbox(bad).is_err(), "{bad}");
    }
}
