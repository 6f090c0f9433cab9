//! Who may call the proxy, and to which address of the vendor a call goes.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Uri};
use subtle::ConstantTimeEq as _;
use url::Url;

/// The header in which a caller may send the secret, in place of the path.
pub(super) const SECRET_HEADER: HeaderName = HeaderName::from_static("authctl-secret");

/// What tells the proxy's callers from everything else that can reach its port.
pub(super) struct Access {
    /// The secret, as a path begins with it.
    prefix: String,
    port: u16,
    /// How nearly all callers name this port.
    host: String,
    base: Url,
    /// The scheme, the host and the port of that, as an address begins.
    origin: String,
}

/// Where an admitted call goes.
pub(super) struct Route<'a> {
    /// The vendor's address.
    pub(super) target: Uri,
    /// What stands before the vendor's path in the caller's addresses.
    pub(super) prefix: &'a str,
}

/// Why a call is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAdmitted {
    /// The caller does not know the secret, or came by another name than the loopback interface's.
    Stranger,
    /// What the caller asked for is no address.
    NoAddress,
}

impl Access {
    pub(super) fn new(secret: &str, port: u16, base: &Url) -> Self {
        Self {
            prefix: format!("/{secret}"),
            port,
            host: format!("127.0.0.1:{port}"),
            base: base.clone(),
            origin: base.origin().ascii_serialization(),
        }
    }

    /// What replaces `https://HOST` in an address of the vendor.
    pub(super) fn url(&self) -> String {
        format!("http://{}{}", self.host, self.prefix)
    }

