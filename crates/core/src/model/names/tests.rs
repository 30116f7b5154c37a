//! What is a name, and what is none.

use super::*;

#[test]
fn hostnames() {
    for good in ["website.co.uk", "a-b.example.com", "_dmarc.example.com", "xn--bcher-kva.example", "1.example.com"] {
        assert_eq!(Hostname::parse(good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "com",
        "Website.com",
        "https://website.com",
        "website.com/",
        "website.com:443",
        "website.com.",
        ".website.com",
        "*.website.com",
        "bücher.example",
        "-a.com",
        "a-.com",
        "a b.com",
        "a..com",
    ] {
        assert_eq!(Hostname::parse(bad).unwrap_err().code.as_str(), "bad-hostname", "{bad}");
    }
    assert!(Hostname::parse(&format!("{}.com", "a".repeat(64))).is_err());
}

#[test]
fn a_hostname_is_within_a_domain_only_at_a_labels_boundary() {
    let domain = Hostname::parse("website.com").unwrap();
    for (name, within) in [
        ("website.com", true),
        ("www.website.com", true),
        ("a.b.website.com", true),
        ("evilwebsite.com", false),
        ("website.com.evil.net", false),
        ("www.website.co", false),
    ] {
        assert_eq!(Hostname::parse(name).unwrap().is_within(&domain), within, "{name}");
    }
}

#[test]
fn prefixes_end_at_a_slash() {
    assert!(Prefix::parse("acme/").unwrap().covers(&Prefix::parse("acme/eu/").unwrap()));
    assert!(!Prefix::parse("acme/").unwrap().covers(&Prefix::parse("acme-eu/").unwrap()));
    assert!(Prefix::parse("").unwrap().covers(&Prefix::parse("acme/").unwrap()));
    let fault = Prefix::parse("acme").unwrap_err();
    assert_eq!(
        (fault.code.as_str(), fault.help.as_str()),
        ("prefix-without-slash", "write `acme/`, or leave it empty for all keys")
    );
}

#[test]
fn sources() {
    let source = Source::parse("s3://assets.website.com/uk/css/").unwrap();
    assert_eq!((source.bucket.as_str(), source.prefix.as_str()), ("assets.website.com", "uk/css/"));
    assert_eq!(Source::parse("s3://assets").unwrap().prefix, Prefix::empty());
    assert_eq!(Source::parse("s3://assets/").unwrap().to_string(), "s3://assets/");
    for (bad, code) in [
        ("assets/uk/", "bad-source"),
        ("S3://assets/", "bad-source"),
        ("s3:///uk/", "bad-bucket-name"),
        ("s3://as sets/", "bad-bucket-name"),
        ("s3://assets/uk", "prefix-without-slash"),
    ] {
        assert_eq!(Source::parse(bad).unwrap_err().code.as_str(), code, "{bad}");
    }
}

#[test]
fn a_token_never_leaves_its_teams_folder() {
    let folder = TokenFolder::parse("/purge-router/web/").unwrap();
    assert_eq!(folder.parameter("website.co.uk").unwrap().as_str(), "/purge-router/web/website.co.uk");
    let old = "Abc4eFgH1jklMnopQrst-vwxYz0123456_89aBcd";
    for token in ["cfut_abc", "Bearer cfat_abc", old, &format!("Bearer {old}")] {
        let invalid = folder.parameter(token).unwrap_err();
        assert_eq!(invalid.code.as_str(), "token-in-the-open", "{token}");
        assert!(!invalid.message.contains(token) && !invalid.help.contains(token), "{invalid:?}");
    }
    for name in [&old[1..], &old.to_lowercase(), "a-name-of-exactly-forty-characters-2.com"] {
        assert!(folder.parameter(name).is_ok(), "{name}");
    }
    for bad in ["", "..", "a..b", "../api/token", "/purge-router/api/token", "a/b", "a b", "a{b"] {
        assert_eq!(folder.parameter(bad).unwrap_err().code.as_str(), "bad-token-name", "{bad}");
    }
    for bad in ["", "/", "//", "purge-router/", "/purge-router", "/a//b/", "/a/../b/", "/aws/x/", "/ssm-a/", "/a b/"] {
        assert_eq!(TokenFolder::parse(bad).unwrap_err().code.as_str(), "bad-token-folder", "{bad}");
    }
    assert!(folder.overlaps(&TokenFolder::parse("/purge-router/").unwrap()));
    assert!(!folder.overlaps(&TokenFolder::parse("/purge-router/web-eu/").unwrap()));
}

#[test]
fn a_similar_team_name_is_valid() {
    let long = "ab".repeat(20);
    for (text, expected) in [
        ("Web", "web"),
        ("web", "web"),
        ("--web site!", "web-site-"),
        ("équipe", "quipe"),
        ("", "team"),
        ("---", "team"),
        (&long, &long[..32]),
    ] {
        let name = TeamName::similar_to(text);
        assert_eq!(name.as_str(), expected);
        assert_eq!(TeamName::parse(expected), Ok(name));
    }
}

#[test]
fn a_token_is_no_name_and_no_folder() {
    let old = "Abc4eFgH1jklMnopQrst-vwxYz0123456_89aBcd";
    let folder = TokenFolder::parse("/purge-router/web/").unwrap();
    for token in [old.to_owned(), format!("{old}.old"), "cfut_abc".to_owned()] {
        assert_eq!(folder.parameter(&token).unwrap_err().code.as_str(), "token-in-the-open", "{token}");
        assert_eq!(
            TokenFolder::parse(&format!("/{token}/")).unwrap_err().code.as_str(),
            "token-in-the-open",
            "{token}"
        );
    }
    assert_eq!(
        folder.parameter(&old.to_lowercase()).map(|it| it.to_string()).unwrap(),
        format!("/purge-router/web/{}", old.to_lowercase())
    );
}
