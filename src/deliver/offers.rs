//! What a relay offers in its EHLO reply, and what that means for a message. Pure.

use lettre::Address;

use super::Verdict;
use super::reply::Reply;
use crate::model::Reason;

/// What the relay offers, from its EHLO reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent keyword of the EHLO reply"
)]
pub(super) struct Offers {
    pub(super) start_tls: bool,
    pub(super) pipelining: bool,
    eight_bit: bool,
    utf8: bool,
    pub(super) auth_plain: bool,
    pub(super) auth_login: bool,
    pub(super) auth_xoauth2: bool,
    size: bool,
    /// The largest message taken, in bytes; 0 when it doesn't say.
    max_size: usize,
}

/// What a relay offers to whom it lets in, as far as it matters for letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// The largest message that it takes, in bytes, where it says so.
    pub most_bytes: Option<usize>,
    /// Addresses with letters beyond ASCII before their `@` (SMTPUTF8).
    pub any_address: bool,
    /// Several commands in one go (PIPELINING), which makes sending faster.
    pub pipelining: bool,
}

impl Offers {
    /// The same for people.
    pub(super) const fn welcome(&self) -> Welcome {
        Welcome {
            most_bytes: if self.max_size > 0 {
                Some(self.max_size)
            } else {
                None
            },
            any_address: self.utf8,
            pipelining: self.pipelining,
        }
    }

