//! What the script's variables lead to.

use purge_router_core::Invalid;
use purge_router_core::names::{BucketName, Hostname, TeamName};

use super::ScriptEnv;
use crate::file::mapping_file::from_toml;

fn read(vars: &[(&str, &str)]) -> Result<ScriptEnv, Vec<Invalid>> {
    let vars: Vec<(String, String)> = vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    ScriptEnv::read(|name| vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
}

const ZONE: (&str, &str) = ("CLOUDFLARE_ZONE_ID", "023e105f4ecef8ad9ca31a8372d0c353");

fn buckets(names: &[&str]) -> Vec<BucketName> {
    names.iter().map(|name| BucketName::parse(name).unwrap()).collect()
}

#[test]
fn the_file_says_what_the_variables_said() {
    let script = read(&[
        ZONE,
        ("CLOUDFLARE_API_KEY_SSMPATH", "/cf/prod/key"),
        ("INCLUDED_EXTS", "css, .js"),
        ("EXCLUDED_EXTS", "map"),
    ]);
    let team = TeamName::parse("web").unwrap();
    let imported = script.unwrap().mapping_file(&team, &buckets(&["a.website.com", "b.website.com"]), None).unwrap();
    assert_eq!(imported.notes, ["assuming that the zone's domain is website.com; if it is not, add --domain"]);
    let mappings = from_toml(&imported.toml).unwrap();
    let zone = mappings.zones().next().unwrap();
    assert_eq!((zone.domain.as_str(), zone.token.as_str()), ("website.com", "/cf/prod/key"));
    let mapping = &mappings.all()[1];
    assert_eq!(mapping.source.to_string(), "s3://b.website.com/");
    assert_eq!(mapping.hostnames_of(zone).map(Hostname::as_str).collect::<Vec<_>>(), ["b.website.com"]);
    for (key, included, excluded) in
        [("a.css", Some("*.css"), None), ("b/a.js", Some("*.js"), None), ("a.map", None, Some("*.map"))]
    {
        assert_eq!((mapping.include.first_match(key), mapping.exclude.first_match(key)), (included, excluded));
    }
}

#[test]
fn any_bucket_is_a_hostname_of_the_one_zone() {
    let script = read(&[ZONE, ("CLOUDFLARE_API_KEY_SSMPATH", "cf-key"), ("INCLUDED_EXTS", "css")]).unwrap();
    assert_eq!(script.ssm_path(), Some("cf-key"));
    let team = TeamName::parse("script").unwrap();
    let sources = |names: &[&str]| {
        let mappings = script.mappings(&team, &buckets(names)).unwrap();
        mappings.all().iter().map(|mapping| mapping.source.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(sources(&["a.one.com", "b.two.net", "a.one.com"]), ["s3://a.one.com/", "s3://b.two.net/"]);
    assert_eq!(sources(&["a.one.com", "b.one.com"]), ["s3://a.one.com/", "s3://b.one.com/"]);
    // No URL leads to a bucket whose name is no hostname.
    assert_eq!(sources(&["my-bucket", "My.Bucket", "a.one.com"]), ["s3://a.one.com/"]);
    assert!(sources(&[]).is_empty());
}

#[test]
fn a_secret_never_reaches_the_file() {
    let script = read(&[ZONE, ("CLOUDFLARE_API_KEY", "s3cr3t"), ("CLOUDFLARE_API_EMAIL", "a@b.c")]).unwrap();
    let imported = script.mapping_file(&TeamName::parse("web").unwrap(), &buckets(&["www.website.com"]), None).unwrap();
    assert!(!format!("{script:?}{imported:?}").contains("s3cr3t"));
    assert_eq!(imported.notes.len(), 3, "{:?}", imported.notes);
}

#[test]
fn what_is_wrong_is_said_at_once() {
    let faults = read(&[("CLOUDFLARE_ZONE_ID", "nope"), ("INCLUDED_EXTS", "a/b")]).unwrap_err();
    let codes: Vec<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
    assert_eq!(codes, ["bad-cloudflare-id", "missing-variable", "bad-extension"]);
    let script = read(&[ZONE, ("CLOUDFLARE_API_KEY", "k")]).unwrap();
    let team = TeamName::parse("web").unwrap();
    let file = |names: &[&str], domain: Option<&str>| {
        let domain = domain.map(|domain| Hostname::parse(domain).unwrap());
        script.mapping_file(&team, &buckets(names), domain.as_ref()).map_err(|fault| fault.code.as_str())
    };
    assert_eq!(file(&["My_Bucket"], None), Err("bad-hostname"));
    assert_eq!(file(&["a.one.com", "a.two.net"], None), Err("no-common-domain"));
    assert_eq!(file(&["a.one.com"], Some("two.net")), Err("foreign-hostname"));
    assert_eq!(file(&[], None), Err("no-common-domain"));
    assert!(file(&["a.one.com"], Some("one.com")).unwrap().toml.contains(r#"[teams.web.zones."one.com"]"#));
}
