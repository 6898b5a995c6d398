//! Whether somebody stands between the browser and us.
//!
//! Where nobody signs in, the console trusts whoever reaches it on this machine. A web server in front
//! reaches it too, for the whole world, and says so or not: what such servers add, and what browsers say
//! that gets through none of them, tells. May not know who may come in.

use axum::http::{HeaderMap, HeaderName, Version, header};

/// What only web servers in front, and the nets before them, add.
const ADDED: [&str; 16] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-original-for",
    "x-proxy-host",
    "x-proxied-for",
    "true-client-ip",
    "cdn-loop",
    "client-ip",
    "fastly-client-ip",
    "fly-client-ip",
];
/// The same, as names begin: `X-Forwarded-Proto`, `CF-Connecting-IP`, and so on.
const ADDED_FAMILIES: [&str; 5] = ["x-forwarded", "x-envoy-", "x-amzn-", "cf-", "tailscale-"];

/// Whether a request didn't come from a browser on this machine straight to us.
pub(super) fn somebody(version: Version, headers: &HeaderMap) -> bool {
    // Browsers have spoken 1.1 for decades and ask to keep the connection. That is meant for the next
    // one on the way alone, who doesn't hand it on: nginx says 1.0 and close, or nothing at all.
    version < Version::HTTP_11
        || !keeps_alive(headers)
        || headers.keys().any(is_added)
        || came_by_another_name(headers)
}

fn is_added(name: &HeaderName) -> bool {
    let name = name.as_str();
    ADDED.contains(&name) || ADDED_FAMILIES.iter().any(|family| name.starts_with(family))
}

fn keeps_alive(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::CONNECTION).iter();
    said.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("keep-alive"))
}

/// The browser takes the page for one of another host than we were asked for. A link on a page of
/// somebody else's, in a web mailer say, is none of that: it says that it crosses sites.
fn came_by_another_name(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    let pages = [header::ORIGIN, header::REFERER];
    let mut pages = pages.iter().flat_map(|name| headers.get_all(name));
    pages.any(|page| !page.to_str().is_ok_and(|page| names_host_of(page, headers)))
}

/// Whether this address is one of the host that was asked for.
pub(super) fn names_host_of(address: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    host.zip(host_in(address))
        .is_some_and(|(host, named)| named.eq_ignore_ascii_case(host))
}

/// The host of a web address, with its port where it has one.
pub(super) fn host_in(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    const BROWSER: [(&str, &str); 2] = [("host", "127.0.0.1:8425"), ("connection", "keep-alive")];

    fn is_between(more: &[(&'static str, &'static str)]) -> bool {
        somebody(Version::HTTP_11, &asked(&[&BROWSER, more].concat()))
    }

    #[test]
    fn a_browser_on_this_machine_comes_straight_to_us() {
        assert!(!is_between(&[]));
        assert!(!is_between(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://127.0.0.1:8425"),
            ("referer", "http://127.0.0.1:8425/held?page=2"),
        ]));
        // A link in the weekly letter, read in a web mailer; and in an older browser, one of our own.
        assert!(!is_between(&[
            ("sec-fetch-site", "cross-site"),
            ("referer", "https://mail.example/"),
        ]));
        assert!(!is_between(&[("referer", "http://127.0.0.1:8425/")]));
        let tunnel = [
            ("host", "LOCALHOST:9000"),
            ("connection", "Keep-Alive, Upgrade"),
        ];
        let tunnel = [&tunnel[..], &[("origin", "http://localhost:9000")]].concat();
        assert!(!somebody(Version::HTTP_11, &asked(&tunnel)));
    }

    #[test]
    fn a_web_server_in_front_is_noticed_although_it_adds_nothing() {
        // nginx before 1.29.7, and since; both by `proxy_pass` alone.
        let plain = [("host", "127.0.0.1:8425"), ("connection", "close")];
        assert!(somebody(Version::HTTP_10, &asked(&plain)));
        assert!(somebody(Version::HTTP_11, &asked(&plain[..1])));
        assert!(somebody(Version::HTTP_11, &asked(&plain)));
        assert!(somebody(Version::HTTP_10, &asked(&BROWSER)));
        // Pages that the browser got by another name.
        for (name, page) in [
            ("origin", "https://console.thorn.example"),
            ("referer", "https://console.thorn.example/held"),
            ("origin", "http://127.0.0.1"),
            ("origin", "null"),
            ("referer", "about:blank"),
        ] {
            assert!(is_between(&[(name, page)]), "{name}: {page}");
            let ours = ("sec-fetch-site", "same-origin");
            assert!(is_between(&[ours, (name, page)]), "{name}: {page}");
        }
    }

    #[test]
    fn what_web_servers_add_gives_them_away() {
        for name in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-proto",
            "x-forwarded",
            "x-real-ip",
            "cf-connecting-ip",
            "cf-ray",
            "true-client-ip",
            "x-envoy-external-address",
            "x-amzn-trace-id",
            "tailscale-user-login",
        ] {
            assert!(is_between(&[(name, "x")]), "{name}");
        }
    }
}
