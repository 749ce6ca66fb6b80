//! The HTTP side: axum over tokio. A payment is scored where its request was read: that takes tens of microseconds,
//! which is less than handing it over would.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::score::Scorer;

const BODY_BYTES_MAX: usize = 64 * 1024;

pub fn serve(scorer: Scorer, port: u16, workers: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    // On a worker: the main thread has nothing to do with requests.
    runtime.block_on(async { tokio::spawn(listen(Arc::new(scorer), port)).await.map_err(|error| error.to_string())? })
}

async fn listen(scorer: Arc<Scorer>, port: u16) -> Result<(), String> {
    tokio::spawn(sweep(scorer.clone()));
    let router = Router::new()
        .route("/v1/score", post(score))
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(scorer);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true); // a reply goes out at once; without it all is well, only slower
    });
    axum::serve(listener, router).with_graceful_shutdown(stopped()).await.map_err(|error| error.to_string())
}

async fn score(State(scorer): State<Arc<Scorer>>, body: Bytes) -> Response {
    match scorer.reply(&body, &mut ()) {
        Ok(reply) => ([(header::CONTENT_TYPE, "application/json")], reply).into_response(),
        Err(problem) => {
            let body = serde_json::json!({"title": "The payment is not as expected", "status": 422, "detail": problem});
            let kind = [(header::CONTENT_TYPE, "application/problem+json")];
            (StatusCode::UNPROCESSABLE_ENTITY, kind, body.to_string()).into_response()
        }
    }
}

/// Drops old keys, a shard a second.
async fn sweep(scorer: Arc<Scorer>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        scorer.store().sweep();
    }
}

async fn stopped() {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("a handler for SIGTERM can be set");
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
