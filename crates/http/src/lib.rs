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
    let names_others = CERTIFICATES.into_iter().any(|name| env::var_os(name).is_some());
    let file = openssl_probe::probe().cert_file.filter(|_| !names_others);
    if let Some(roots) = file.and_then(|file| roots_of(&file)) {
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        TLS.get_or_init(|| Some(tls));
    }
}

/// A file with fewer certificates is not what the system trusts: Mozilla's list has about 140.
const FEWEST_ROOTS: usize = 20;

/// What this file has of certificates in PEM; `None` if that can't be all that the system trusts.
fn roots_of(file: &Path) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_certs_from_paths(Some(file), None).certs);
    (roots.len() >= FEWEST_ROOTS).then_some(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty times `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Test" -days 36500`.
    const TWENTY: &str = include_str!("tests/twenty-certificates.pem");

    #[test]
    fn a_file_of_many_certificates_is_trusted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TWENTY).unwrap();
        assert_eq!(roots_of(file.path()).unwrap().len(), 20);
        let end = TWENTY.rfind("-----BEGIN").unwrap();
        std::fs::write(file.path(), &TWENTY[..end]).unwrap();
        assert!(roots_of(file.path()).is_none(), "nineteen are not what a system trusts");
        assert!(roots_of(Path::new("/no/such/file.pem")).is_none());
    }
}