    /// Where a call goes.
    pub(super) fn route(&self, head: &Parts) -> Result<Route<'_>, NotAdmitted> {
        let path = head.uri.path();
        let segment = path.strip_prefix('/').unwrap_or_default();
        let segment = segment.split('/').next().unwrap_or_default();
        let by_path = self.is_secret(segment.as_bytes());
        let by_header = head.headers.get(SECRET_HEADER);
        let by_header = by_header.is_some_and(|secret| self.is_secret(secret.as_bytes()));
        if !(by_path || by_header) || !self.is_addressed_by(head) {
            return Err(NotAdmitted::Stranger);
        }
        let prefix = if by_path { &*self.prefix } else { "" };
        let whole = head.uri.path_and_query().map_or("/", |it| it.as_str());
        let rest = whole.get(prefix.len()..).unwrap_or_default();
        let target = self.target(rest).ok_or(NotAdmitted::NoAddress)?;
        Ok(Route { target, prefix })
    }

    /// `/@HOST/…` is an address at another host of the vendor; what else there is, at the first.
    fn target(&self, rest: &str) -> Option<Uri> {
        let Some(rest) = rest.strip_prefix("/@") else {
            return Uri::try_from([&self.origin, rest].concat()).ok();
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, rest) = rest.split_at(end);
        let authority: Authority = host.parse().ok()?;
        // Not `user@host`, which some clients would turn into a header.
        if host.contains('@') {
            return None;
        }
        // Whether the host is one of the vendor's is decided where its headers are asked for.
        let plain = matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]");
        let scheme = if plain { self.base.scheme() } else { "https" };
        Uri::try_from(format!("{scheme}://{authority}{rest}")).ok()
    }

    /// The caller's address for `target`, where a response names that: the reverse of a route.
    pub(super) fn address_of(&self, target: &Url, prefix: &str) -> String {
        let path = &target[url::Position::BeforePath..];
        if target.origin() == self.base.origin() {
            return format!("{prefix}{path}");
        }
        let authority = &target[url::Position::BeforeHost..url::Position::AfterPort];
        format!("{prefix}/@{authority}{path}")
    }

    fn is_secret(&self, candidate: &[u8]) -> bool {
        self.prefix.as_bytes()[1..].ct_eq(candidate).into()
    }

    /// A page in a browser can have its own name point to this machine (DNS rebinding). The browser
    /// then sends that name.
    fn is_addressed_by(&self, head: &Parts) -> bool {
        let is_this = |authority: &Authority| {
            let port = authority.port_u16().unwrap_or(80);
            let loopback = matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]");
            port == self.port && loopback
        };
        let mut hosts = head.headers.get_all(HOST).iter();
        let names_this = |host: &HeaderValue| {
            let other = || Authority::try_from(host.as_bytes()).ok();
            *host == self.host || other().as_ref().is_some_and(is_this)
        };
        hosts.next().is_some_and(names_this)
            && hosts.next().is_none()
            && head.uri.authority().is_none_or(is_this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn access() -> Access {
        let base = Url::parse("https://api.example.com/v1/platform/").unwrap();
        Access::new("0123abcd", 4000, &base)
    }

    #[test]
    fn a_path_below_the_secret_is_an_address_of_the_vendor() {
        let by_header = ("authctl-secret", "0123abcd");
        for (path, headers, target, prefix) in [
            (
                "/0123abcd/v1/me?a=%2F",
                &[][..],
                "https://api.example.com/v1/me?a=%2F",
                "/0123abcd",
            ),
            ("/0123abcd", &[], "https://api.example.com/", "/0123abcd"),
            (
                "/0123abcd?a",
                &[],
                "https://api.example.com/?a",
                "/0123abcd",
            ),
            ("/v1/me", &[by_header], "https://api.example.com/v1/me", ""),
            (
                "/0123abcd/@data.example.com/x?y",
                &[],
                "https://data.example.com/x?y",
                "/0123abcd",
            ),
            (
                "/@data.example.com",
                &[by_header],
                "https://data.example.com/",
                "",
            ),
            ("/@localhost:9/x", &[by_header], "https://localhost:9/x", ""),
            (
                "http://localhost:4000/0123abcd/x",
                &[],
                "https://api.example.com/x",
                "/0123abcd",
            ),
        ] {
            let mut headers = headers.to_vec();
            headers.push(("host", "127.0.0.1:4000"));
            let access = access();
            let route = access.route(&parts(path, &headers)).unwrap();
            assert_eq!(route.target, target, "{path}");
            assert_eq!(route.prefix, prefix, "{path}");
            let target = Url::parse(target).unwrap();
            let address = access.address_of(&target, route.prefix);
            let again = access.route(&parts(&address, &headers)).unwrap();
            assert_eq!(again.target, route.target, "{path}");
        }
    }

    #[test]
    fn a_caller_without_the_secret_or_by_another_name_is_a_stranger() {
        for (path, headers) in [
            ("/v1/me", &[("host", "127.0.0.1:4000")][..]),
            ("/0123abc/v1/me", &[("host", "127.0.0.1:4000")]),
            ("/0123abcde/v1/me", &[("host", "127.0.0.1:4000")]),
            ("/x/0123abcd/me", &[("host", "127.0.0.1:4000")]),
            (
                "/x",
                &[("host", "127.0.0.1:4000"), ("authctl-secret", "0123abce")],
            ),
            ("/x", &[("host", "127.0.0.1:4000"), ("authctl-secret", "")]),
            ("/0123abcd/x", &[("host", "evil.example:4000")]),
            ("/0123abcd/x", &[("host", "127.0.0.1.evil.example:4000")]),
            ("/0123abcd/x", &[("host", "127.0.0.1:4001")]),
            ("/0123abcd/x", &[("host", "127.0.0.1")]),
            ("/0123abcd/x", &[("host", "")]),
            ("/0123abcd/x", &[]),
            (
                "/0123abcd/x",
                &[("host", "127.0.0.1:4000"), ("host", "evil.example:4000")],
            ),
            (
                "http://evil.example:4000/0123abcd/x",
                &[("host", "127.0.0.1:4000")],
            ),
        ] {
            let refused = access().route(&parts(path, headers)).err();
            assert_eq!(refused, Some(NotAdmitted::Stranger), "{path} {headers:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_address() {
        for path in [
            "/0123abcd/@",
            "/0123abcd/@/x",
            "/0123abcd/@u:p@api.example.com/x",
        ] {
            let refused = access()
                .route(&parts(path, &[("host", "localhost:4000")]))
                .err();
            assert_eq!(refused, Some(NotAdmitted::NoAddress), "{path}");
        }
    }
}
