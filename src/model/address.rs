//! Mail addresses in one spelling, however they were written: `anna@MÜLLER.example` and
//! `anna@xn--mller-kva.example` are the same mailbox.
//!
//! The domain goes by its ASCII form (RFC 5891), which every mail server knows. What stands before
//! the `@` is the receiving server's own business, and has no such form.

use std::borrow::Cow;

use lettre::Address;

/// A domain as mail knows it: in ASCII and lower case.
pub fn folded(domain: &str) -> Cow<'_, str> {
    // Nearly all are so already.
    if domain
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(domain);
    }
    Cow::Owned(idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase()))
}

/// An address as it is compared with another.
pub fn key(address: &str) -> String {
    let address = address.trim();
    if address.is_ascii() {
        return address.to_ascii_lowercase();
    }
    match address.rsplit_once('@') {
        Some((user, domain)) => format!("{}@{}", user.to_lowercase(), folded(domain)),
        None => address.to_lowercase(),
    }
}

/// An address as mail servers are told of it and as headers carry it: its domain in ASCII.
#[must_use]
pub fn spoken(address: Address) -> Address {
    if address.domain().is_ascii() {
        return address;
    }
    Address::new(address.user(), folded(address.domain())).unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_key() {
        for written in [
            "Anna@Müller.example",
            " anna@MÜLLER.EXAMPLE ",
            "anna@xn--mller-kva.example",
            // The dots and letters that an input method may leave in a domain.
            "anna@müller。example",
            "anna@mu\u{308}ller.example",
        ] {
            assert_eq!(key(written), "anna@xn--mller-kva.example", "{written:?}");
        }
        assert_eq!(key("DÖRTE@MAIL.EXAMPLE"), "dörte@mail.example");
        assert_ne!(key("dörte@mail.example"), key("dorte@mail.example"));
        // Nothing that isn't an address ends up as somebody else's.
        assert_eq!(key("Ö"), "ö");
        assert_eq!(key("a@\u{fffd}"), "a@\u{fffd}");
    }

    #[test]
    fn only_the_domain_is_put_into_ascii() {
        let spoken = |text: &str| spoken(text.parse().unwrap()).to_string();
        assert_eq!(spoken("Anna@müller.example"), "Anna@xn--mller-kva.example");
        assert_eq!(spoken("Anna@Mail.example"), "Anna@Mail.example");
        assert_eq!(spoken("dörte@例え.テスト"), "dörte@xn--r8jz45g.xn--zckzah");
        assert_eq!(spoken("a@[127.0.0.1]"), "a@[127.0.0.1]");
    }
}
