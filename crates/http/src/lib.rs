//! HTTP clients that share one setup of TLS.
//!
//! What a process trusts is read once, not once for each client. Connections speak HTTP/1.1. An HTTP/2 connection would carry the
//! requests of all teams, and its stream limit would make them wait for each other.

use std::env;
use std::path::Path;
use std::sync::OnceLock;

use reqwest::{ClientBuilder, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt;

/// `None`: TLS can't be set up.
static TLS: OnceLock<Option<ClientConfig>> = OnceLock::new();

/// The variables that name other certificates than the system's.
const CERTIFICATES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A builder of clients that follow no redirects. If TLS can't be set up, its `build` says why.
///
/// They trust what the system trusts: on Linux a file of about 140 certificates, and those in the folders beside it, which are mostly
/// the same. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
pub fn client_builder() -> ClientBuilder {
    let builder = reqwest::Client::builder().redirect(redirect::Policy::none());
    match TLS.get_or_init(|| ClientConfig::with_platform_verifier().ok()) {
        Some(tls) => builder.tls_backend_preconfigured(tls.clone()),
        // Then reqwest tries the same, and fails with the reason.
        None => builder,
    }
}

/// Makes clients that are built later trust only the system's file of certificates. In Lambda its folders hold the same ones, and
/// reading them takes longer than all else before the first event. Without such a file, or if a variable names other certificates,
/// it changes nothing.
pub fn trust_only_the_file() {
    if CERTIFICATES.into_iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    if let Some(roots) = openssl_probe::probe().cert_file.and_then(|file| roots_of(&file)) {
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        TLS.get_or_init(|| Some(tls));
    }
}

/// What this file has of certificates in PEM; `None` if that is none.
fn roots_of(file: &Path) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_certs_from_paths(Some(file), None).certs);
    (!roots.is_empty()).then_some(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_from_a_file() {
        // openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj "/CN=Test" -days 36500, twice
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/two-certificates.pem"));
        assert_eq!(roots_of(file).unwrap().len(), 2);
    }

    #[test]
    fn a_file_without_certificates_is_not_used() {
        assert!(roots_of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).is_none());
        assert!(roots_of(Path::new("/no/such/file.pem")).is_none());
    }
}
