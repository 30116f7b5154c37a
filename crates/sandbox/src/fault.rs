//! A fault to inject: what goes wrong, for which requests, and how often.

use serde::{Deserialize, Serialize};

/// Something that goes wrong with requests to the API.
///
/// ```
/// use purge_router_sandbox::{Fault, FaultKind};
///
/// let text = r#"{"kind": {"delay": {"milliseconds": 50}}, "share": 0.5}"#;
/// let fault = Fault { share: 0.5, ..Fault::new(FaultKind::Delay { milliseconds: 50 }) };
/// assert_eq!(serde_json::from_str::<Fault>(text).unwrap(), fault);
/// assert_eq!(serde_json::from_str::<Fault>(r#"{"kind": "reset"}"#).unwrap(), Fault::new(FaultKind::Reset));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only requests of this zone match. Without it, every request matches, token verifications included.
    #[serde(default)]
    pub zone_id: Option<String>,
    /// What happens to a matching request.
    pub kind: FaultKind,
    /// The share of matching requests that fail, from 0 to 1.
    #[serde(default = "always")]
    pub share: f64,
    /// How many requests fail at most. Without it, there is no end.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What a [`Fault`] does. HTTP statuses are 200 to 599.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Refuses the whole request with an error in Cloudflare's envelope.
    Status {
        /// HTTP status of the answer, such as 503.
        status: u16,
        /// `code` of the answer's only error.
        code: i64,
        /// `message` of the answer's only error.
        message: String,
        /// Seconds for `Retry-After`.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// Waits, then continues normally.
    Delay {
        /// The wait before the API handles the request, in milliseconds.
        milliseconds: u64,
    },
    /// Resets the connection without an answer.
    Reset,
    /// Never answers. The request ends when the client disconnects.
    Hang,
    /// Answers with any text as `text/html`, such as a proxy's error page.
    Body {
        /// HTTP status of the answer, such as 502.
        status: u16,
        /// The whole body, sent as it is.
        body: String,
    },
    /// Refuses purges by URL that name exactly this URL, with 400 and code 1082: a bad item.
    RejectUrl {
        /// The URL, in exactly the spelling of the purge.
        url: String,
    },
    /// Refuses purges that name this hostname, with 400: code 1082 for a URL, 1016 for a host or prefix.
    RejectHost {
        /// The hostname, without a port.
        host: String,
    },
    /// Accepts purges, and evicts nothing.
    KeepCached,
    /// Refuses purges by this method, with 400, as for a zone whose plan lacks the method.
    RejectMethod {
        /// The field of the body that is refused.
        method: PurgeMethod,
        /// The error's code: Cloudflare has been seen to send 1107 and 1112.
        code: i64,
    },
}

/// How a request names what to purge: the field of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurgeMethod {
    /// `purge_everything`.
    PurgeEverything,
    /// `files`.
    Files,
    /// `hosts`.
    Hosts,
    /// `prefixes`.
    Prefixes,
    /// `tags`.
    Tags,
}

impl Fault {
    /// A fault that happens to every request.
    pub fn new(kind: FaultKind) -> Self {
        Self { zone_id: None, kind, share: always(), times: None }
    }

    /// What is wrong with the numbers, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        if !(0.0..=1.0).contains(&self.share) {
            return Some(format!("share must be from 0 to 1, not {}", self.share));
        }
        match self.kind {
            FaultKind::Status { status, .. } | FaultKind::Body { status, .. } if !(200..600).contains(&status) => {
                Some(format!("status must be from 200 to 599, not {status}"))
            }
            _ => None,
        }
    }
}

fn always() -> f64 {
    1.0
}
