//! The panels. Every text of a client is escaped by maud, which writes no other.

use maud::{Markup, html};
use serde_json::{Map, Value};

pub(super) const VENDORS: [(&str, &str); 4] = [
    ("iqm", "IQM"),
    ("edgeiq", "EdgeIQ"),
    ("eqworks", "EQ Works"),
    ("identityx", "IdentityX"),
];

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(super) fn vendor(name: &str) -> &str {
    let known = VENDORS.iter().find(|(it, _)| *it == name);
    known.map_or("–", |(_, shown)| shown)
}

/// `2030-01-01T10:20:30.400Z` in two parts, for a table and for its tooltip.
pub(super) fn time(at: &str) -> Markup {
    let clock = at.split_once('T').map_or(at, |(_, time)| time);
    html! { time datetime=(at) title=(at) { (clock.get(..8).unwrap_or(clock)) } }
}

pub(super) fn title(key: u8, id: &str, name: &str, more: impl maud::Render) -> Markup {
    html! {
        header {
            h2 id={ (id) "-title" } tabindex="-1" { (name) }
            (more)
            kbd aria-hidden="true" { (key) }
        }
    }
}

pub(super) fn count(number: impl maud::Render) -> Markup {
    html! { span.count { (number) } }
}

pub(super) fn empty(what: &str) -> Markup {
    html! { p.empty { (what) } }
}

pub(super) fn intro(base: &str, origin: &str) -> Markup {
    html! {
        h2 #intro-title { "Four log-in services, on your machine" }
        ol {
            li { b { "Point your program here." } " IQM, EdgeIQ, EQ Works and IdentityX are emulated below "
                code { (origin) } ". What it sends appears at once, with the reason if it is refused." }
            li { b { "Read the mail." } " Magic links and passcodes arrive in the inbox, and nowhere else." }
            li { b { "Break things." } " Move the clock past a token's end, revoke it, or let the next calls fail." }
        }
        p {
            button.primary #sample type="button" { "Perform a sample log-in" }
            " by a magic link of EQ Works, or "
            a href={ (base) "/_sandbox/openapi.json" } { "see the API" }
        }
    }
}

