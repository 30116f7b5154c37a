//! HTTP clients that share one setup of TLS.
//!
//! What a process trusts is read once, not once for each client: on Linux that is a file of about 140 certificates and the folder
//! beside it. `SSL_CERT_FILE` names another file. Connections speak HTTP/1.1. An HTTP/2 connection would carry the requests of all
//! teams, and its stream limit would make them wait for each other.

use std::sync::LazyLock;

use reqwest::{ClientBuilder, redirect};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;

static TLS: LazyLock<Option<ClientConfig>> = LazyLock::new(|| ClientConfig::with_platform_verifier().ok());

/// A builder of clients that follow no redirects. If TLS can't be set up, its `build` says why.
pub fn client_builder() -> ClientBuilder {
    let builder = reqwest::Client::builder().redirect(redirect::Policy::none());
    match &*TLS {
        Some(tls) => builder.tls_backend_preconfigured(tls.clone()),
        // Then reqwest tries the same, and fails with the reason.
        None => builder,
    }
}
