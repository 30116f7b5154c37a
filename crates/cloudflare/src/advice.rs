//! What to do about a refused purge, by the codes of the answer and of the causes in its `error_chain`.
//!
//! Sources of codes and messages: Cloudflare's community and the issues of clients of its API, because no document lists them.

/// What is between an error and the advice in the message of a refused purge.
const HELP: &str = "; help: ";

/// What to do about an error.
struct Advice {
    /// The HTTP status; any if there is none.
    status: Option<u16>,
    /// Any code if empty.
    codes: &'static [i64],
    /// A part of the message in lowercase; any message if empty.
    says: &'static str,
    text: &'static str,
}

/// What messages of 1107 say, and perhaps those of codes that nobody has reported yet.
pub(crate) const PLAN_LACKS: &str = "only enterprise zones";

const LACKS_PERMISSION: &str =
    "the token lacks the permission Zone · Cache Purge for this zone, or `zone_id` is another zone's";

const PLAN_ADVICE: &str = "the zone's plan lacks this method: write `purge = \"urls\"`, or upgrade the plan";

/// The first that fits counts: causes before what they lead to, and what is certain before guesses.
const ADVICE: &[Advice] = &[
    Advice {
        status: None,
        codes: &[6103],
        says: "",
        text: "the token is malformed: X-Auth-Key takes only a global API key; to use an API token, leave CLOUDFLARE_API_EMAIL \
               unset",
    },
    Advice {
        status: None,
        codes: &[6102],
        says: "",
        text: "CLOUDFLARE_API_EMAIL is malformed: write the e-mail address of the global API key's user",
    },
    Advice {
        status: None,
        codes: &[6111, 6003],
        says: "",
        text: "the token is malformed: use the API token alone, without `Bearer`, quotes or a part missing (if it is \
               in SSM: `purge-router tokens put --overwrite`)",
    },
    Advice {
        status: None,
        codes: &[9106],
        says: "",
        text: "the request arrived without its token: see whether a proxy removes the header `Authorization`",
    },
    Advice {
        status: None,
        codes: &[9103],
        says: "",
        text: "Cloudflare does not know this pair of CLOUDFLARE_API_KEY and CLOUDFLARE_API_EMAIL: see whether the key was \
               changed, and whose it is",
    },
    Advice {
        status: None,
        codes: &[9109],
        says: "location",
        text: "the token may not be used from this address: add it to the token's client IP filter, or remove the filter",
    },
    Advice {
        status: None,
        codes: &[1000, 9109],
        says: "invalid",
        text: "Cloudflare does not know the token: it was revoked or rolled, or a part of it is missing; store a valid one",
    },
    Advice { status: None, codes: &[9109], says: "", text: LACKS_PERMISSION },
    Advice {
        status: None,
        codes: &[10502],
        says: "",
        text: "Cloudflare blocks this address after too many refused tokens: fix those that are refused",
    },
    // A token that Cloudflare does not know, and one that may not do this, have the same code.
    Advice {
        status: Some(401),
        codes: &[10000],
        says: "",
        text: "Cloudflare does not accept the token for anything: it was revoked or rolled, has expired, or a part of it is \
               missing; store a valid one",
    },
    Advice { status: None, codes: &[10000], says: "", text: LACKS_PERMISSION },
    Advice {
        status: None,
        codes: &[7000, 7003],
        says: "",
        text: "`zone_id` is wrong: copy it from the zone's overview in Cloudflare's dashboard",
    },
    Advice { status: None, codes: &[1107, 1112], says: "", text: PLAN_ADVICE },
    Advice {
        status: None,
        codes: &[1136],
        says: "",
        text: "this environment selects visitors, and can't be purged by URL: write `purge = \"prefixes\"` or another method",
    },
    Advice {
        status: None,
        codes: &[1016, 1082],
        says: "zone",
        text: "see whether the hostname belongs to the zone of `zone_id`, and fix the zone's `hostnames`",
    },
    Advice { status: None, codes: &[], says: PLAN_LACKS, text: PLAN_ADVICE },
    Advice { status: None, codes: &[1014, 1092], says: "", text: "this is a bug of purge-router: please report it" },
];

