//! Parameters without a valid token, and errors of SSM.

use std::sync::Arc;
use std::time::Duration;

use purge_router_aws::ReadError;
use purge_router_cloudflare::{ApiToken, Credential};
use purge_router_core::Zone;
use purge_router_pipeline::Freshness::{Cached, Fresh};
use purge_router_pipeline::{TokenError, TokenStore};

use crate::stand::{Failure, LONG, good, names, read, stand, store_at, token};

#[tokio::test]
async fn a_plaintext_token_is_refused_or_accepted_and_a_fixed_one_is_found() {
    let (stand, strict) = stand(0, LONG).await;
    let lax = stand.store(LONG).await.tokens.accepting_plaintext();
    stand.set("/t/0", "String", "open");
    assert_eq!(strict.read("/t/0", Cached).await, Err(ReadError::NotSecure("String".to_owned())));
    assert_eq!(lax.read("/t/0", Cached).await, token("open"));
    stand.set("/t/1", "String", "not a token");
    let error = lax.read("/t/1", Cached).await.unwrap_err();
    assert!(matches!(error, ReadError::NotAToken(_)), "{error}");
    stand.set("/t/0", "SecureString", "hidden");
    strict.clock.advance(Duration::from_secs(5));
    assert_eq!(strict.read("/t/0", Cached).await, token("hidden"));
}

#[tokio::test]
async fn a_parameter_that_is_refused_fails_alone() {
    let (stand, store) = stand(5, LONG).await;
    stand.change(|ssm| drop(ssm.bad.insert("/t/3".into(), "AccessDeniedException".into())));
    let reads = read(&store, &names(6), Cached).await;
    let denied = ReadError::Denied("AccessDeniedException: cfut_[redacted] is no reason".into());
    let expected = [good("/t/0"), good("/t/1"), good("/t/2"), Err(denied), good("/t/4"), Err(ReadError::Absent)];
    assert_eq!(reads, expected);
    let sizes: Vec<usize> = stand.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [6, 1, 1, 1, 1, 1, 1]);
}

/// What SSM answers to every call → how the read ends, and whether trying again may help.
#[tokio::test]
async fn errors_are_classified_by_status_and_code() {
    let (stand, store) = stand(3, LONG).await;
    let said = |code: &str| format!("{code}: cfut_[redacted] is no reason");
    type Kind = fn(String) -> ReadError;
    for (status, code, kind, is_transient) in [
        (400, "ThrottlingException", ReadError::Throttled as Kind, true),
        (429, "TooManyRequests", ReadError::Throttled, true),
        (400, "RequestLimitExceeded", ReadError::Throttled, true),
        (500, "InternalServerError", ReadError::Unavailable, true),
        (503, "ServiceUnavailable", ReadError::Unavailable, true),
        (400, "ExpiredTokenException", ReadError::Settings, true),
        (400, "RequestTimeTooSkewed", ReadError::Settings, true),
        (400, "AccessDeniedException", ReadError::Denied, false),
        (403, "AccessDenied", ReadError::Denied, false),
        (400, "InvalidKeyId", ReadError::UnusableKey, false),
        (400, "ValidationException", ReadError::Refused, false),
    ] {
        stand.change(|ssm| ssm.failure = Some(Failure::new(status, code)));
        let error = kind(said(code));
        assert_eq!(error.is_transient(), is_transient, "{code}");
        assert_eq!(read(&store, &names(3), Fresh).await, vec![Err(error); 3], "{code}");
        // If it affects all parameters, reading each alone would only add to the load.
        assert_eq!(stand.calls().len(), if is_transient { 1 } else { 4 }, "{code}");
    }
}

