//! The dashboard: three files, no outside resources, no data. What it shows it
//! asks of the API, with the token that the person types.

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;

const PAGE: &str = include_str!("../dashboard/index.html");
const STYLE: &str = include_str!("../dashboard/style.css");
const SCRIPT: &str = include_str!("../dashboard/app.js");
const CHART: &str = include_str!("../dashboard/chart.js");
const ICON: &str = include_str!("../dashboard/icon.svg");

pub(super) fn app() -> Router {
    let file =
        |kind: &'static str, text: &'static str| get(async move || ([(CONTENT_TYPE, kind)], text));
    let script = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", file("text/html; charset=utf-8", PAGE))
        .route("/style.css", file("text/css; charset=utf-8", STYLE))
        .route("/app.js", file(script, SCRIPT))
        .route("/chart.js", file(script, CHART))
        .route("/icon.svg", file("image/svg+xml", ICON))
}