/// The advice for an answer with this HTTP status, and these codes and messages, its causes first.
pub(crate) fn advice<'m>(status: u16, errors: impl Iterator<Item = (i64, &'m str)> + Clone) -> Option<&'static str> {
    let fits = |advice: &Advice| {
        if advice.status.is_some_and(|of| of != status) {
            return false;
        }
        let has_code = |code| advice.codes.is_empty() || advice.codes.contains(&code);
        let says = |message: &str| advice.says.is_empty() || message.to_lowercase().contains(advice.says);
        errors.clone().any(|(code, message)| has_code(code) && says(message))
    };
    ADVICE.iter().find(|advice| fits(advice)).map(|advice| advice.text)
}

/// A message with its advice.
pub(crate) fn with_advice(message: String, advice: Option<&str>) -> String {
    match advice {
        Some(advice) => message + HELP + advice,
        None => message,
    }
}

/// The error of a refused purge, and the advice that follows it.
pub fn split_advice(error: &str) -> (&str, Option<&str>) {
    match error.rsplit_once(HELP) {
        Some((error, advice)) => (error, Some(advice)),
        None => (error, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_fits_the_code_and_what_it_says() {
        for (errors, expected) in [
            (&[(6111, "Invalid format for Authorization header"), (6003, "")][..], "the token is malformed: use"),
            (&[(6103, "Invalid format for X-Auth-Key header"), (6003, "")], "the token is malformed: X-Auth-Key"),
            (&[(6102, "Invalid format for X-Auth-Email header"), (6003, "")], "CLOUDFLARE_API_EMAIL is malformed"),
            (&[(6003, "Invalid request headers")], "the token is malformed"),
            (&[(9109, "Cannot use the access token from location: 192.0.2.1")], "the token may not be used from this"),
            (&[(9109, "Invalid access token")], "Cloudflare does not know the token"),
            (&[(9109, "Unauthorized to access requested resource")], "the token lacks the permission"),
            (&[(1000, "Invalid API Token")], "Cloudflare does not know the token"),
            (&[(10000, "Authentication error")], "the token lacks the permission"),
            (&[(9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")], "the request arrived without"),
            (&[(10000, ""), (10502, "")], "Cloudflare blocks this address"),
            (&[(7003, "Could not route to /zones/x"), (7000, "No route for that URI")], "`zone_id` is wrong"),
            (&[(1107, "Only enterprise zones can purge by tag.")], "the zone's plan lacks this method"),
            (&[(1112, "")], "the zone's plan lacks this method"),
            (&[(1, "Only enterprise zones can purge by host.")], "the zone's plan lacks this method"),
            (&[(1136, "")], "this environment selects visitors"),
            (&[(9103, "Unknown X-Auth-Key or X-Auth-Email")], "Cloudflare does not know this pair"),
            (&[(1082, "which is not a URL of this zone")], "see whether the hostname belongs to the zone"),
            (&[(1092, "")], "this is a bug"),
        ] {
            let advice = advice(403, errors.iter().copied()).unwrap_or_default();
            assert!(advice.starts_with(expected), "{errors:?}: {advice}");
        }
        let unknown = advice(401, [(10000, "Authentication error")].into_iter()).unwrap_or_default();
        assert!(unknown.starts_with("Cloudflare does not accept the token for anything"), "{unknown}");
        for code in [0, 971, 1012, 1134, 10429] {
            assert_eq!(advice(403, [(code, "")].into_iter()), None, "{code}");
        }
        assert_eq!(advice(400, [(1082, "which is an invalid URL")].into_iter()), None);
    }

    #[test]
    fn advice_is_split_from_its_error() {
        let message = with_advice("HTTP 400: 7003 a; help: b".to_owned(), Some("do this"));
        assert_eq!(split_advice(&message), ("HTTP 400: 7003 a; help: b", Some("do this")));
        assert_eq!(split_advice(&with_advice("HTTP 400".to_owned(), None)), ("HTTP 400", None));
    }
}
