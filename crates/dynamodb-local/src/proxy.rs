//! A proxy in front of the engine. It records every call and can inject a fault. It also plays STS.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::watch;

/// What happens to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The engine answers.
    Pass,
    /// The proxy refuses it with this HTTP status, code and message. The engine does not receive it.
    Refuse(u16, &'static str, &'static str),
    /// The proxy answers with this HTTP status and body. The engine does not receive it.
    Answer(u16, Value),
    /// The engine answers, but the answer is lost: the caller gets status 500.
    LoseAnswer,
    /// The engine receives the larger first half of the keys of a BatchGetItem. The others are unprocessed.
    LeaveHalfOut,
    /// It waits for [`Proxy::release`] or [`Proxy::release_held`]. Then the engine receives it.
    Hold,
    /// The engine answers now, and its answer waits as for [`Action::Hold`].
    HoldAnswer,
    /// It waits as for [`Action::Hold`], and is then refused with this HTTP status, code and message.
    HoldThenRefuse(u16, &'static str, &'static str),
    /// It is never answered, and the engine does not receive it.
    Hang,
}

/// A received call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The operation, such as `Query`.
    pub operation: String,
    /// The request.
    pub body: Value,
}

type Decide = Box<dyn FnMut(&Call) -> Action + Send>;

struct Shared {
    engine: String,
    http: reqwest::Client,
    calls: Vec<Call>,
    decide: Decide,
}

/// The proxy. It stops with the runtime in which it was started.
#[derive(Clone)]
pub struct Proxy {
    /// Its URL, for DynamoDB and STS.
    pub url: String,
    shared: Arc<Mutex<Shared>>,
    released: watch::Sender<bool>,
    /// How many answers of the engine were held since the last [`Proxy::on_call`].
    held_answers: watch::Sender<usize>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

impl Proxy {
    pub(crate) async fn start(engine: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let decide: Decide = Box::new(|_| Action::Pass);
        let shared = Shared { engine: engine.to_owned(), http, calls: Vec::new(), decide };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Self {
            url,
            shared: Arc::new(Mutex::new(shared)),
            released: watch::channel(false).0,
            held_answers: watch::channel(0).0,
        };
        let router = Router::new().route("/", post(handle)).with_state(proxy.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await });
        proxy
    }

    /// Sets the function that decides what happens to each call from now on.
    pub fn on_call(&self, decide: impl FnMut(&Call) -> Action + Send + 'static) {
        self.shared().decide = Box::new(decide);
        self.released.send_replace(false);
        self.held_answers.send_replace(0);
    }

    /// From now on, this happens to the transaction of this index, counted from 0, and to all after it. All other calls
    /// pass.
    pub fn on_write_from(&self, index: usize, action: Action) {
        let mut writes = 0;
        self.on_call(move |call| {
            let is_write = call.operation == "TransactWriteItems";
            writes += usize::from(is_write);
            if is_write && writes > index { action.clone() } else { Action::Pass }
        });
    }

    /// Passes all calls from now on, including those that are held.
    pub fn release(&self) {
        self.shared().decide = Box::new(|_| Action::Pass);
        self.release_held();
    }

    /// Lets all held calls go on, and holds none until the next [`Proxy::on_call`]. The function that decides stays.
    pub fn release_held(&self) {
        self.released.send_replace(true);
    }

    /// Takes the calls that were recorded since the last time.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.shared().calls)
    }

    /// The operations of [`Proxy::calls`].
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// Waits until this many calls of an operation are recorded.
    pub async fn arrived(&self, operation: &str, count: usize) {
        let recorded = || self.shared().calls.iter().filter(|call| call.operation == operation).count();
        let all = async {
            while recorded() < count {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), all).await.unwrap();
    }

    /// Waits until the engine has given the answer of this many calls that [`Action::HoldAnswer`] holds.
    pub async fn answers_held(&self, count: usize) {
        let mut held = self.held_answers.subscribe();
        let all = held.wait_for(|held| *held >= count);
        tokio::time::timeout(std::time::Duration::from_secs(60), all).await.unwrap().unwrap();
    }

    async fn wait_for_release(&self) {
        let _ = self.released.subscribe().wait_for(|released| *released).await;
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn handle(State(proxy): State<Proxy>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let Some(operation) = header("x-amz-target").strip_prefix("DynamoDB_20120810.").map(str::to_owned) else {
        return identity(&header("authorization"));
    };
    let call = Call { operation, body: serde_json::from_slice(&body).unwrap_or_default() };
    let action = {
        let mut shared = proxy.shared();
        shared.calls.push(call.clone());
        (shared.decide)(&call)
    };
    match action {
        Action::Pass => proxy.forward(&headers, body).await,
        Action::Refuse(status, code, message) => refusal(status, code, message),
        Action::Answer(status, answer) => (StatusCode::from_u16(status).unwrap(), answer.to_string()).into_response(),
        Action::LoseAnswer => {
            proxy.forward(&headers, body).await;
            refusal(500, "InternalServerError", "the answer was lost")
        }
        Action::LeaveHalfOut => proxy.half(&headers, call.body).await,
        Action::Hold => {
            proxy.wait_for_release().await;
            proxy.forward(&headers, body).await
        }
        Action::HoldThenRefuse(status, code, message) => {
            proxy.wait_for_release().await;
            refusal(status, code, message)
        }
        Action::HoldAnswer => {
            let answer = proxy.forward(&headers, body).await;
            proxy.held_answers.send_modify(|held| *held += 1);
            proxy.wait_for_release().await;
            answer
        }
        Action::Hang => std::future::pending().await,
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Response {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message });
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

/// The answer of STS. The access key is the user's name.
fn identity(authorization: &str) -> Response {
    let user = authorization.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::123456789012:user/{user}</Arn><UserId>AIDA</UserId><Account>123456789012</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    ([("content-type", "text/xml")], body).into_response()
}

impl Proxy {
    async fn forward(&self, headers: &HeaderMap, body: Bytes) -> Response {
        let (http, engine) = {
            let shared = self.shared();
            (shared.http.clone(), shared.engine.clone())
        };
        let mut request = http.post(engine).body(body);
        for name in ["authorization", "content-type", "x-amz-date", "x-amz-target"] {
            request = headers.get(name).into_iter().fold(request, |request, value| request.header(name, value));
        }
        let answer = request.send().await.unwrap();
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
        let kind = answer.headers().get("content-type").cloned();
        let mut response = (status, answer.bytes().await.unwrap()).into_response();
        if let Some(kind) = kind {
            response.headers_mut().insert("content-type", kind);
        }
        response
    }

    async fn half(&self, headers: &HeaderMap, mut body: Value) -> Response {
        let tables = body["RequestItems"].as_object_mut().unwrap();
        let (name, asked) = tables.iter_mut().next().unwrap();
        let (name, keys) = (name.clone(), asked["Keys"].as_array_mut().unwrap());
        let left = keys.split_off(keys.len().div_ceil(2));
        if left.is_empty() {
            return self.forward(headers, body.to_string().into()).await;
        }
        let answer = self.forward(headers, body.to_string().into()).await;
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
        answer["UnprocessedKeys"] = json!({ name: { "Keys": left } });
        (StatusCode::OK, answer.to_string()).into_response()
    }
}
