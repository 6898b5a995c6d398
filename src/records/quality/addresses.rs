//! Addresses that can't work, that nobody reads, or that look like a slip. May not ask a server.

use std::collections::BTreeMap;

use super::{Finding, Group};
use crate::model::Customer;
use crate::model::address::key;

/// Endings that lead nowhere, by RFC 2606, RFC 6761 and RFC 6762; a domain is one of them or ends
/// with one.
const NOWHERE: &[&str] = &[
    "test",
    "example",
    "invalid",
    "localhost",
    "local",
    "localdomain",
    "example.com",
    "example.net",
    "example.org",
];

/// Mailboxes that nobody reads.
const UNREAD: &[&str] = &[
    "noreply",
    "no-reply",
    "no_reply",
    "no.reply",
    "donotreply",
    "do-not-reply",
    "do_not_reply",
    "do.not.reply",
    "dontreply",
    "mailer-daemon",
    "nepasrepondre",
    "ne-pas-repondre",
    "nichtantworten",
    "bounce",
    "bounces",
];

/// What people type who don't want to give an address: mailbox and domain alike, or one of these.
const STAND_INS: &[&str] = &[
    "none",
    "noemail",
    "no-email",
    "nomail",
    "no-mail",
    "keine",
    "keinemail",
    "unknown",
    "unbekannt",
    "inconnu",
    "asdf",
    "qwerty",
    "xxx",
    "fake",
    "fakeemail",
];

/// Providers with so many customers that a slip of their name isn't a name of its own.
const WELL_KNOWN: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "hotmail.com",
    "outlook.com",
    "yahoo.com",
    "icloud.com",
    "hotmail.co.uk",
    "yahoo.co.uk",
    "btinternet.com",
    "t-online.de",
    "hotmail.fr",
    "wanadoo.fr",
    "protonmail.com",
];
/// Providers whose names are that near to one of them, and real.
const REAL: &[&str] = &[
    "mail.com",
    "email.com",
    "ymail.com",
    "gmx.com",
    "rocketmail.com",
    "hotmail.com.uk",
];
/// A name is called a slip while no more than one in so many bear it rather than the real one.
const RARER: u64 = 5;
/// Slips that are kept apart.
const MOST_SLIPS: usize = 1000;

/// What was seen of addresses.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    nowhere: Group,
    unread: Group,
    stand_ins: Group,
    well_known: BTreeMap<&'static str, u64>,
    /// By the domain written and the one that may be meant.
    slips: BTreeMap<(String, &'static str), Group>,
}

impl Addresses {
    pub(super) fn see(&mut self, one: &Customer) {
        let Some(address) = &one.email else {
            return;
        };
        let address = key(address);
        let Some((user, domain)) = address.rsplit_once('@') else {
            return;
        };
        if let Some(known) = WELL_KNOWN.iter().find(|known| **known == domain) {
            *self.well_known.entry(known).or_default() += 1;
        }
        if leads_nowhere(domain) {
            self.nowhere.add(one);
        } else if UNREAD.contains(&user) {
            self.unread.add(one);
        } else if is_a_stand_in(user, domain) {
            self.stand_ins.add(one);
        } else if let Some(meant) = slip_of(domain) {
            let slip = (domain.to_owned(), meant);
            if self.slips.contains_key(&slip) || self.slips.len() < MOST_SLIPS {
                self.slips.entry(slip).or_default().add(one);
            }
        }
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        let words = "the address leads nowhere: its domain is reserved for examples and tests, or \
            isn't one of the internet's";
        let mut findings: Vec<Finding> = Vec::new();
        findings.extend(
            self.nowhere
                .finding("address-leads-nowhere", words.to_owned()),
        );
        let words = "the address is one that nobody reads, such as no-reply";
        findings.extend(self.unread.finding("address-unread", words.to_owned()));
        let words = "the address looks like a stand-in, such as test@test.com";
        findings.extend(self.stand_ins.finding("address-stand-in", words.to_owned()));
        for ((domain, meant), some) in self.slips {
            let real = self.well_known.get(meant).copied().unwrap_or(0);
            if some.count * RARER > real && some.count > 1 {
                continue;
            }
            let words =
                format!("the address ends with `{domain}`, which may be a slip of `{meant}`");
            findings.extend(some.finding("address-slip", words));
        }
        findings
    }
}

