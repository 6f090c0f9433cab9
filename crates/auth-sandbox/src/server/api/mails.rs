//! The e-mails.

use axum::Extension;
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{Params, Span, date, deadline};
use super::{Refused, Reply};
use crate::inbox::{MailKind, Sent, normal};
use crate::server::app::Here;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    to: Option<String>,
    vendor: Option<String>,
    kind: Option<String>,
    since: Option<u64>,
    limit: Option<usize>,
    wait: Option<Span>,
}

impl Filter {
    fn matches(&self, sent: &Sent) -> bool {
        let is =
            |wanted: &Option<String>, it: &str| wanted.as_deref().is_none_or(|want| want == it);
        self.to.as_ref().is_none_or(|to| normal(to) == sent.to)
            && is(&self.vendor, sent.mail.vendor)
            && is(&self.kind, kind(sent.mail.kind))
            && self.since.is_none_or(|since| sent.id > since)
    }
}

/// The matches, the latest first. With `wait`, the answer comes when there is one.
pub(in crate::server) async fn list(
    Extension(here): Extension<Here>,
    Params(filter): Params<Filter>,
) -> Result<Reply<Value>, Refused> {
    let known = [
        MailKind::PasswordReset,
        MailKind::Passcode,
        MailKind::MagicLink,
    ]
    .map(kind);
    if filter
        .kind
        .as_deref()
        .is_some_and(|it| !known.contains(&it))
    {
        let known = known.join(", ");
        return Err(Refused::bad(format!("kind has to be one of {known}")));
    }
    let deadline = deadline(filter.wait);
    let mut changed = here.space.changed.subscribe();
    loop {
        let sandbox = here.sandbox();
        let mut latest = sandbox.post.subscribe();
        let found: Vec<Value> = {
            let sent = sandbox.post.lock();
            let found = sent.iter().rev().filter(|sent| filter.matches(sent));
            found.take(filter.limit.unwrap_or(100)).map(mail).collect()
        };
        let is_over = async {
            // A reset replaces the sandbox, and with it the inbox.
            tokio::select! {
                _ = latest.changed() => false,
                _ = changed.changed() => false,
                () = tokio::time::sleep_until(deadline) => true,
            }
        };
        if !found.is_empty() || is_over.await {
            return Ok(Reply(json!({ "mails": found })));
        }
    }
}

/// An e-mail as the API shows it: with its code and its link, which it is there for.
pub(in crate::server) fn mail(sent: &Sent) -> Value {
    let mail = &sent.mail;
    json!({
        "id": sent.id,
        "to": sent.to,
        "at": date(sent.at),
        "vendor": mail.vendor,
        "kind": kind(mail.kind),
        "code": mail.code,
        "link": mail.link_text(),
        "expires_at": mail.expires_at.map(date),
        "subject": mail.subject,
        "greeting": mail.greeting,
        "from_address": mail.from_address,
    })
}

fn kind(kind: MailKind) -> &'static str {
    match kind {
        MailKind::PasswordReset => "password_reset",
        MailKind::Passcode => "passcode",
        MailKind::MagicLink => "magic_link",
    }
}
