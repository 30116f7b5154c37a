//! `explain` of URLs, near misses, hints, and the exit code.

use serde_json::json;

use crate::fixtures::{MAPPINGS, WorkFolder, assert_answer};

#[test]
fn a_url_leads_back_to_objects_and_mappings() {
    let folder = WorkFolder::new();
    assert_answer("explain_url", &folder.run(&["explain", "https://cdn.website.com/img/app.css"]).with_code(0));
    assert_answer(
        "explain_url_prefix",
        &folder.run(&["explain", "https://docs.website.dev/manual/a/b.html"]).with_code(0),
    );
    assert_answer("explain_url_declined", &folder.run(&["explain", "https://www.website.com/app.CSS"]).with_code(3));

    let answer = folder.run(&["explain", "https://www.website.com/css/app.css#top", "--json"]).with_code(0).json();
    let expected = json!({
        "url": "https://www.website.com/css/app.css",
        "purged": true,
        "sources": [{
            "mapping": "teams.web.mappings[0]",
            "team": "web",
            "zones": [{ "zone": "website.com", "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "environments": [] }],
            "events": ["created", "removed"],
            "objects": { "kind": "key", "bucket": "assets.website.com", "key": "css/app.css" },
            "via": "path",
            "purged": true,
        }],
    });
    assert_eq!(answer, expected);
}

/// Nothing but S3 knows which of the objects exist, so it is said of each.
#[test]
fn a_clean_url_may_be_served_from_several_objects() {
    let folder = WorkFolder::empty();
    folder.write("mappings.toml", MAPPINGS.replace("exclude = [\"drafts/\"]", "clean_urls = true"));
    let url = "https://www.website.com/app.CSS";
    assert_answer("explain_url_clean", &folder.run(&["explain", url]).with_code(3));
    let json = folder.run(&["explain", url, "--json"]).with_code(3).json();
    assert_eq!(json["purged"], json!(null), "{json}");
    let sources = json["sources"].as_array().unwrap().iter();
    let sources: Vec<_> = sources.map(|it| (it["objects"]["key"].as_str().unwrap(), &it["purged"])).collect();
    let expected = [("app.CSS", &json!(false)), ("app.CSS.html", &json!(true)), ("app.CSS/index.html", &json!(true))];
    assert_eq!(sources, expected);
    folder.run(&["explain", "https://www.website.com/app.css"]).with_code(0);
    folder.run(&["explain", "https://www.website.com/about"]).with_code(3);
    folder.run(&["explain", "https://www.website.com/blog/"]).with_code(0);
}

#[test]
fn why_a_url_is_not_purged() {
    let folder = WorkFolder::new();
    for (url, reason) in [
        ("https://www.website.com/css/app.css?v=2", "it does not purge this query string (add it to `query_strings`"),
        ("http://www.website.com/css/app.css", "it purges https URLs only (`schemes`)"),
        ("https://www.website.com/drafts/a.css", "excluded by `drafts/`"),
        ("https://docs.website.dev/app.css", "the key is not below its prefix"),
        ("https://website.com/app.css", "hint: did you mean www.website.com?"),
        (
            "https://shop.website.com/app.css",
            "hint: shop.website.com is not among the `hostnames` of zone website.com of team web",
        ),
        ("https://example.org/app.css", "hint: no zone of these mappings has the hostname example.org"),
    ] {
        let answer = folder.run(&["explain", url]).with_code(3);
        assert!(answer.stdout.contains(reason), "{answer}");
        let json = folder.run(&["explain", url, "--json"]).with_code(3).json();
        assert_eq!(json["purged"], json!(false), "{json}");
        let reasons = json.to_string();
        assert!(reasons.contains(reason.trim_start_matches("hint: ")), "{reasons}");
    }
    for url in ["https://www.website.com:8443/a.css", "https://me@www.website.com/a.css"] {
        let answer = folder.run(&["explain", url]).with_code(2);
        assert!(answer.stderr.contains("has a port or a user name"), "{answer}");
    }
}

#[test]
fn tags_of_a_response_are_unknown() {
    let folder = WorkFolder::empty();
    let tags = "purge = \"tags\"\ntags = [\"page-{stem}\"]\n";
    folder.write("mappings.toml", MAPPINGS.replace("purge = \"prefixes\"\nmode = \"invalidate\"\n", tags));
    let url = "https://docs.website.dev/manual/install.html";
    let answer = folder.run(&["explain", url]).with_code(3);
    assert!(answer.stdout.contains("if its response carries the cache tag page-install"), "{answer}");
    let json = folder.run(&["explain", url, "--json"]).with_code(3).json();
    assert_eq!((&json["purged"], &json["sources"][0]["tags"]), (&json!(null), &json!(["page-install"])));
}

#[test]
fn what_is_near_to_a_mapping_that_declines() {
    let folder = WorkFolder::new();
    for (object, hint) in [
        ("s3://assets.website.com/app.CSS", "upper and lower case"),
        ("s3://assets.website.com/app.scss", "it would match `*.{css,js,html}` as `.css`, and is `.scss`"),
        ("s3://docs-site/Manual/a.html", "`Manual/` and `manual/` differ in upper and lower case"),
        ("s3://docs-site/manuel/a.html", "`manuel/` is near to its prefix `manual/`"),
        ("s3://docs-sites/manual/a.html", "no mapping of this bucket: did you mean `docs-site`?"),
        ("s3://assets.website.com/my%20page.txt", "the object is s3://assets.website.com/my page.txt"),
    ] {
        let answer = folder.run(&["explain", object]).with_code(3);
        assert!(answer.stdout.contains(hint), "{answer}");
    }
    let answer = folder.run(&["explain", "s3://docs-site/manual/a.html", "--team", "web"]).with_code(3);
    assert!(answer.stdout.contains("no mapping of this bucket (of team web)\n"), "{answer}");
    let json = folder.run(&["explain", "s3://docs-site/manuel/a.html", "--json"]).with_code(3).json();
    let declined = json["declined"].as_array().unwrap().iter().find(|it| it["team"] == "docs").unwrap();
    assert_eq!(declined["code"], "other-prefix");
    assert_eq!(declined["hint"], "`manuel/` is near to its prefix `manual/`");
    assert_eq!(json["purged"], json!(false));
}

#[test]
fn plan_and_run_have_the_same_hints() {
    let folder = WorkFolder::new();
    for (object, said) in [
        ("s3://assets.website.com/app.CSS", "upper and lower case, which patterns distinguish: write `*.CSS`, too"),
        (
            "s3://docs-sites/manual/a.html",
            "not purged: no mapping of this bucket\n    hint: did you mean the bucket `docs-site`?",
        ),
    ] {
        for command in [&["plan"][..], &["run", "--sandbox"]] {
            let answer = folder.run(&[command, &[object]].concat()).with_code(0);
            assert!(answer.stdout.contains(said), "{answer}");
        }
    }
    let shallow = folder.read("mappings.toml").replacen("exclude = [\"drafts/\"]", "exclude = [\"drafts/*\"]", 1);
    folder.write("shallow.toml", shallow);
    let hint = "`exclude` almost takes it: the `*` of `drafts/*` stops at `/`: write `drafts/**` for all below";
    let object = "s3://assets.website.com/drafts/a/b.html";
    for command in ["explain", "plan"] {
        let answer = folder.run(&[command, object, "--mappings", "shallow.toml"]).with_code(0);
        assert!(answer.stdout.contains(hint), "{answer}");
    }
    let json = folder.run(&["explain", object, "--mappings", "shallow.toml", "--json"]).with_code(0).json();
    assert_eq!(json["fires"][0]["hint"], hint);
}

#[test]
fn a_list_has_objects_and_urls() {
    let folder = WorkFolder::new();
    let list = b"s3://assets.website.com/app.css\n\nhttps://www.website.com/app.css\n";
    let answer = folder.run_with(&["explain", "-"], &[], list).with_code(0);
    assert!(answer.stdout.contains("s3://assets.website.com/app.css created\n"), "{answer}");
    assert!(answer.stdout.contains("\n\nhttps://www.website.com/app.css\n\n"), "{answer}");
    assert!(answer.stdout.ends_with("\n\n1 URL: 1 purged, 0 not purged, 0 unknown\n"), "{answer}");
    let json = folder.run_with(&["explain", "-", "--json", "--event", "removed"], &[], list).with_code(0).json();
    assert_eq!((&json["changes"][0]["event"], &json["urls"][0]["purged"]), (&json!("removed"), &json!(true)));
    let answer = folder.run_with(&["explain", "-"], &[], b"s3://a-bucket/a\nassets/b\n").with_code(2);
    assert!(answer.errors().starts_with("error: line 2: `assets/b` is neither s3://bucket/key nor a URL"), "{answer}");
    // As AWS's console copies it.
    let answer = folder.run(&["explain", "arn:aws:s3:::assets.website.com/app.css"]).with_code(0);
    assert!(answer.stdout.starts_with("s3://assets.website.com/app.css created\n"), "{answer}");
}

#[test]
fn what_was_meant_is_named() {
    let folder = WorkFolder::new();
    let answer = folder.run(&["explain", "www.website.com/css/app.css"]).with_code(2);
    let said = "for a URL write https://www.website.com/css/app.css, for an object s3://bucket/key";
    assert!(answer.stderr.contains(said), "{answer}");
    let console = "https://eu-west-1.console.aws.amazon.com/s3/buckets/assets.website.com?prefix=css/";
    for (what, said) in [
        (&[console][..], "is a page of AWS's console, and not that of an object: name one object"),
        (&[r#"{"Records":[]}"#], "this is JSON: write - and give it on standard input, or name its file"),
        (&["https://www.website.com/a.css", "--event", "tagged"], "--event is for an object: explain s3://bucket/key"),
    ] {
        let answer = folder.run(&[&["explain"], what].concat()).with_code(2);
        assert!(answer.stderr.contains(said), "{answer}");
    }
    let answer = folder.run(&["explain", "events/none.json"]).with_code(2);
    assert!(answer.stderr.contains("can't read the event events/none.json: "), "{answer}");
    for (word, kind) in [("deleted", "removed"), ("s3:ObjectCreated:Put", "created"), ("nonsense", "")] {
        let answer = folder.run(&["explain", "s3://assets.website.com/a.css", "--event", word]).with_code(2);
        assert_eq!(
            answer.stderr.contains(&format!("tip: a similar value exists: '{kind}'")),
            !kind.is_empty(),
            "{answer}"
        );
        assert!(answer.stderr.contains("[possible values: created, removed, restored, tagged, acl]"), "{answer}");
    }
}
