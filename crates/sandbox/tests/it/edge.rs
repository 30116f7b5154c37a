//! What the edge caches and forwards, and its answers if the origin server fails.

use purge_router_sandbox::{Origin, Sandbox};

use crate::fixture::{SITE, SITE_TOKEN, SandboxFixture, builder, other, raw, site};

#[tokio::test]
async fn only_200_answers_to_get_and_head_are_cached() {
    let fixture = SandboxFixture::new().await;
    fixture.origin.put("/page", "page");
    fixture.origin.put_with_headers("/mine", "mine", &[("cache-control", "max-age=60, Private")]);
    fixture.origin.put_with_headers("/never", "never", &[("cache-control", "no-store")]);
    fixture.origin.put_with_headers("/revalidated", "r", &[("cache-control", "no-cache, max-age=0")]);
    for (method, target, status, cache) in [
        ("GET", "/page", 200, ["MISS", "HIT"]),
        ("HEAD", "/page", 200, ["HIT", "HIT"]),
        ("HEAD", "/page?head", 200, ["MISS", "HIT"]),
        ("GET", "/page?head", 200, ["HIT", "HIT"]),
        ("POST", "/page", 200, ["DYNAMIC", "DYNAMIC"]),
        ("GET", "/mine", 200, ["BYPASS", "BYPASS"]),
        ("GET", "/never", 200, ["BYPASS", "BYPASS"]),
        ("GET", "/revalidated", 200, ["MISS", "HIT"]),
        ("GET", "/missing", 404, ["MISS", "MISS"]),
    ] {
        for expected in cache {
            let seen = fixture.visit(method, "www.example.com", target, &[]).await;
            assert_eq!((seen.status, seen.cache()), (status, expected), "{method} {target}");
            assert_eq!(seen.body.is_empty(), method == "HEAD", "{method} {target}");
        }
    }
}

#[tokio::test]
async fn a_request_reaches_the_origin_server_byte_for_byte() {
    let fixture = SandboxFixture::new().await;
    fixture.origin.put("a b", "spaced");
    for target in ["/a%20b", "/a/../b/./c", "/%2e%2E/x", "//x//", "/a\\b|^\"{}", "/é?q='1'&r=%20+", "/x?", "/?a?b"] {
        fixture.get("www.example.com", target).await;
        assert_eq!(fixture.origin.requests().last().unwrap().path, target);
    }
    assert_eq!(fixture.get("www.example.com", "/a%20b").await.body, "spaced");

    let headers = [
        ("x-forwarded-proto", "http"),
        ("x-mine", "1"),
        ("range", "bytes=0-1"),
        ("if-none-match", "*"),
        ("accept-encoding", "gzip"),
        ("keep-alive", "1"),
    ];
    fixture.visit("GET", "WWW.Example.com:8080", "/a%20b", &headers).await;
    let headers = fixture.origin.requests().last().unwrap().headers.clone();
    assert_eq!(format!("http://{}", headers["host"].to_str().unwrap()), fixture.origin.url());
    assert_eq!(headers["x-forwarded-host"], "WWW.Example.com:8080");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-mine"], "1");
    for name in ["range", "if-none-match", "accept-encoding", "keep-alive", "connection"] {
        assert!(!headers.contains_key(name), "{name}");
    }

    let request = "PUT /a%20b HTTP/1.1\r\nhost: www.example.com\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody";
    raw(&fixture.sandbox.edge_url(), request).await;
    let passed = fixture.origin.requests().pop().unwrap();
    assert_eq!((passed.method.as_str(), &passed.body[..]), ("PUT", &b"body"[..]));
}