/// What AWS answers if a key can't be used, and what fixes that. SSM passes on what KMS says of the key. The messages
/// are those of real calls, without their ids: github.com/hashicorp/terraform-provider-aws issues 42849 and 27352,
/// github.com/tryolabs/aws-workshop issue 6, and github.com/aws-samples/aws-workshop-for-kubernetes issue 250.
#[tokio::test]
async fn denials_of_ssm_and_kms_and_unusable_keys_get_the_right_help() {
    let zone = zone();
    let (stand, store) = stand(0, LONG).await;
    let of_kms =
        |code: &str| format!("(Service: AWSKMS; Status Code: 400; Error Code: {code}; Request ID: 3; Proxy: null)");
    let denied = |action: &str, resource: &str| {
        format!(
            "User: arn:aws:iam::123456789012:user/web is not authorized to perform: {action} on resource: {resource}"
        )
    };
    let (key, parameter) =
        ("arn:aws:kms:eu-west-1:123456789012:key/0f9b", "arn:aws:ssm:eu-west-1:123456789012:parameter/t");
    let by_ssm = denied("ssm:GetParameters", parameter);
    let by_key_policy = denied("kms:Decrypt", key) + " because no resource-based policy allows the kms:Decrypt action ";
    let older_wording = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or \
                       you are not allowed to access. ";
    let pending = format!("{key} is pending deletion. {}", of_kms("KMSInvalidStateException"));
    let permissions = "allow ssm:GetParameter for the command and ssm:GetParameters for the function, and kms:Decrypt if its \
                       key is the team's own";
    let usable_key = "check that its KMS key exists and is enabled";
    for (code, message, expected) in [
        ("AccessDeniedException", by_ssm, permissions),
        ("AccessDeniedException", by_key_policy + &of_kms("AccessDeniedException"), permissions),
        ("AccessDeniedException", older_wording.to_owned() + &of_kms("AccessDeniedException"), permissions),
        ("InvalidKeyId", pending, usable_key),
        ("ValidationException", "a KeyId, or KMS".to_owned(), "check the parameter's name"),
    ] {
        let failure = Failure { message: message.clone(), ..Failure::new(400, code) };
        stand.change(|ssm| ssm.failure = Some(failure));
        let error = store.token(&zone, Fresh).await.unwrap_err();
        let TokenError::Missing { reason, help, .. } = &error else { panic!("{error}") };
        assert!(reason.ends_with(&format!("{code}: {message}")), "{reason}");
        assert_eq!(help, expected, "{reason}");
    }
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = store_at(&format!("http://{address}"), LONG);
    let error = store.read("/t/0", Cached).await.unwrap_err();
    assert!(matches!(&error, ReadError::Unavailable(_)), "{error}");
    assert!(error.to_string().starts_with("SSM does not answer: "), "{error}");
}

#[tokio::test]
async fn a_broken_answer_is_not_shown() {
    let (stand, store) = stand(1, LONG).await;
    stand.change(|ssm| ssm.cut = 3);
    let error = store.read("/t/0", Cached).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("token-of"), "{error:?}");
}

/// The error names the parameter, what is wrong with it, and the fix.
#[tokio::test]
async fn a_zone_without_a_valid_token_gets_the_reason_and_the_fix() {
    let zone = zone();
    let name = zone.token.as_str();
    let (stand, store) = stand(0, LONG).await;
    let missing = |error: TokenError| match error {
        TokenError::Missing { team, zone, reason, help } => {
            assert_eq!((team.as_str(), zone.as_str()), ("web", "website.co.uk"));
            (reason, help)
        }
        TokenError::Unavailable { .. } => panic!("{error}"),
    };
    let (reason, help) = missing(store.token(&zone, Cached).await.unwrap_err());
    assert_eq!(reason, "/purge-router/web/uk: SSM has no such parameter in this region");
    assert_eq!(help, "store the token there as a SecureString");
    for (kind, value, expected) in [
        ("String", "secret", "/purge-router/web/uk: it is a String, not a SecureString"),
        ("String", "not a token", "/purge-router/web/uk: it is a String, not a SecureString"),
        ("StringList", "secret", "/purge-router/web/uk: it is a StringList, not a SecureString"),
        ("SecureString", " ", "/purge-router/web/uk: this is not an API token: it is empty"),
    ] {
        stand.set(name, kind, value);
        let (reason, _) = missing(store.token(&zone, Fresh).await.unwrap_err());
        assert_eq!(reason, expected);
    }
    stand.change(|ssm| ssm.failure = Some(Failure::new(400, "ThrottlingException")));
    let error = store.token(&zone, Fresh).await.unwrap_err();
    assert!(matches!(error, TokenError::Unavailable { .. }), "{error}");
    stand.change(|ssm| ssm.failure = None);
    stand.set(name, "SecureString", " secret\n");
    assert_eq!(store.token(&zone, Fresh).await, Ok(Credential::Token(ApiToken::parse("secret").unwrap())));
}

fn zone() -> Arc<Zone> {
    let file = r#"
        version = 1
        [teams.web]
        owns = []
        [teams.web.zones."website.co.uk"]
        zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
        hostnames = ["www.website.co.uk"]
        token = "uk"
    "#;
    Arc::clone(purge_router_config::from_toml(file).unwrap().zones().next().unwrap())
}
