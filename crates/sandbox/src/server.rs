//! A small HTTP/1 server around a router.
//!
//! Unlike `axum::serve` it can end a connection without an answer, and on stopping it closes every connection at
//! once, also those whose request is still being worked on.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// A running server. Dropping it stops it, without waiting for the end.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Binds `address` and serves `router` from then on.
    pub(crate) async fn start(address: SocketAddr, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, router, stopped));
        Ok(Self { address, stop, accepting })
    }

    /// The address that was bound, as the base of a URL without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops and waits until every connection is closed.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        // It ends in an error only if the runtime itself is going down.
        let _ = self.accepting.await;
    }
}

/// A response that is never sent: in its place, the connection is reset.
pub(crate) fn reset() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(Reset);
    response
}

/// Whether `response` stands for a reset.
pub(crate) fn is_reset(response: &Response) -> bool {
    response.extensions().get::<Reset>().is_some()
}

/// Marks a response, and then is the error that ends the connection.
#[derive(Debug, Clone, Copy)]
struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is to be reset")
    }
}

impl Error for Reset {}

async fn accept(listener: TcpListener, router: Router, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => { connections.spawn(serve(stream, peer, router.clone())); }
                Err(error) => {
                    // Usually too many open files: give connections time to end.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router) {
    // Without it, small answers can wait 40 ms for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.call(request);
        async move {
            let Ok(response) = answer.await;
            if is_reset(&response) { Err(Reset) } else { Ok(response) }
        }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let Err(error) = (&mut connection).await else { return };
    if error.source().is_some_and(|source| source.is::<Reset>()) {
        // Dropped with a linger time of zero, a socket sends a TCP reset and not the end of a stream.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    } else {
        tracing::debug!(%error, "a connection ended early");
    }
}
