//! A sandbox with two zones and an origin server, and helpers for requests to both servers.

use std::time::Duration;

use purge_router_sandbox::{Builder, Origin, Sandbox, SandboxToken, SandboxZone};
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const SITE: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
pub(crate) const OTHER: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
pub(crate) const NOBODYS: &str = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c";
pub(crate) const ACCOUNT: &str = "acacacacacacacacacacacacacacacac";
pub(crate) const SITE_TOKEN: &str = "cfut_of-the-site-0001";
pub(crate) const OTHER_TOKEN: &str = "cfut_of-the-other-0002";
pub(crate) const TOKEN_ID: &str = "10101010101010101010101010101010";

pub(crate) struct SandboxFixture {
    pub(crate) sandbox: Sandbox,
    pub(crate) origin: Origin,
    pub(crate) client: Client,
}

pub(crate) fn site() -> SandboxZone {
    SandboxZone {
        zone_id: SITE.into(),
        domain: "example.com".into(),
        account_id: Some(ACCOUNT.into()),
        hostnames: ["www.example.com", "assets.example.com", "shop.saas.net"].map(str::to_owned).into(),
        vary_headers: ["CF-Device-Type", "Origin"].map(str::to_owned).into(),
        ..SandboxZone::default()
    }
}

pub(crate) fn other() -> SandboxZone {
    SandboxZone {
        zone_id: OTHER.into(),
        domain: "other.org".into(),
        hostnames: vec!["www.other.org".into()],
        ..SandboxZone::default()
    }
}

pub(crate) fn token(secret: &str, zone_id: &str) -> SandboxToken {
    SandboxToken {
        secret: secret.into(),
        id: if zone_id == SITE { TOKEN_ID } else { zone_id }.into(),
        zones: vec![zone_id.into()],
        ..SandboxToken::default()
    }
}

pub(crate) fn builder() -> Builder {
    let tokens = [token(SITE_TOKEN, SITE), token(OTHER_TOKEN, OTHER)];
    tokens.into_iter().fold(Sandbox::builder().zone(site()).zone(other()), Builder::token)
}

impl SandboxFixture {
    /// A fixture without rate limits.
    pub(crate) async fn new() -> Self {
        Self::of(builder().rate_limits(false)).await
    }

    pub(crate) async fn of(builder: Builder) -> Self {
        let origin = Origin::start().await.unwrap();
        let sandbox = builder.origin(None, origin.url()).start().await.unwrap();
        Self { sandbox, origin, client: client() }
    }

    /// Sends a body to `purge_cache` or `invalidate_cache`.
    pub(crate) async fn send(&self, endpoint: &str, zone_id: &str, secret: &str, body: &str) -> Response {
        let url = format!("{}/zones/{zone_id}/{endpoint}", self.sandbox.api_url());
        self.client.post(url).bearer_auth(secret).body(body.to_owned()).send().await.unwrap()
    }

    /// Purges from the site's zone, which must be accepted.
    pub(crate) async fn purge(&self, body: &str) {
        assert_eq!(self.send("purge_cache", SITE, SITE_TOKEN, body).await.status(), 200, "{body}");
    }

    pub(crate) async fn purge_answer(&self, body: &str) -> Response {
        self.send("purge_cache", SITE, SITE_TOKEN, body).await
    }

    pub(crate) async fn get(&self, host: &str, target: &str) -> Seen {
        self.visit("GET", host, target, &[]).await
    }

    pub(crate) async fn visit(&self, method: &str, host: &str, target: &str, headers: &[(&str, &str)]) -> Seen {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
        raw(&self.sandbox.edge_url(), &request).await
    }
}

pub(crate) fn client() -> Client {
    Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

pub(crate) async fn json(response: Response) -> Value {
    response.json().await.unwrap()
}

/// An answer, read as text.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn cache(&self) -> &str {
        self.header("cf-cache-status").unwrap_or("none")
    }
}

/// Sends a request byte for byte. HTTP clients would normalize its URL.
pub(crate) async fn raw(base: &str, request: &str) -> Seen {
    let exchange = async {
        let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), exchange).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Seen { status, head: head.to_owned(), body: body.to_owned() }
}
