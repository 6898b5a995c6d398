//! The DNS of the domains that letters come from and answers go to, and the public pages: asks at the
//! same time, and has the answers judged.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::replies::{MOST_HOSTS, Reach};
use super::{Check, State, Wishes, dkim, dmarc, public, replies, spf};
use crate::model::address::folded;
use crate::outside::{Answer, Names};
use crate::settings::{Settings, Transport};

/// What to do where nobody could be asked.
pub(super) const ASK_AGAIN: &str = "Ask again later, or another name server: `--dns 9.9.9.9`.";

/// What is said before findings that don't matter yet.
const NOT_YET: &str = "Doesn't matter while letters are only written as files:";

/// The lines of SPF, DKIM, DMARC, where answers go, and the public pages.
pub(super) async fn look(settings: &Settings, wishes: &Wishes) -> Vec<Check> {
    let names = match Names::new(wishes.dns, wishes.wait) {
        Ok(names) => names,
        Err(why) => {
            let found = format!("The DNS can't be asked: {why}");
            return matter(settings, vec![Check::look("spf", &found, ASK_AGAIN)]);
        }
    };
    let domain = folded(settings.business.from.email.domain()).into_owned();
    let (mut checks, more, public) = tokio::join!(
        sender(&names, &domain, &wishes.dkim),
        answers(&names, settings),
        public::look(settings, &names, wishes.wait),
    );
    checks.extend(more);
    checks.extend(public);
    matter(settings, checks)
}

/// Without real sending nothing here is wrong yet.
fn matter(settings: &Settings, mut checks: Vec<Check>) -> Vec<Check> {
    if matches!(settings.mail.transport, Transport::File { .. }) {
        for check in &mut checks {
            if check.state != State::Ok {
                check.state = State::Ok;
                check.found = format!("{NOT_YET} {}", check.found);
            }
        }
    }
    checks
}

/// Whether receivers believe letters from this domain.
async fn sender(names: &Names, domain: &str, selectors: &[String]) -> Vec<Check> {
    // `anna@[192.0.2.1]` has no domain that the DNS could know of.
    if domain.starts_with('[') {
        let found = format!("The sender's domain is an address, {domain}, and has no DNS");
        let advice = "Write from a domain of your own: receivers believe no bare address.";
        return vec![Check::wrong("spf", &found, advice)];
    }
    let (spf, dkim, dmarc) = tokio::join!(
        ask_spf(names, domain),
        ask_dkim(names, domain, selectors),
        ask_dmarc(names, domain),
    );
    let mut checks = vec![spf];
    checks.extend(dkim);
    checks.push(dmarc);
    checks
}

async fn ask_spf(names: &Names, domain: &str) -> Check {
    let mut known = BTreeMap::new();
    // Each round asks what the one before led to; what leads on is bounded, and so are they.
    loop {
        let walk = spf::walk(domain, &known);
        if walk.missing.is_empty() {
            return spf::judge(domain, &walk);
        }
        let asked = walk.missing.into_iter().map(async |name| {
            let answer = names.texts(&name).await;
            (name, answer)
        });
        known.extend(join_all(asked).await);
    }
}

async fn ask_dkim(names: &Names, domain: &str, selectors: &[String]) -> Vec<Check> {
    if selectors.is_empty() {
        let answer = names.texts(&dkim::above(domain)).await;
        return vec![dkim::judge_any(domain, &answer)];
    }
    let asked = selectors.iter().map(async |selector| {
        let place = dkim::place(selector, domain);
        dkim::judge(&place, &names.texts(&place).await)
    });
    join_all(asked).await
}

async fn ask_dmarc(names: &Names, domain: &str) -> Check {
    let asked = dmarc::places(domain).into_iter().map(async |place| {
        let answer = names.texts(&place).await;
        (place, answer)
    });
    dmarc::judge(domain, &join_all(asked).await)
}

/// Whether mail to the business's own addresses arrives, a line a domain.
async fn answers(names: &Names, settings: &Settings) -> Vec<Check> {
    let business = &settings.business;
    let from = [("returned letters", business.from.email.domain())];
    let to = business.reply_to.as_ref().unwrap_or(&business.from);
    let to = ("answers", to.email.domain());
    let stop = business.unsubscribe_mailto.as_ref();
    let stop = stop.map(|address| ("unsubscriptions by mail", address.domain()));
    let mut domains: Vec<(String, Vec<&str>)> = Vec::new();
    for (what, domain) in from.into_iter().chain([to]).chain(stop) {
        let domain = folded(domain).into_owned();
        match domains.iter_mut().find(|(known, _)| *known == domain) {
            Some((_, all)) => all.push(what),
            None => domains.push((domain, vec![what])),
        }
    }
    let domains = domains
        .into_iter()
        .filter(|(domain, _)| !domain.starts_with('['));
    let asked = domains.map(async |(domain, what)| {
        let reach = reach(names, &domain).await;
        replies::judge(&domain, &what.join(" and "), &reach)
    });
    join_all(asked).await
}

async fn reach(names: &Names, domain: &str) -> Reach {
    let hosts = names.mail_hosts(domain).await;
    let wanted: Vec<String> = match &hosts {
        Answer::Found(hosts) => {
            let hosts = hosts.iter().filter(|host| !host.name.is_empty());
            hosts
                .take(MOST_HOSTS)
                .map(|host| host.name.clone())
                .collect()
        }
        Answer::Nothing => vec![domain.to_owned()],
        Answer::NoName | Answer::Unasked(_) => Vec::new(),
    };
    let asked = wanted.into_iter().map(async |name| {
        let answer = match names.addresses(&name).await {
            Answer::Found(_) => Answer::Found(()),
            Answer::Nothing => Answer::Nothing,
            Answer::NoName => Answer::NoName,
            Answer::Unasked(why) => Answer::Unasked(why),
        };
        (name, answer)
    });
    let found = join_all(asked).await;
    Reach { hosts, found }
}
