//! The page: a view of the JSON API, rendered here. Its script replaces a panel when something in it
//! has changed; without the script it can be read all the same.

mod panels;
mod requests;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, get};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::api::Refused;
use super::app::Here;

/// The panels that are rendered alone, in the order of their keys.
const PANELS: [&str; 7] = [
    "inbox", "requests", "tokens", "faults", "users", "detail", "clock",
];

/// What belongs to the page, and not to the API.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter)> {
    let asset = |kind: &'static str, text: &'static str| get(async move || typed(kind, text));
    vec![
        ("/", get(page)),
        ("/_sandbox/page/panel/{panel}", get(panel)),
        (
            "/_sandbox/page/page.css",
            asset("text/css; charset=utf-8", include_str!("page/page.css")),
        ),
        (
            "/_sandbox/page/page.mjs",
            asset(
                "text/javascript; charset=utf-8",
                include_str!("page/page.mjs"),
            ),
        ),
        (
            "/_sandbox/page/icon.svg",
            asset("image/svg+xml", include_str!("page/icon.svg")),
        ),
    ]
}

/// What is shown: of the requests those that match, and one of them whole.
#[derive(Clone, Debug, Default, Deserialize)]
struct View {
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    refused: String,
    before: Option<u64>,
    request: Option<u64>,
    #[serde(default)]
    reveal: String,
}

impl View {
    /// The query of this view, without what is empty.
    fn query(&self) -> String {
        let number = |it: Option<u64>| it.map(|it| it.to_string()).unwrap_or_default();
        let (before, request) = (number(self.before), number(self.request));
        let fields = [
            ("vendor", &self.vendor),
            ("text", &self.text),
            ("refused", &self.refused),
            ("before", &before),
            ("request", &request),
            ("reveal", &self.reveal),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        Serializer::new(String::new()).extend_pairs(fields).finish()
    }

    fn link(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut view = self.clone();
        change(&mut view);
        format!("?{}", view.query())
    }
}

/// A namespace, and what the API says of it.
struct Page {
    here: Here,
    view: View,
}

impl Page {
    async fn api(&self, path: &str) -> Value {
        self.here.app.ask(&self.here, path).await
    }

    /// Where the namespace is on this host, without a slash at its end.
    fn base(&self) -> String {
        match &*self.here.space.name {
            "" => String::new(),
            name => format!("/ns/{name}"),
        }
    }

    async fn panel(&self, name: &str) -> Markup {
        match name {
            "inbox" => panels::inbox(&self.api("/_sandbox/mails?limit=50").await),
            "requests" => requests::requests(&self.view, &self.api(&self.requests()).await),
            "tokens" => panels::tokens(&self.api("/_sandbox/tokens?limit=200").await),
            "faults" => {
                let operations = self.api("/_sandbox/operations").await;
                panels::faults(&self.api("/_sandbox/faults").await, &operations)
            }
            "users" => panels::users(&self.api("/_sandbox/users").await),
            "clock" => panels::clock(&self.api("/_sandbox/clock").await),
            _ => match self.view.request {
                None => requests::no_detail(),
                Some(id) => {
                    let reveal = self.view.reveal == "1";
                    let path = format!("/_sandbox/requests/{id}?reveal={reveal}");
                    requests::detail(&self.view, &self.api(&path).await)
                }
            },
        }
    }

    /// The API's query for the requests of this view.
    fn requests(&self) -> String {
        let view = &self.view;
        let mut query = Serializer::new("/_sandbox/requests?limit=100".to_owned());
        for (name, value) in [("vendor", &view.vendor), ("text", &view.text)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if view.refused == "1" {
            query.append_pair("refused", "true");
        }
        if let Some(before) = view.before {
            query.append_pair("before", &before.to_string());
        }
        query.finish()
    }

    async fn whole(&self) -> Markup {
        let base = self.base();
        let arrived = self.api("/_sandbox/requests?limit=0").await;
        let [inbox, requests, tokens, faults, users, detail, clock] = [
            self.panel(PANELS[0]).await,
            self.panel(PANELS[1]).await,
            self.panel(PANELS[2]).await,
            self.panel(PANELS[3]).await,
            self.panel(PANELS[4]).await,
            self.panel(PANELS[5]).await,
            self.panel(PANELS[6]).await,
        ];
        let namespace = &self.here.space.name;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { @if !namespace.is_empty() { (namespace) " · " } "auth-sandbox" }
                    link rel="icon" href={ (base) "/_sandbox/page/icon.svg" };
                    link rel="stylesheet" href={ (base) "/_sandbox/page/page.css" };
                    script type="module" src={ (base) "/_sandbox/page/page.mjs" } {}
                }
                body data-base=(base) {
                    a.skip href="#requests" { "Skip to the requests" }
                    header.bar {
                        h1 { "auth" span { "-sandbox" } }
                        @if !namespace.is_empty() { span.space { "namespace " b { (namespace) } } }
                        section #clock aria-label="Clock" { (clock) }
                        button #keys type="button" aria-haspopup="dialog" { "Keys " kbd { "?" } }
                    }
                    noscript {
                        p.note { "Without JavaScript this page can be read, and shows what was there when it was loaded. \
                            What changes something needs JavaScript, or the API." }
                    }
                    main {
                        section.intro #intro hidden[arrived["arrived"].as_u64() != Some(0)] aria-labelledby="intro-title" {
                            (panels::intro(&base, &self.here.origin()))
                        }
                        section.panel #inbox aria-labelledby="inbox-title" { (inbox) }
                        section.panel #requests aria-labelledby="requests-title" { (requests) }
                        section.panel #detail aria-labelledby="detail-title" { (detail) }
                        section.panel #tokens aria-labelledby="tokens-title" { (tokens) }
                        section.panel #faults aria-labelledby="faults-title" { (faults) }
                        section.panel #users aria-labelledby="users-title" { (users) }
                    }
                    p #live role="status" aria-live="polite" {}
                    p #toast role="alert" {}
                    dialog #help aria-labelledby="help-title" { (panels::help()) }
                }
            }
        }
    }
}

async fn page(Extension(here): Extension<Here>, Query(view): Query<View>) -> Response<Body> {
    rendered(&Page { here, view }.whole().await)
}

/// One panel, for the script.
async fn panel(
    Extension(here): Extension<Here>,
    Path(name): Path<String>,
    Query(view): Query<View>,
) -> Response<Body> {
    if !PANELS.contains(&&*name) {
        return Refused(StatusCode::NOT_FOUND, "there is no such panel".to_owned()).into_response();
    }
    rendered(&Page { here, view }.panel(&name).await)
}

fn rendered(markup: &Markup) -> Response<Body> {
    typed("text/html; charset=utf-8", markup.0.clone())
}

fn typed(kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