    pub(super) fn parse(reply: &Reply) -> Self {
        let mut offers = Self::default();
        // The first line is the server's name.
        for line in reply.text.lines().skip(1) {
            // `AUTH=` is how old servers write it.
            let line = line.to_ascii_uppercase().replace("AUTH=", "AUTH ");
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or_default() {
                "STARTTLS" => offers.start_tls = true,
                "PIPELINING" => offers.pipelining = true,
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.utf8 = true,
                "SIZE" => {
                    offers.size = true;
                    offers.max_size = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                "AUTH" => {
                    for mechanism in words {
                        offers.auth_plain |= mechanism == "PLAIN";
                        offers.auth_login |= mechanism == "LOGIN";
                        offers.auth_xoauth2 |= mechanism == "XOAUTH2";
                    }
                }
                _ => {}
            }
        }
        offers
    }

    /// The parameters of MAIL, or why this relay can't take this message.
    pub(super) fn parameters(
        &self,
        addresses: [&Address; 2],
        message: &[u8],
        peer: &str,
    ) -> Result<String, Verdict> {
        let refused = |why: String| {
            Err(Verdict::Rejected {
                reason: Reason::Refused,
                reply: why,
                suppress: false,
            })
        };
        let addresses: [&str; 2] = addresses.map(AsRef::as_ref);
        if let Some(address) = addresses.into_iter().find(|text| !is_speakable(text)) {
            return refused(format!(
                "the address {address:?} can't be written in an SMTP command"
            ));
        }
        let mut parameters = String::new();
        if !addresses.into_iter().all(str::is_ascii) {
            if !self.utf8 {
                return refused(format!(
                    "the address has letters beyond ASCII before its @, and {peer} takes none such (it doesn't offer SMTPUTF8); ask for another address"
                ));
            }
            parameters.push_str(" SMTPUTF8");
        }
        if !message.is_ascii() {
            if !self.eight_bit {
                return refused(format!(
                    "the message has bytes outside ASCII, and {peer} doesn't offer 8BITMIME"
                ));
            }
            parameters.push_str(" BODY=8BITMIME");
        }
        if self.size {
            let (size, most) = (message.len(), self.max_size);
            if most > 0 && size > most {
                return refused(format!(
                    "the message has {size} bytes, and {peer} takes at most {most}"
                ));
            }
            parameters.push_str(" SIZE=");
            parameters.push_str(&size.to_string());
        }
        Ok(parameters)
    }
}

/// Whether an address can stand between angle brackets without ending the command or the path
/// early. `lettre` checks what it parses, but an address can also be made unchecked.
fn is_speakable(address: &str) -> bool {
    let quoted = address.starts_with('"');
    !address
        .chars()
        .any(|letter| letter.is_control() || (!quoted && matches!(letter, '<' | '>' | ' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(text: &str) -> Offers {
        Offers::parse(&Reply {
            code: 250,
            enhanced: None,
            text: text.to_owned(),
        })
    }

    fn parameters(offers: Offers, from: &str, to: &str, message: &[u8]) -> Result<String, String> {
        let address = |text: &str| {
            let (user, domain) = text.split_once('@').unwrap();
            Address::new_dangerous(user, domain)
        };
        let (from, to) = (address(from), address(to));
        offers
            .parameters([&from, &to], message, "relay.example:25")
            .map_err(|verdict| {
                assert_eq!(verdict.reason(), Some(Reason::Refused));
                assert!(!matches!(verdict, Verdict::Rejected { suppress: true, .. }));
                verdict.reply().to_owned()
            })
    }

    #[test]
    fn keywords_are_read_in_any_case_and_only_below_the_name() {
        assert_eq!(offers("PIPELINING"), Offers::default());
        let full = offers(
            "mx.example greets you\nPipelining\n8bitmime\nSIZE 1000\nauth=LOGIN\nAUTH PLAIN X XOauth2\nSTARTTLS\nsmtputf8",
        );
        let expected = Offers {
            start_tls: true,
            pipelining: true,
            eight_bit: true,
            utf8: true,
            auth_plain: true,
            auth_login: true,
            auth_xoauth2: true,
            size: true,
            max_size: 1_000,
        };
        assert_eq!(full, expected);
        assert_eq!(offers("mx\nSIZE").max_size, 0);
        assert_eq!(offers("mx\nSIZE many").max_size, 0);
        assert_eq!(offers("mx\n\n \nXPIPELINING"), Offers::default());
    }

    #[test]
    fn parameters_say_what_the_message_needs() {
        let all = offers("mx\n8BITMIME\nSIZE\nSMTPUTF8");
        assert_eq!(parameters(all, "a@b.c", "d@e.f", b"x").unwrap(), " SIZE=1");
        assert_eq!(
            parameters(all, "a@b.c", "dörte@e.f", "ü".as_bytes()).unwrap(),
            " SMTPUTF8 BODY=8BITMIME SIZE=2"
        );
        let none = Offers::default();
        assert_eq!(parameters(none, "a@b.c", "d@e.f", b"x").unwrap(), "");
    }

    #[test]
    fn what_the_relay_can_t_take_is_refused_before_anything_is_said() {
        let none = Offers::default();
        let why = parameters(none, "a@b.c", "dörte@e.f", b"x").unwrap_err();
        assert!(why.contains("SMTPUTF8"), "{why}");
        let why = parameters(none, "a@b.c", "d@e.f", b"\xff").unwrap_err();
        assert!(why.contains("8BITMIME"), "{why}");
        let why = parameters(offers("mx\nSIZE 3"), "a@b.c", "d@e.f", b"four").unwrap_err();
        assert!(
            why.contains("4 bytes") && why.contains("at most 3"),
            "{why}"
        );
    }

    #[test]
    fn an_address_can_t_end_the_command() {
        let none = Offers::default();
        for bad in [
            "a>\r\nRCPT TO:<b@x.y",
            "a\n@x.y",
            "a\0@x.y",
            "\"a\r\n\"@x.y",
            "a>@x.y",
            "a b@x.y",
        ] {
            assert!(parameters(none, "a@b.c", bad, b"x").is_err(), "{bad:?}");
            assert!(parameters(none, bad, "a@b.c", b"x").is_err(), "{bad:?}");
        }
        assert!(parameters(none, "a@b.c", "\"a b\"@x.y", b"x").is_ok());
    }
}
