//! What a relay offers in its EHLO reply, and what that means for a message. Pure.

use super::reply::Reply;
use super::{Envelope, Verdict};
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
    size: bool,
    /// The largest message taken, in bytes; 0 when it doesn't say.
    max_size: usize,
}

impl Offers {
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
        envelope: &Envelope,
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
        let addresses: [&str; 2] = [envelope.from.as_ref(), envelope.to.as_ref()];
        if let Some(address) = addresses.into_iter().find(|text| !is_speakable(text)) {
            return refused(format!(
                "the address {address:?} can't be written in an SMTP command"
            ));
        }
        let mut parameters = String::new();
        if !addresses.into_iter().all(str::is_ascii) {
            if !self.utf8 {
                return refused(format!(
                    "the address has letters outside ASCII, and {peer} doesn't offer SMTPUTF8"
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
