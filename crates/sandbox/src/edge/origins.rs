//! Requests from the edge to the origin servers.
//!
//! The visitor's path and query are forwarded byte for byte: `http::Uri` keeps them, whereas a client based on the
//! `url` crate would resolve dot segments and re-encode. Only the path of the origin server's own URL is put in front.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::TokioExecutor;

use super::visit::{PlainAnswer, Visit, X_FORWARDED_PROTO};
use crate::item::Scheme;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// How long an origin server may take for a complete cacheable answer, or until any other answer begins.
const ORIGIN_TIMEOUT: Duration = Duration::from_secs(30);

const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HOST,
];

/// Headers that ask for anything but the whole plain object. Only that can be cached for all visitors.
const NOT_FORWARDED: [HeaderName; 8] =
    [ACCEPT_ENCODING, CONTENT_LENGTH, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE];

/// The origin servers, and an HTTP client for them.
pub(crate) struct Origins {
    by_host: HashMap<String, OriginServer>,
    default: Option<OriginServer>,
    client: OriginClient,
}

struct OriginServer {
    scheme: Scheme,
    authority: Authority,
    /// The prefix of every path; empty, or begins with `/` and does not end with it.
    path: String,
}

/// TLS needs the system's certificates. Reading them takes time, and fails if there are none, so it is done only if an
/// origin server needs TLS.
enum OriginClient {
    Plain(Client<HttpConnector, Body>),
    Tls(Client<HttpsConnector<HttpConnector>, Body>),
}

impl Origins {
    /// Parses the URLs of origin servers, each for one host or, without a host, for all others. The error names the
    /// URL.
    pub(crate) fn new(servers: &[(Option<String>, String)]) -> io::Result<Self> {
        let (mut by_host, mut default, mut tls) = (HashMap::new(), None, false);
        for (host, url) in servers {
            let server = OriginServer::parse(url).ok_or_else(|| {
                let message = format!("{url:?} is not the http or https URL of an origin server");
                io::Error::new(io::ErrorKind::InvalidInput, message)
            })?;
            tls |= server.scheme == Scheme::Https;
            match host {
                Some(host) => drop(by_host.insert(host.to_ascii_lowercase(), server)),
                None => default = Some(server),
            }
        }
        Ok(Self { by_host, default, client: OriginClient::new(tls)? })
    }

    /// Gets the whole object, also for a HEAD, so that one answer serves both.
    pub(crate) async fn fetch(&self, visit: &Visit, mut headers: HeaderMap) -> Result<Response<Bytes>, PlainAnswer> {
        NOT_FORWARDED.iter().for_each(|name| drop(headers.remove(name)));
        let mut request = Request::new(Body::empty());
        *request.headers_mut() = headers;
        let fetch = async {
            let (parts, body) = self.send(visit, request).await?.into_parts();
            let body = to_bytes(Body::new(body), usize::MAX).await;
            let body = body.map_err(|error| bad_gateway(visit, "ended its answer early", &error))?;
            Ok(Response::from_parts(parts, body))
        };
        tokio::time::timeout(ORIGIN_TIMEOUT, fetch).await.unwrap_or_else(|_| Err(too_slow(visit)))
    }

    /// Forwards a request unchanged, and returns the answer.
    pub(crate) async fn forward(&self, visit: &Visit, parts: Parts, body: Body) -> Result<Response<Body>, PlainAnswer> {
        let request = Request::from_parts(parts, body);
        let answer = tokio::time::timeout(ORIGIN_TIMEOUT, self.send(visit, request)).await;
        Ok(answer.unwrap_or_else(|_| Err(too_slow(visit)))?.map(Body::new))
    }

    async fn send(&self, visit: &Visit, mut request: Request<Body>) -> Result<Response<Incoming>, PlainAnswer> {
        let Some(server) = self.by_host.get(&visit.host).or(self.default.as_ref()) else {
            return Err((StatusCode::BAD_GATEWAY, format!("no origin server is set for {}\n", visit.host)));
        };
        *request.uri_mut() = server
            .uri(&visit.target)
            .ok_or_else(|| (StatusCode::BAD_REQUEST, "the path is not one that a request can have\n".to_owned()))?;
        let headers = request.headers_mut();
        remove_hop_by_hop(headers);
        headers.insert(X_FORWARDED_HOST, visit.sent_host.clone());
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(visit.scheme.as_str()));
        match self.client.send(request).await {
            Ok(mut response) => {
                remove_hop_by_hop(response.headers_mut());
                Ok(response)
            }
            Err(error) if error.is_connect() => Err(unreachable(visit, &error)),
            Err(error) => Err(bad_gateway(visit, "did not answer", &error)),
        }
    }
}

impl OriginServer {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = Scheme::parse(uri.scheme_str()?)?;
        if uri.query().is_some() {
            return None;
        }
        Some(Self { scheme, authority: uri.authority()?.clone(), path: uri.path().trim_end_matches('/').to_owned() })
    }

    fn uri(&self, target: &str) -> Option<Uri> {
        let target: PathAndQuery = format!("{}{target}", self.path).parse().ok()?;
        let uri = Uri::builder().scheme(self.scheme.as_str()).authority(self.authority.clone()).path_and_query(target);
        uri.build().ok()
    }
}

impl OriginClient {
    fn new(tls: bool) -> io::Result<Self> {
        let builder = Client::builder(TokioExecutor::new());
        if !tls {
            return Ok(Self::Plain(builder.build_http()));
        }
        let connector = HttpsConnectorBuilder::new().try_with_platform_verifier().map_err(io::Error::other)?;
        Ok(Self::Tls(builder.build(connector.https_or_http().enable_http1().build())))
    }

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, ClientError> {
        *request.version_mut() = Version::HTTP_11;
        match self {
            Self::Plain(client) => client.request(request).await,
            Self::Tls(client) => client.request(request).await,
        }
    }
}

/// Removes headers that are for one connection only. `Host` is one of them: the client writes the origin server's.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> = named.flat_map(|value| value.split(',')).map(|name| name.trim().to_owned()).collect();
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
    named.iter().for_each(|name| drop(headers.remove(name.as_str())));
}

fn unreachable(visit: &Visit, error: &dyn Error) -> PlainAnswer {
    let (_, message) = bad_gateway(visit, "is down", error);
    (StatusCode::from_u16(521).unwrap_or(StatusCode::BAD_GATEWAY), message)
}

fn too_slow(visit: &Visit) -> PlainAnswer {
    let message = format!("the origin server of {} took more than {} s\n", visit.host, ORIGIN_TIMEOUT.as_secs());
    (StatusCode::GATEWAY_TIMEOUT, message)
}

fn bad_gateway(visit: &Visit, what: &str, error: &dyn Error) -> PlainAnswer {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    (StatusCode::BAD_GATEWAY, format!("the origin server of {} {what}: {error}{cause}\n", visit.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_server_gets_its_own_path_and_then_the_visitors_bytes() {
        for (url, target, expected) in [
            ("http://127.0.0.1:9000", "/a/../b?c='d'", "http://127.0.0.1:9000/a/../b?c='d'"),
            ("http://127.0.0.1:9000/", "/%7Ea//b", "http://127.0.0.1:9000/%7Ea//b"),
            ("https://s3.example/bucket/", "/é|{}?", "https://s3.example/bucket/é|{}?"),
        ] {
            assert_eq!(OriginServer::parse(url).unwrap().uri(target).unwrap().to_string(), expected);
        }
        for url in ["", "127.0.0.1:9000", "/bucket", "ftp://a.example", "http://a.example/?b"] {
            assert!(OriginServer::parse(url).is_none(), "{url}");
        }
    }
}
