//! What it is all for: after the event, visitors get the new object, and nothing else was thrown away.

use purge_router_sandbox::Origin;
use purge_router_test_support::events::s3;
use reqwest::Client;

use crate::world::{Setup, World, assert_all_purged, team};

/// What a visitor asks for: host, target and headers.
type Visit = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// A mapping, an object that changes (its key, and as S3 writes it), who then gets what is new, and who must not.
struct Case {
    mapping: &'static str,
    key: &'static str,
    encoded: &'static str,
    fresh: &'static [Visit],
    neighbors: &'static [Visit],
}

const WWW: &str = "www.red.com";
const IMG: &str = "img.red.com";
const OTHER: &str = "www.blue.net";
const MOBILE: &[(&str, &str)] = &[("cf-device-type", "mobile")];
const TABLET: &[(&str, &str)] = &[("cf-device-type", "tablet")];
const HTTP: &[(&str, &str)] = &[("x-forwarded-proto", "http")];

const CASES: &[Case] = &[
    Case {
        mapping: "",
        key: "dir/a+b (1).css",
        encoded: "dir/a%2Bb+%281%29.css",
        fresh: &[
            (WWW, "/dir/a+b%20(1).css", &[]),
            (WWW, "/dir/a%2Bb%20%281%29.css", &[]),
            (IMG, "/dir/a+b%20(1).css", &[]),
        ],
        neighbors: &[
            (WWW, "/dir/c.css", &[]),
            (WWW, "/dir/a+b%20(1).css?v=2", &[]),
            (OTHER, "/dir/a+b%20(1).css", &[]),
        ],
    },
    Case {
        mapping: "clean_urls = true\nindex_documents = [\"index.html\"]",
        key: "dir/index.html",
        encoded: "dir/index.html",
        fresh: &[(WWW, "/dir/index.html", &[]), (WWW, "/dir/", &[]), (WWW, "/dir", &[])],
        neighbors: &[(WWW, "/dir/a.html", &[])],
    },
    Case {
        mapping: "query_strings = [\"\", \"v=2\"]\nschemes = [\"https\", \"http\"]",
        key: "a.css",
        encoded: "a.css",
        fresh: &[(WWW, "/a.css", &[]), (WWW, "/a.css?v=2", &[]), (WWW, "/a.css", HTTP)],
        neighbors: &[(WWW, "/a.css?v=3", &[])],
    },
    Case {
        mapping: "vary_headers = [{ \"CF-Device-Type\" = \"mobile\" }]",
        key: "a.css",
        encoded: "a.css",
        fresh: &[(WWW, "/a.css", &[]), (WWW, "/a.css", MOBILE)],
        neighbors: &[(WWW, "/a.css", TABLET), (WWW, "/b.css", MOBILE)],
    },
    Case {
        mapping: "purge = \"prefixes\"",
        key: "dir/a+b.css",
        encoded: "dir/a%2Bb.css",
        fresh: &[(WWW, "/dir/a+b.css", &[]), (WWW, "/dir/sub/c.css?v=1", &[]), (WWW, "/dir/a.css", MOBILE)],
        neighbors: &[(WWW, "/other/a+b.css", &[]), (WWW, "/dir", &[])],
    },
    Case {
        mapping: "query_strings = \"any\"",
        key: "js/app.js",
        encoded: "js/app.js",
        fresh: &[(WWW, "/js/app.js", &[]), (WWW, "/js/app.js?utm=1&v=2", &[]), (IMG, "/js/app.js?v=2", MOBILE)],
        neighbors: &[(WWW, "/js/other.js?v=2", &[]), (WWW, "/js/", &[]), (OTHER, "/js/app.js?v=2", &[])],
    },
    Case {
        mapping: "also = [\"/\", \"/{dir}/feed.xml\"]\nlistings = \"parent\"",
        key: "blog/may.html",
        encoded: "blog/may.html",
        fresh: &[(WWW, "/blog/may.html", &[]), (WWW, "/", &[]), (IMG, "/blog/feed.xml", &[]), (WWW, "/blog/", &[])],
        neighbors: &[(WWW, "/blog/june.html", &[]), (WWW, "/feed.xml", &[]), (OTHER, "/", &[])],
    },
    Case {
        mapping: "purge = \"hosts\"\nhostnames = [\"www.red.com\"]",
        key: "dir/a.css",
        encoded: "dir/a.css",
        fresh: &[(WWW, "/dir/a.css", &[]), (WWW, "/b.css", &[]), (WWW, "/b.css", MOBILE)],
        neighbors: &[(IMG, "/dir/a.css", &[])],
    },
    Case {
        mapping: "purge = \"tags\"\ntags = [\"{stem}\"]",
        key: "dir/tagged.css",
        encoded: "dir/tagged.css",
        fresh: &[(WWW, "/tagged/1.css", &[]), (IMG, "/tagged/2.css", &[])],
        neighbors: &[(WWW, "/dir/tagged.css", &[]), (OTHER, "/tagged/1.css", &[])],
    },
    Case {
        mapping: "purge = \"everything\"",
        key: "a.css",
        encoded: "a.css",
        fresh: &[(WWW, "/b.css", &[]), (IMG, "/c/d.css?e", &[]), (WWW, "/b.css", TABLET)],
        neighbors: &[(OTHER, "/a.css", &[])],
    },
];