fn leads_nowhere(domain: &str) -> bool {
    let below = |ending: &str| {
        domain
            .strip_suffix(ending)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let last = domain.rsplit('.').next().unwrap_or(domain);
    let is_a_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    NOWHERE.iter().any(|ending| below(ending)) || !domain.contains('.') || is_a_number
}

fn is_a_stand_in(user: &str, domain: &str) -> bool {
    let name = domain.split('.').next().unwrap_or(domain);
    let twice = user == name && (user == "test" || user.chars().count() < 2);
    twice || STAND_INS.contains(&user) && (user == name || WELL_KNOWN.contains(&domain))
}

/// The provider that may be meant, where one letter was left out, added, changed or swapped with the
/// next.
fn slip_of(domain: &str) -> Option<&'static str> {
    if WELL_KNOWN.contains(&domain) || REAL.contains(&domain) {
        return None;
    }
    let near = |known: &&&str| strsim::osa_distance(domain, known) == 1;
    WELL_KNOWN
        .iter()
        // Cheap, and true of nearly all.
        .filter(|known| known.len().abs_diff(domain.len()) <= 1)
        .find(near)
        .copied()
}

/// See [`super::plain_form`].
pub(super) fn plain_form(key: &str) -> Option<String> {
    let (user, domain) = key.rsplit_once('@')?;
    let is_gmail = matches!(domain, "gmail.com" | "googlemail.com");
    let mut plain = user.split('+').next().unwrap_or(user).to_owned();
    if is_gmail {
        plain.retain(|letter| letter != '.');
    }
    let domain = if is_gmail { "gmail.com" } else { domain };
    let plain = format!("{plain}@{domain}");
    (plain != key && !plain.starts_with('@')).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_nowhere_is_said_to() {
        for bad in [
            "localhost",
            "shop.test",
            "example.com",
            "mail.example.org",
            "intranet",
            "10.0.0.1",
            "mail.example",
        ] {
            assert!(leads_nowhere(bad), "{bad}");
        }
        for good in [
            "gmail.com",
            "myexample.com",
            "contest.de",
            "x.museum",
            "latest.co",
            "xn--mller-kva.de",
        ] {
            assert!(!leads_nowhere(good), "{good}");
        }
    }

    #[test]
    fn slips_are_told_from_names_that_are_real() {
        for (written, meant) in [
            ("gmial.com", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gmal.com", "gmail.com"),
            ("hotmial.com", "hotmail.com"),
            ("outloook.com", "outlook.com"),
            ("yaho.co.uk", "yahoo.co.uk"),
        ] {
            assert_eq!(slip_of(written), Some(meant), "{written}");
        }
        for real in [
            "gmail.com",
            "mail.com",
            "email.com",
            "ymail.com",
            "yahoo.de",
            "yahoo.fr",
            "outlook.de",
            "hotmail.de",
            "gmx.de",
            "web.de",
            "live.com",
            "thornandrose.co.uk",
        ] {
            assert_eq!(slip_of(real), None, "{real}");
        }
    }

    #[test]
    fn stand_ins_are_not_people_of_that_name() {
        for (user, domain) in [
            ("test", "test.com"),
            ("none", "none.com"),
            ("noemail", "gmail.com"),
            ("a", "a.com"),
        ] {
            assert!(is_a_stand_in(user, domain), "{user}@{domain}");
        }
        for (user, domain) in [
            ("none", "shop.com"),
            ("miller", "miller.com"),
            ("info", "shop.com"),
            ("a", "b.com"),
        ] {
            assert!(!is_a_stand_in(user, domain), "{user}@{domain}");
        }
    }

    #[test]
    fn a_mailbox_has_one_plain_form() {
        assert_eq!(
            plain_form("ann.lee@gmail.com").as_deref(),
            Some("annlee@gmail.com")
        );
        assert_eq!(
            plain_form("ann+shop@home.de").as_deref(),
            Some("ann@home.de")
        );
        assert_eq!(
            plain_form("annlee@googlemail.com").as_deref(),
            Some("annlee@gmail.com")
        );
        assert_eq!(plain_form("ann.lee@home.de"), None);
        assert_eq!(plain_form("+@home.de"), None);
    }
}
