//! The e-mails with the login links.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::schema::SendAppUserLoginLink;
use super::state::{Book, State};
use super::token::{Kind, Minted, Record};
use crate::inbox::{Mail, MailKind};

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

impl State {
    /// Sends an administrator a link to the portal: here to the sandbox, so that no test that opens
    /// it calls the vendor.
    pub(super) fn send_org_link(&self, book: &mut Book, owner: &str, email: &str) {
        let minted = self.mint(book, Record::new(Kind::OrgLink, owner, None));
        let link = format!("{}authenticate/{}", self.base_url, minted.value);
        self.send_link(email, minted, link);
    }

    /// Sends an app user a link, concatenated as text, as the vendor does it. With an `authUrl` that
    /// has a query already, the link is broken.
    pub(super) fn send_app_link(
        &self,
        book: &mut Book,
        owner: &str,
        application: &str,
        input: SendAppUserLoginLink,
    ) {
        let context = input.additional_context.into_iter().flatten();
        let source = input.source.map(|it| ("source".to_owned(), it.into()));
        let minted = self.mint(
            book,
            Record {
                data: Some(context.chain(source).collect()),
                ..Record::new(Kind::AppLink, owner, Some(application))
            },
        );
        let mut link = format!("{}?token={}", input.auth_url, minted.value);
        if let Some(to) = input.redirect_to.filter(|to| !to.is_empty()) {
            link.push_str("&redirectTo=");
            link.extend(utf8_percent_encode(&to, COMPONENT));
        }
        self.send_link(&input.email, minted, link);
    }

    fn send_link(&self, email: &str, minted: Minted, link: String) {
        let mail = Mail {
            code: Some(minted.value),
            link: Url::parse(&link).ok(),
            link_text: Some(link),
            expires_at: minted.ends,
            ..Mail::new("identityx", MailKind::MagicLink)
        };
        self.post.send(email, mail);
    }
}