/// An edge with an origin server behind it. Everything below `/tagged/` has the tag `tagged`.
struct Site {
    world: World,
    origin: Origin,
    client: Client,
}

impl Site {
    async fn of(mapping: &str) -> Self {
        let origin = Origin::start().await.unwrap();
        let red = team("red", &[("red.com", "")], mapping);
        let red = red.replacen("[\"www.red.com\"]", "[\"www.red.com\", \"img.red.com\"]", 1);
        let teams = red + &team("blue", &[("blue.net", "")], "");
        let setup = Setup {
            teams,
            origin: Some(origin.url()),
            sandbox_zone: |zone| zone.vary_headers = vec!["cf-device-type".to_owned()],
            ..Setup::default()
        };
        Self { world: setup.build().await, origin, client: Client::builder().no_proxy().build().unwrap() }
    }

    /// Puts the same text under the path of every visit.
    fn put(&self, visits: &[Visit], text: &str) {
        for (_, target, _) in visits {
            let path = target.split('?').next().unwrap().replace("%2B", "+").replace("%20", " ");
            let path = path.replace("%28", "(").replace("%29", ")");
            let tags: &[_] = if path.starts_with("/tagged/") { &[("cache-tag", "one,tagged")] } else { &[] };
            self.origin.put_with_headers(&path, text, tags);
        }
    }

    /// What the edge says of its cache, and the body.
    async fn visit(&self, (host, target, headers): Visit) -> (String, String) {
        let mut request = self.client.get(format!("{}{target}", self.world.sandbox().edge_url())).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{host}{target}");
        let cache = answer.headers()["cf-cache-status"].to_str().unwrap().to_owned();
        (cache, answer.text().await.unwrap())
    }

    async fn expect(&self, visits: &[Visit], cache: &str, body: &str, when: &str) {
        for visit in visits {
            let seen = self.visit(*visit).await;
            assert_eq!((seen.0.as_str(), seen.1.as_str()), (cache, body), "{when}: {visit:?}");
        }
    }
}

#[tokio::test]
async fn visitors_get_the_new_object_and_neighbors_stay_cached() {
    for Case { mapping, key, encoded, fresh, neighbors } in CASES {
        for (mode, status) in [("purge", "MISS"), ("invalidate", "EXPIRED")] {
            let site = Site::of(&format!("{mapping}\nmode = \"{mode}\"")).await;
            let all = [*fresh, *neighbors].concat();
            site.put(&all, "old");
            site.expect(&all, "MISS", "old", mapping).await;
            site.expect(&all, "HIT", "old", mapping).await;
            site.put(&all, "new");
            site.origin.put(key, "new");
            site.expect(&all, "HIT", "old", "stale").await;

            let report = site.world.run(&s3("red-files", [encoded])).await;
            assert_all_purged(&report, mapping);

            let when = format!("{mapping}, {mode}");
            site.expect(neighbors, "HIT", "old", &when).await;
            site.expect(fresh, status, "new", &when).await;
            site.expect(fresh, "HIT", "new", &when).await;
        }
    }
}

#[tokio::test]
async fn a_removed_object_is_gone() {
    let site = Site::of("").await;
    let visit: Visit = (WWW, "/a.css", &[]);
    site.put(&[visit], "old");
    site.expect(&[visit], "MISS", "old", "before").await;
    site.origin.remove("/a.css");
    site.expect(&[visit], "HIT", "old", "stale").await;
    let mut event = s3("red-files", ["a.css"]);
    event["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
    assert_all_purged(&site.world.run(&event).await, "removed");
    let url = format!("{}/a.css", site.world.sandbox().edge_url());
    assert_eq!(site.client.get(url).header("host", WWW).send().await.unwrap().status(), 404);
}