pub(super) fn inbox(mails: &Value) -> Markup {
    let mails = list(mails, "mails");
    html! {
        (title(1, "inbox", "Inbox", count(mails.len())))
        @if mails.is_empty() { (empty("No mail yet. Ask a vendor for a magic link, a passcode or a password reset.")) }
        ul.mails {
            @for mail in mails {
                li {
                    @let link = text(mail, "link");
                    div.line { b { (text(mail, "to")) } (time(text(mail, "at"))) }
                    div.line {
                        span { (vendor(text(mail, "vendor"))) " · " (text(mail, "kind").replace('_', " ")) }
                        @if let Some(code) = short_code(mail) { code.code { (code) } }
                    }
                    div.actions {
                        @if let Some(code) = mail["code"].as_str() { button type="button" data-copy=(code) { "Copy code" } }
                        @if !link.is_empty() {
                            button type="button" data-copy=(link) { "Copy link" }
                            @if link.starts_with("http://") || link.starts_with("https://") {
                                a.button href=(link) target="_blank" rel="noreferrer" data-item { "Open" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A code that a person types. The tokens in links are longer.
fn short_code(mail: &Value) -> Option<&str> {
    mail["code"].as_str().filter(|it| it.len() <= 16)
}

/// A duration in its two largest units.
fn words(seconds: f64) -> String {
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s")];
    let Some(at) = units.iter().position(|(size, _)| seconds >= *size) else {
        return "0 s".to_owned();
    };
    let mut left = seconds;
    let parts = units[at..].iter().take(2).filter_map(|(size, unit)| {
        let whole = (left / size).floor();
        left -= whole * size;
        (whole > 0.0).then(|| format!("{whole} {unit}"))
    });
    parts.collect::<Vec<_>>().join(" ")
}

pub(super) fn tokens(page: &Value) -> Markup {
    let mut tokens: Vec<_> = list(page, "tokens").iter().collect();
    // Those that were there from the beginning have no time.
    tokens.sort_by_key(|token| std::cmp::Reverse(text(token, "begins_at")));
    let total = page["total"].as_u64().unwrap_or_default();
    html! {
        (title(3, "tokens", "Tokens", count(total)))
        @if tokens.is_empty() { (empty("No token was issued yet.")) }
        ul.tokens {
            @for token in &tokens {
                @let is_valid = text(token, "state") == "valid";
                li.ended[!is_valid] {
                    div.line { b { (text(token, "owner")) } span.tag { (text(token, "state")) } }
                    div.line {
                        span { (vendor(text(token, "vendor"))) " · " (text(token, "kind").replace('_', " ")) }
                        @match (token["seconds_left"].as_f64(), token["lifetime_seconds"].as_f64()) {
                            (Some(left), Some(life)) if is_valid => {
                                span.left { (words(left)) " left" }
                                progress max=(life) value=(left) data-left=(left)
                                    aria-label={ "Time left of the token of " (text(token, "owner")) } {}
                            }
                            (None, _) if is_valid => span.left { "no end" },
                            _ => {}
                        }
                    }
                    @if is_valid {
                        div.actions {
                            // What has no end cannot come to it.
                            @if token["ends_at"].is_string() {
                                button type="button" data-item data-post="/_sandbox/tokens/expire"
                                    data-body=(id_of(token)) { "Expire" }
                            }
                            button type="button" data-item[token["ends_at"].is_null()]
                                data-post="/_sandbox/tokens/revoke" data-body=(id_of(token)) { "Revoke" }
                        }
                    }
                }
            }
        }
        @if total > tokens.len() as u64 { p.empty { "The others are in the API: " (total) " in all." } }
    }
}

fn id_of(token: &Value) -> String {
    serde_json::json!({ "id": token["id"] }).to_string()
}

pub(super) fn clock(clock: &Value) -> Markup {
    let wall = text(clock, "wall");
    let is_frozen = clock["frozen"] == true;
    let step = |shown: &str, path: &str, by: &str| {
        let body = format!("{{\"by\":\"{by}\"}}");
        html! { button type="button" data-post={ "/_sandbox/clock/" (path) } data-body=(body) { (shown) } }
    };
    html! {
        time #now datetime=(wall) data-frozen=(is_frozen) { (wall.get(..19).unwrap_or(wall).replace('T', " ")) " UTC" }
        span.buttons {
            (step("−1 min", "jump_back", "1min"))
            (step("+1 min", "advance", "1min"))
            (step("+1 h", "advance", "1h"))
            (step("+1 day", "advance", "1day"))
            button type="button" aria-pressed=(is_frozen)
                data-post={ "/_sandbox/clock/" @if is_frozen { "resume" } @else { "freeze" } } { "Freeze" }
            details {
                summary { "Jump" }
                form data-submit="jump" {
                    label { "Wall clock (UTC)" input type="datetime-local" name="to" step="1" required
                        value=(wall.get(..19).unwrap_or_default()); }
                    button { "Set" }
                }
            }
        }
    }
}

/// What a fault does, in words, and as the API writes it.
const FAULTS: [(&str, &str); 16] = [
    (
        "503 service unavailable",
        r#"{"kind":"status","status":503}"#,
    ),
    ("500 internal error", r#"{"kind":"status","status":500}"#),
    ("401 unauthorized", r#"{"kind":"status","status":401}"#),
    (
        "429, retry after 30 s",
        r#"{"kind":"retry_after","status":429,"wait":"30s"}"#,
    ),
    ("answer after 5 s", r#"{"kind":"delay","wait":"5s"}"#),
    ("connection cut, without effect", r#"{"kind":"cut"}"#),
    ("answer lost, with effect", r#"{"kind":"lost_answer"}"#),
    ("half of the answer", r#"{"kind":"truncated_body"}"#),
    ("broken JSON", r#"{"kind":"garbage_json"}"#),
    ("a web page with 200", r#"{"kind":"html"}"#),
    (
        "a proxy's page with 502",
        r#"{"kind":"error_page","status":502}"#,
    ),
    ("10 MB of JSON", r#"{"kind":"huge_body"}"#),
    ("success: false with 200", r#"{"kind":"success_false"}"#),
    ("a byte-order mark", r#"{"kind":"byte_order_mark"}"#),
    ("compressed by gzip", r#"{"kind":"gzip"}"#),
    (
        "an error that repeats secrets",
        r#"{"kind":"echo","status":400}"#,
    ),
];

pub(super) fn faults(page: &Value, operations: &Value) -> Markup {
    let faults = list(page, "faults");
    html! {
        (title(4, "faults", "Faults", count(faults.len())))
        form.add data-submit="fault" {
            label.wide { "What" select name="what" #what { @for (name, step) in FAULTS { option value=(step) { (name) } } } }
            label { "Operation" select name="operation" {
                option value="" { "any" }
                @for name in list(operations, "operations") { option { (name.as_str().unwrap_or_default()) } }
            } }
            label.short { "Calls" input type="number" name="times" min="1" max="1000" value="1" required; }
            button.primary { "Add" }
        }
        @if faults.is_empty() { (empty("Nothing is broken.")) }
        ul {
            @for fault in faults {
                @let id = fault["id"].as_u64().unwrap_or_default();
                li {
                    div.line {
                        b { (what(fault)) }
                        span.tag { @match fault["left"].as_u64() { Some(left) => { (left) " left" } None => "always" } }
                    }
                    div.line {
                        span { @match fault["operation"].as_str() { Some(name) => (name), None => "any operation" } }
                        button type="button" data-item data-delete={ "/_sandbox/faults/" (id) } { "Remove" }
                    }
                }
            }
        }
    }
}

/// A fault in the words of the form, or as the API names its steps.
fn what(fault: &Value) -> String {
    let steps = list(fault, "steps").iter().map(|step| {
        let known = FAULTS
            .iter()
            .find(|(_, it)| serde_json::from_str(it).ok().as_ref() == Some(step));
        known.map_or_else(
            || spaced(text(step, "kind")),
            |(words, _)| (*words).to_owned(),
        )
    });
    steps.collect::<Vec<_>>().join(", then ")
}

fn spaced(name: &str) -> String {
    name.replace(['_', '.'], " ")
}

/// A list's name in words: that of its vendor, and what is in it.
fn of_vendor(name: &str) -> String {
    let (of, what) = name.split_once('_').unwrap_or((name, "users"));
    format!("{} {}", vendor(of), spaced(what))
}

pub(super) fn users(lists: &Value) -> Markup {
    let none = Map::new();
    let lists = lists.as_object().unwrap_or(&none);
    let all: usize = lists
        .values()
        .map(|it| it.as_array().map_or(0, Vec::len))
        .sum();
    html! {
        (title(5, "users", "Users", count(all)))
        form.add data-submit="user" {
            label { "E-mail address" input type="email" name="email" required autocomplete="off"; }
            label { "Kind" select name="list" {
                @for (name, _) in lists.iter().filter(|(_, it)| has_address(it)) { option value=(name) { (of_vendor(name)) } }
            } }
            button.primary { "Add" }
        }
        @for (name, records) in lists {
            @let records = records.as_array().map_or(&[][..], Vec::as_slice);
            @if !records.is_empty() {
                details {
                    summary { (of_vendor(name)) " " (count(records.len())) }
                    ul { @for record in records { li { (fields(record)) } } }
                }
            }
        }
    }
}

/// Whether the records of a list are people.
fn has_address(records: &Value) -> bool {
    records[0]["email"].is_string()
}

/// The fields of a record that say something.
fn fields(record: &Value) -> Markup {
    let fields = record.as_object().into_iter().flatten();
    let fields = fields.filter(|(_, it)| {
        !(it.is_null() || *it == &Value::Bool(false) || *it == &Value::Array(Vec::new()))
    });
    html! {
        dl.record {
            @for (name, value) in fields {
                dt { (spaced(name)) }
                dd { @match value { Value::String(text) => (text), other => (other.to_string()) } }
            }
        }
    }
}

pub(super) fn help() -> Markup {
    let keys = [
        ("1 – 5", "go to a panel"),
        ("j  k", "next, previous item of the panel"),
        ("Enter", "open it"),
        ("/", "filter the requests"),
        ("r", "only refused requests"),
        ("c", "copy the request as curl"),
        ("t", "clock + 1 hour"),
        ("f", "add a fault"),
        ("?", "these keys"),
    ];
    html! {
        h2 #help-title { "Keys" }
        dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
        form method="dialog" { button.primary { "Close" } }
    }
}
