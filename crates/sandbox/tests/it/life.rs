//! Starting and stopping.

use std::io::ErrorKind;
use std::net::SocketAddr;

use purge_router_sandbox::{Fault, FaultKind, Sandbox, SandboxToken, SandboxZone};
use purge_router_test_support::until;
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{NOBODYS, SITE, SITE_TOKEN, SandboxFixture, builder, site, token};

#[tokio::test]
async fn an_invalid_description_does_not_start() {
    let zone = || Sandbox::builder().zone(site());
    for (builder, part) in [
        (Sandbox::builder().zone(SandboxZone { zone_id: "z".into(), ..site() }), "\"z\""),
        (zone().zone(site()), SITE),
        (zone().token(SandboxToken { id: "t".into(), ..token(SITE_TOKEN, SITE) }), "\"t\""),
        (zone().token(token(SITE_TOKEN, NOBODYS)), NOBODYS),
        (zone().origin(None, "example.com/bucket"), "example.com/bucket"),
    ] {
        let error = builder.start().await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains(SITE_TOKEN), "{error}");
    }
}

#[tokio::test]
async fn addresses_can_be_set_and_are_free_after_a_stop() {
    let address = free_address().await;
    for _ in 0..2 {
        let sandbox = builder().api_address(address).start().await.unwrap();
        assert_eq!(sandbox.api_url(), format!("http://{address}/client/v4"));
        sandbox.stop().await;
    }
    let sandbox = builder().edge_address(address).start().await.unwrap();
    assert_eq!(sandbox.edge_url(), format!("http://{address}"));
    assert_eq!(builder().api_address(address).start().await.err().unwrap().kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_stop_ends_requests_that_hang() {
    let fixture = SandboxFixture::new().await;
    fixture.sandbox.add_fault(Fault::new(FaultKind::Hang));
    let request = fixture.client.get(fixture.sandbox.api_url()).send();
    let stop = async {
        until(async || !fixture.sandbox.requests().is_empty()).await;
        fixture.sandbox.stop().await;
    };
    let (answer, ()) = tokio::join!(request, stop);
    assert!(!answer.unwrap_err().is_timeout());
}

#[tokio::test]
async fn dropping_stops_too() {
    let address = free_address().await;
    drop(builder().api_address(address).start().await.unwrap());
    until(async || TcpStream::connect(address).await.is_err()).await;
}

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
