//! Where requests may go, and where a token may go.

use std::fmt;

use url::{Host, Url};

use crate::{Error, ErrorKind};

/// The address of a service: https, or plain http to a loopback host.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Checks an address.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`], saying what to change, if the address is no URL, is neither
    /// https nor loopback http, or carries a user name, a password, a query or a fragment.
    pub fn parse(address: &str) -> Result<Self, Error> {
        let refused = |why: &str| {
            // The address itself may hold a password, so it is not repeated.
            Error::new(ErrorKind::InvalidConfig, format!("the base url {why}"))
        };
        let mut url = Url::parse(address.trim())
            .map_err(|error| refused(&format!("cannot be read: {error}")))?;
        if !is_safe(&url) {
            return Err(refused("must be https, or http to a loopback host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("must not carry a user name or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("must not carry a query or a fragment"));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    /// The address of `segments` below this one, each percent-encoded as one segment. Those that a
    /// caller chose have gone through [`Request::segment`](crate::Request::segment).
    pub(crate) fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        // An http(s) URL always has a path to add to.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl From<BaseUrl> for String {
    fn from(base: BaseUrl) -> Self {
        base.0.into()
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Whether a secret may travel there: encrypted, or without leaving the machine.
fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// As much of an unchecked address as can be shown: it might hold a password or a query.
pub(crate) fn origin(address: &str) -> String {
    Url::parse(address).map_or_else(
        |_| "unreadable".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

/// The hosts to which a token may go. A port counts as part of the host: two services of one
/// machine are two different hosts.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts {
    places: Vec<(String, u16)>,
    /// The addresses of their roots, with the slash at the end: whatever follows that, an address that
    /// begins so goes there.
    roots: Vec<String>,
}

impl AllowedHosts {
    /// The host of `base` alone.
    pub fn of(base: &BaseUrl) -> Self {
        let hosts = Self::default();
        match place(base.as_url()) {
            Some(place) => hosts.with(place),
            None => hosts,
        }
    }

    fn with(mut self, (host, port): (&str, u16)) -> Self {
        let addresses = ["https", "http"].map(|scheme| format!("{scheme}://{host}:{port}/"));
        let urls = addresses.iter().filter_map(|it| Url::parse(it).ok());
        self.roots.extend(urls.filter(is_safe).map(String::from));
        self.places.push((host.to_owned(), port));
        self
    }

    /// Adds `host`, with its port where that is not 443: `reports.example.com`,
    /// `127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if that is no host, or has more than a host and a port.
    pub fn allow(self, host: &str) -> Result<Self, Error> {
        // Not repeated: what was given by mistake may hold a password.
        let refused = || {
            let message = "an allowed host must be a host name with an optional port, as in \
                           reports.example.com or 127.0.0.1:8080";
            Error::new(ErrorKind::InvalidConfig, message)
        };
        let url = Url::parse(&format!("https://{host}/")).map_err(|_| refused())?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        let place = place(&url).filter(|_| is_bare).ok_or_else(refused)?;
        Ok(self.with(place))
    }

    /// Whether [`check`](Self::check) plainly allows this address, which need not be parsed for that.
    pub(crate) fn plainly_allow(&self, address: &str) -> bool {
        self.roots.iter().any(|root| address.starts_with(root))
    }

    /// Whether a token may go to `url`: https (or loopback http) to one of the hosts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] that names the host and the port, never the rest of the URL.
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        let place = place(url);
        let refused = |why: &str| {
            let place = match place {
                Some((host, port)) => format!("{host}:{port}"),
                None => "no host".to_owned(),
            };
            let message = format!("the token was not put on a request to {place}: {why}");
            Err(Error::new(ErrorKind::InvalidConfig, message))
        };
        if !is_safe(url) {
            return refused("only https is allowed, or http to a loopback host");
        }
        let is_allowed = |(host, port)| self.places.iter().any(|it| it.0 == host && it.1 == port);
        if place.is_some_and(is_allowed) {
            return Ok(());
        }
        refused("this host and port are not among the vendor's; allow them if they are")
    }
}

fn place(url: &Url) -> Option<(&str, u16)> {
    // A trailing dot names the same host.
    let host = url.host_str()?.trim_end_matches('.');
    Some((host, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_http_are_addresses() {
        for good in [
            "https://api.iqm.com",
            "http://127.0.0.1:80/x",
            "http://[::1]:9",
            "http://localhost:1/",
            " https://api.iqm.com/ ",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.iqm.com",
            "http://api.iqm.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
            "https://u:hunter22@api.iqm.com",
            "https://api.iqm.com/?a=hunter22",
            "https://api.iqm.com/#hunter22",
        ] {
            let error = BaseUrl::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
            assert!(!error.to_string().contains("hunter22"), "{error}");
        }
    }

    #[test]
    fn a_segment_cannot_climb_out_of_the_path() {
        let base = BaseUrl::parse("https://api.example.com/v1").unwrap();
        assert_eq!(
            base.join(["ua", "login"]).as_str(),
            "https://api.example.com/v1/ua/login"
        );
        for segment in ["../me", "a/b", "?q", "#f", "%2e%2e"] {
            let url = base.join(["reset", segment]);
            assert!(url.path().starts_with("/v1/reset/"), "{url}");
            assert_eq!(url.path_segments().unwrap().count(), 3, "{url}");
            assert_eq!((url.query(), url.fragment()), (None, None));
        }
    }

    #[test]
    fn a_token_goes_to_the_vendors_hosts_only() {
        let base = BaseUrl::parse("https://api.iqm.com").unwrap();
        let hosts = AllowedHosts::of(&base)
            .allow("reports.iqm.com")
            .unwrap()
            .allow("127.0.0.1:8080")
            .unwrap();
        let check = |url: &str| hosts.check(&Url::parse(url).unwrap()).is_ok();
        for good in [
            "https://api.iqm.com/x?y",
            "https://API.iqm.com:443/",
            "https://api.iqm.com./",
            "https://reports.iqm.com/",
            "http://127.0.0.1:8080/",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "http://api.iqm.com/",
            "https://api.iqm.com:8443/",
            "https://api.iqm.com.example.com/",
            "https://example.com/api.iqm.com",
            "https://api.iqm.com@example.com/",
            "http://127.0.0.1:8081/",
            "http://127.0.0.1/",
        ] {
            assert!(!check(bad), "{bad}");
        }
        for (refused, place) in [
            ("http://127.0.0.1:8081/hunter22", "127.0.0.1:8081: "),
            ("https://example.com/hunter22", "example.com:443: "),
            ("http://example.com/hunter22", "example.com:80: "),
            ("data:hunter22", "no host: "),
        ] {
            let error = hosts.check(&Url::parse(refused).unwrap()).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(&format!("to {place}")), "{message}");
            assert!(!message.contains("hunter22"), "{message}");
        }
    }

    #[test]
    fn an_address_that_is_plainly_allowed_is_allowed_when_it_is_parsed() {
        let base = BaseUrl::parse("http://[::1]:8080/v1").unwrap();
        let hosts = AllowedHosts::of(&base)
            .allow("Api.iqm.com.")
            .unwrap()
            .allow("reports.iqm.com:8443")
            .unwrap();
        let mut plain = 0;
        for origin in [
            "https://api.iqm.com",
            "https://api.iqm.com:443",
            "https://API.iqm.com",
            "https://reports.iqm.com:8443",
            "https://reports.iqm.com",
            "https://[::1]:8080",
            "http://[::1]:8080",
            "http://api.iqm.com",
            "http://api.iqm.com:443",
            "ftp://api.iqm.com",
        ] {
            for rest in [
                "",
                "/",
                "/v1/x?y#z",
                "/@example.com/",
                "@example.com/",
                ":p@example.com/",
                "/\t//example.com",
                "/../../example.com",
                "\\@example.com/",
                "\t.example.com/",
                ".example.com/",
                ":8443/",
                "?@example.com/",
                "#/",
                "/ \u{0}\u{ff}",
            ] {
                let address = format!("{origin}{rest}");
                if hosts.plainly_allow(&address) {
                    plain += 1;
                    let url = Url::parse(&address).unwrap();
                    assert!(hosts.check(&url).is_ok(), "{address:?}");
                }
            }
        }
        // Each of four origins with each rest that begins with a slash, and one with its port in the rest.
        assert_eq!(plain, 4 * 6 + 1);
    }

    #[test]
    fn a_host_with_more_than_a_port_is_refused() {
        for bad in [
            "",
            "https://a.com",
            "a.com/x",
            "u:hunter22@a.com",
            "a.com?hunter22",
            "a b",
        ] {
            let error = AllowedHosts::default().allow(bad).unwrap_err();
            assert!(!error.to_string().contains("hunter22"), "{error}");
        }
    }
}
