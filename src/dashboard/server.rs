//! The server: loopback unless told otherwise, a random token in every address, no other origin accepted.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;

use crate::scenario::Scenario;

use super::page::{HTML, SCRIPT, STYLE, TOKEN};
use super::session::{METRICS_TYPE, Order, Session};

/// Why there is no dashboard.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be taken.
    #[error("cannot listen on {address}: {source}; choose another with --listen 127.0.0.1:0")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// Anything else of the system.
    #[error("the server ended: {0}")]
    Io(#[from] io::Error),
}

/// Where a dashboard is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its address.
    pub address: SocketAddr,
    /// The token that every request needs.
    pub token: String,
}

impl Served {
    /// The page.
    pub fn url(&self) -> String {
        format!("http://{}/?token={}", self.address, self.token)
    }
}

/// What the handlers share.
struct App {
    token: String,
    /// Names under which the server may be asked for.
    hosts: Vec<String>,
    setup: String,
    orders: Sender<Order>,
    frames: watch::Receiver<Arc<str>>,
}

/// Serves a session until `stop` says so. `ready` is told the address.
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    session: Session,
    scenario: &Scenario,
    address: SocketAddr,
    ready: impl FnOnce(&Served),
    stop: impl Fn() -> bool,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let setup = serde_json::to_string(&session.setup(scenario)).expect("a setup is plain data");
    let (orders, inbox) = std::sync::mpsc::channel();
    let (newest, frames) = watch::channel(Arc::<str>::from("{}"));
    let simulation =
        std::thread::Builder::new().name("simulation".to_owned()).spawn(move || {
            session.run(&inbox, |frame| {
                // A frame that nobody has read yet is replaced: the simulation never waits for a browser.
                let text = serde_json::to_string(frame).expect("a frame is plain data");
                newest.send_replace(Arc::from(text));
            });
        })?;
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(|source| ServeError::Listen { address, source })?;
        let address = listener.local_addr()?;
        let served = Served { address, token: token() };
        let port = address.port();
        let mut hosts = vec![address.to_string()];
        if address.ip().is_loopback() {
            hosts.extend([format!("localhost:{port}"), format!("127.0.0.1:{port}")]);
        }
        let app = Arc::new(App { token: served.token.clone(), hosts, setup, orders, frames });
        ready(&served);
        let server = tokio::spawn(axum::serve(listener, router(app)).into_future());
        while !stop() && !server.is_finished() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok::<(), ServeError>(())
    });
    // Streams that are still open go with the runtime, and with them the last sender of orders.
    drop(runtime);
    let _ = simulation.join();
    served
}

/// 128 bits that nobody can guess: std seeds its hash maps from the system's randomness.
fn token() -> String {
    let word = || RandomState::new().hash_one(0u64);
    format!("{:016x}{:016x}", word(), word())
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/app.js", get(|| async { text("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/style.css", get(|| async { text("text/css; charset=utf-8", STYLE) }))
        .route("/setup", get(setup))
        .route("/events", get(events))
        .route("/order", post(order))
        .route("/scenario.toml", get(save))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

fn text(kind: &'static str, body: impl Into<String>) -> Response {
    ([(header::CONTENT_TYPE, kind)], body.into()).into_response()
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

/// Only who knows the token, asks under the server's own name and comes from its own page is served.
async fn guard(
    State(app): State<Arc<App>>,
    Query(given): Query<Token>,
    request: Request,
    next: Next,
) -> Response {
    let headers: &HeaderMap = request.headers();
    let said = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let known = |host: &str| app.hosts.iter().any(|name| name == host);
    let origin = said(header::ORIGIN);
    let own = origin.is_none_or(|origin| origin.strip_prefix("http://").is_some_and(known));
    let named = said(header::HOST).is_some_and(known);
    // A page of another origin cannot set this type without asking first.
    let plain = request.method() != Method::POST
        || said(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    if !(own && named && plain) {
        return (StatusCode::FORBIDDEN, "another origin or host\n").into_response();
    }
    if !same(given.token.as_bytes(), app.token.as_bytes()) {
        let what = "the address needs the token that the program printed\n";
        return (StatusCode::UNAUTHORIZED, what).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Compares in a time that says nothing of where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

async fn page(State(app): State<Arc<App>>) -> Response {
    text("text/html; charset=utf-8", HTML.replace(TOKEN, &app.token))
}

async fn setup(State(app): State<Arc<App>>) -> Response {
    text("application/json", app.setup.clone())
}

async fn events(State(app): State<Arc<App>>) -> impl IntoResponse {
    let frames = WatchStream::new(app.frames.clone());
    let events = frames.map(|frame| Ok::<Event, Infallible>(Event::default().data(&*frame)));
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// An order as the page sends it.
#[derive(Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case", deny_unknown_fields)]
enum Sent {
    Play { plays: bool },
    Speed { speed: Option<f64> },
    Step,
    Seek { to_s: f64 },
    Inject { kind: String, on: String, lasts_s: f64 },
    Set { id: String, value: String },
    Release { on: String },
    Undo,
}

async fn order(State(app): State<Arc<App>>, body: String) -> Response {
    let sent: Sent = match serde_json::from_str(&body) {
        Ok(sent) => sent,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let order = match sent {
        Sent::Play { plays } => Order::Play(plays),
        Sent::Speed { speed } => Order::Speed(speed),
        Sent::Step => Order::Step,
        Sent::Seek { to_s } => Order::Seek(to_s),
        Sent::Inject { kind, on, lasts_s } => Order::Inject { kind, on, lasts_s },
        Sent::Set { id, value } => Order::Set { id, value },
        Sent::Release { on } => Order::Release(on),
        Sent::Undo => Order::Undo,
    };
    match app.orders.send(order) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => gone(),
    }
}

fn gone() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the simulation has ended\n").into_response()
}

async fn save(State(app): State<Arc<App>>) -> Response {
    let (to, from) = oneshot::channel();
    if app.orders.send(Order::Save(to)).is_err() {
        return gone();
    }
    match from.await {
        Ok(source) => {
            let kind = [
                (header::CONTENT_TYPE, "application/toml"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"session.toml\""),
            ];
            (kind, source).into_response()
        }
        Err(_) => gone(),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let (to, from) = oneshot::channel();
    if app.orders.send(Order::Metrics(to)).is_err() {
        return gone();
    }
    match from.await {
        Ok(Some(metrics)) => text(METRICS_TYPE, metrics),
        Ok(None) => (StatusCode::NOT_FOUND, "this policy has no engine\n").into_response(),
        Err(_) => gone(),
    }
}