#[tokio::test]
async fn an_answer_keeps_its_headers_but_not_the_origin_servers_own() {
    let fixture = SandboxFixture::new().await;
    let headers = [
        ("content-type", "text/css"),
        ("etag", "\"1\""),
        ("cache-tag", "red"),
        ("cf-cache-status", "HIT"),
        ("keep-alive", "timeout=5"),
    ];
    fixture.origin.put_with_headers("/a.css", "a", &headers);
    for cache in ["MISS", "HIT"] {
        let seen = fixture.get("www.example.com", "/a.css").await;
        assert_eq!(seen.header("etag"), Some("\"1\""));
        assert_eq!(seen.cache(), cache);
        assert!(seen.head.contains("text/css"), "{}", seen.head);
        assert_eq!(seen.head.matches("cf-cache-status").count(), 1);
        for name in ["cache-tag", "keep-alive"] {
            assert_eq!(seen.header(name), None, "{name} {cache}");
        }
    }
}

#[tokio::test]
async fn the_host_decides_zone_and_origin_server() {
    let own = Origin::start().await.unwrap();
    own.put("/bucket/a", "own");
    let zones = Sandbox::builder().zone(site()).zone(other());
    let fixture = SandboxFixture::of(zones.origin(Some("WWW.example.com"), format!("{}/bucket/", own.url()))).await;
    fixture.origin.put("/a", "default");
    for (host, status, body) in [
        ("www.example.com", 200, "own"),
        ("WWW.EXAMPLE.COM:80", 200, "own"),
        ("assets.example.com", 200, "default"),
        ("www.other.org", 200, "default"),
        ("unknown.example.com", 421, "no zone of this sandbox has the hostname \"unknown.example.com\"\n"),
        ("a b", 400, "the host is not a hostname\n"),
    ] {
        let seen = fixture.get(host, "/a").await;
        assert_eq!((seen.status, seen.body.as_str()), (status, body), "{host}");
    }
}

#[tokio::test]
async fn a_hostname_can_have_no_origin_server() {
    let sandbox = builder().start().await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: www.other.org\r\nconnection: close\r\n\r\n";
    let seen = raw(&sandbox.edge_url(), request).await;
    assert_eq!((seen.status, seen.body.as_str()), (502, "no origin server is set for www.other.org\n"));
}

#[tokio::test]
async fn without_an_origin_server_only_the_cache_answers() {
    let origin = Origin::start().await.unwrap();
    origin.put("/kept", "kept");
    origin.put("/stale", "stale");
    let sandbox = builder().origin(Some("www.example.com"), origin.url());
    let fixture = SandboxFixture::of(sandbox).await;
    for target in ["/kept", "/stale"] {
        fixture.get("www.example.com", target).await;
    }
    let body = r#"{"files": ["https://www.example.com/stale"]}"#;
    assert_eq!(fixture.send("invalidate_cache", SITE, SITE_TOKEN, body).await.status(), 200);
    origin.stop().await;

    for (target, status, cache, body) in [
        ("/kept", 200, "HIT", "kept"),
        ("/stale", 200, "STALE", "stale"),
        ("/stale", 200, "STALE", "stale"),
        ("/new", 521, "none", "the origin server of www.example.com is down"),
        ("/new", 521, "none", "the origin server of www.example.com is down"),
    ] {
        let seen = fixture.get("www.example.com", target).await;
        assert_eq!((seen.status, seen.cache()), (status, cache), "{target}");
        assert!(seen.body.starts_with(body), "{target}: {}", seen.body);
    }
}

#[tokio::test]
async fn an_invalidated_object_that_is_deleted_is_evicted() {
    let fixture = SandboxFixture::new().await;
    let body = r#"{"files": ["https://www.example.com/a"]}"#;
    fixture.origin.put("/a", "a");
    fixture.get("www.example.com", "/a").await;
    fixture.origin.remove("/a");
    assert_eq!(fixture.send("invalidate_cache", SITE, SITE_TOKEN, body).await.status(), 200);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = fixture.get("www.example.com", "/a").await;
        seen.push((answer.status, answer.cache().to_owned()));
    }
    assert_eq!(seen, [(404, "EXPIRED".to_owned()), (404, "MISS".to_owned())]);
}
