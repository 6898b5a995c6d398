//! What a whole message says in its headers.

use super::*;

#[test]
fn a_message_has_the_promised_headers() {
    let letter = render("Hello\n", customer(None)).unwrap();
    let bytes = message(&letter, Class::Marketing, Some("Ada Lovelace"));
    assert_eq!(
        bytes,
        message(&letter, Class::Marketing, Some("Ada Lovelace"))
    );
    let text = String::from_utf8(bytes.clone()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    for line in [
        "From: =?utf-8?b?VGhvcm4gJiBSb3Nl?= <hello@thorn.example>",
        "Reply-To: anna@thorn.example",
        "To: \"Ada Lovelace\" <ada@customer.example>",
        "Subject: Hi",
        "Date: Sun, 02 May 2027 08:00:00 +0000",
        "Message-ID: <1f0a33c2d4e5b697@thorn.example>",
        "Auto-Submitted: auto-generated",
        "List-Id: <thank-you.thorn.example>",
        "Feedback-ID: thank-you:marketing:fondly:thorn.example",
        "List-Unsubscribe: <https://care.thorn.example/u/1f0a.5e>, <mailto:stop@thorn.example>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
    ] {
        assert!(
            head.lines().any(|l| l == line),
            "{line} is missing in\n{head}"
        );
    }
    let parsed = parsed(&bytes);
    let text = parsed.body_text(0).unwrap();
    let html = parsed.body_html(0).unwrap();
    for part in [&text, &html] {
        assert!(part.contains("1 High Street, Leeds"), "{part}");
        assert!(
            part.contains("https://care.thorn.example/u/1f0a.5e"),
            "{part}"
        );
    }
    assert!(text.starts_with("Hello"));

    let service = String::from_utf8(message(&letter, Class::Service, None)).unwrap();
    assert!(!service.contains("List-Unsubscribe"));
    assert!(!service.contains("High Street"));
    assert!(service.contains("To: ada@customer.example\r\n"));
}

#[test]
fn one_click_needs_https_and_bad_links_are_refused() {
    let letter = render("Hello\n", customer(None)).unwrap();
    let from = mailbox("hello@thorn.example");
    let to = "a@b.example".parse().unwrap();
    let mail = |url, mailto| Mail {
        entry_id: "1f",
        rule: "r",
        class: Class::Relationship,
        from: &from,
        reply_to: None,
        to: &to,
        to_name: None,
        footer: Some(Footer {
            business: "T",
            postal_address: None,
            unsubscribe_url: url,
            unsubscribe_mailto: mailto,
            ..Footer::default()
        }),
        now: now(),
    };
    let text = |mail| String::from_utf8(compose(&letter, &mail).unwrap().bytes).unwrap();
    let local = text(mail(Some("http://127.0.0.1/u/x"), None));
    assert!(local.contains("List-Unsubscribe: <http://127.0.0.1/u/x>\r\n"));
    assert!(!local.contains("One-Click"));
    assert!(!text(mail(None, None)).contains("List-Unsubscribe"));
    for (url, mailto) in [
        (Some("javascript:x"), None),
        (Some("https://a.example/ b"), None),
        (Some("https://a.example/>\r\nBcc: x@y.example"), None),
        (None, Some("nobody")),
        (None, Some("a@b.example\r\nBcc: x@y.example")),
    ] {
        assert!(
            compose(&letter, &mail(url, mailto)).is_err(),
            "{url:?} {mailto:?}"
        );
    }
}
