//! The panels of the requests: the list, and one of them beside its answer.

use maud::{Markup, html};
use serde_json::Value;

use super::View;
use super::panels::{VENDORS, count, empty, list, text, time, title, vendor};

/// A status, or what became of the request instead.
fn status(request: &Value) -> Markup {
    let number = request["status"].as_u64();
    let shown = number.map_or_else(|| text(request, "state").to_owned(), |it| it.to_string());
    let kind = match number {
        Some(..400) if request["refused"] == false => "good",
        None if text(request, "state") == "pending" => "wait",
        _ => "bad",
    };
    html! { span.status.(kind) { (shown) } }
}

pub(super) fn requests(view: &View, page: &Value) -> Markup {
    let requests = list(page, "requests");
    let is_refused = view.refused == "1";
    html! {
        (title(2, "requests", "Requests", count(page["matching"].as_u64().unwrap_or_default())))
        form.filter method="get" role="search" {
            input type="search" name="text" value=(view.text) placeholder="Filter: path, operation, reason"
                aria-label="Filter the requests" #filter;
            select name="vendor" aria-label="Vendor" {
                option value="" { "All vendors" }
                @for (name, shown) in VENDORS { option value=(name) selected[view.vendor == name] { (shown) } }
            }
            label { input type="checkbox" name="refused" value="1" checked[is_refused] #refused; " Only refused" }
            button { "Show" }
        }
        @if requests.is_empty() { (empty("No request that matches.")) }
        @else {
            div.scroll tabindex="0" role="region" aria-label="List of requests" {
                table {
                    thead { tr {
                        th scope="col" { "Time" } th scope="col" { "Vendor" } th scope="col" { "Operation" }
                        th scope="col" { "Status" } th scope="col" { "Why" }
                    } }
                    tbody {
                        @for request in requests {
                            @let id = request["id"].as_u64();
                            @let operation = text(request, "operation");
                            @let short = operation.split_once('.').map_or(operation, |(_, name)| name);
                            tr.chosen[id == view.request] {
                                td { (time(text(request, "at"))) }
                                td { (vendor(text(request, "vendor"))) }
                                td {
                                    a data-item data-request=[id] aria-current=[(id == view.request).then_some("true")]
                                        href={ (view.link(|it| { it.request = id; it.reveal.clear(); })) "#detail" }
                                        title={ (text(request, "method")) " " (text(request, "path")) }
                                        { (short.replace('_', " ")) }
                                    @if request["fault"].is_string() { " " span.tag { "fault" } }
                                }
                                td { (status(request)) }
                                td.why { (text(request, "why")) }
                            }
                        }
                    }
                }
            }
        }
        nav.pages aria-label="Pages of requests" {
            @if view.before.is_some() { a href={ (view.link(|it| it.before = None)) "#requests" } { "Newest" } }
            @if let Some(next) = page["next"].as_u64() {
                a href={ (view.link(|it| it.before = Some(next))) "#requests" } { "Older" }
            }
        }
    }
}

pub(super) fn no_detail() -> Markup {
    html! {
        header { h2 #detail-title tabindex="-1" { "One request" } }
        (empty("Choose a request to see it beside its answer."))
    }
}

fn message(name: &str, message: &Value) -> Markup {
    let headers = list(message, "headers");
    let body = text(message, "body");
    // JSON is laid out; anything else stays as it is.
    let laid_out = serde_json::from_str::<Value>(body)
        .ok()
        .filter(|it| it.is_object() || it.is_array());
    let body = laid_out.map_or_else(|| body.to_owned(), |it| format!("{it:#}"));
    html! {
        div.message {
            h3 { (name) }
            dl {
                @for header in headers {
                    dt { (header[0].as_str().unwrap_or_default()) }
                    dd { (header[1].as_str().unwrap_or_default()) }
                }
            }
            @if body.is_empty() { p.empty { "No body." } }
            @else { pre tabindex="0" role="region" aria-label={ "Body of the " (name.to_lowercase()) } { (body) } }
            @if message["is_whole"] == false { p.empty { "Only its beginning is kept." } }
        }
    }
}

pub(super) fn detail(view: &View, request: &Value) -> Markup {
    if let Some(error) = request["error"].as_str() {
        return html! { (no_detail()) p.empty { (error) } };
    }
    let is_revealed = request["revealed"] == true;
    let toggled = view.link(|it| {
        it.reveal = if is_revealed {
            String::new()
        } else {
            "1".to_owned()
        }
    });
    let why = &request["why"];
    html! {
        header {
            h2 #detail-title tabindex="-1" { code { (text(request, "method")) " " (text(request, "target")) } }
            (status(request))
        }
        p.facts {
            (text(request, "operation")) " · " (text(request, "at"))
            @if let Some(fault) = request["fault"].as_str() { " · fault: " (fault) }
        }
        @if let Some(hint) = why["hint"].as_str() {
            div.reason {
                p { b { "Why: " } (hint) }
                @if let Some(expected) = why["expected"].as_str() {
                    dl { dt { "expected" } dd { (expected) } dt { "got" } dd { (text(why, "got")) } }
                }
            }
        }
        div.actions {
            a.button #reveal role="button" href={ (toggled) "#detail" } { @if is_revealed { "Hide secrets" } @else { "Reveal secrets" } }
            button #copy type="button" data-copy=(text(request, "curl")) { "Copy as curl" }
            button type="button" data-copy=(text(request, "rust")) { "Copy as Rust test" }
        }
        div.sides {
            (message("Request", &request["request"]))
            @if request["answer"].is_null() { div.message { h3 { "Answer" } (empty("None.")) } }
            @else { (message("Answer", &request["answer"])) }
        }
    }
}
