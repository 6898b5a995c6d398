//! The pages that customers reach: whether their address leads to fondly, as a customer's mail provider
//! would find it.

use std::time::Duration;

use super::Check;
use crate::outside::{self, Answer, Names, Page, Place};
use crate::settings::Settings;

const NAME: &str = "public";

/// Where the pages tell whether fondly is well.
const HEALTH: &str = "/healthz";
/// What is answered there when it is.
const WELL: &str = "ok";
/// Addresses of one host that are tried.
const MOST_ADDRESSES: usize = 3;
/// Characters of an answer that are repeated.
const MOST_CHARS: usize = 120;

/// What to do where the address leads nowhere.
const LEAD: &str = "Customers can't unsubscribe by their letters' links like this. `base_url` under \
                    [public] has to lead to your web server, and that has to pass it on to `bind`.";

/// A line, where there are such pages.
pub(super) async fn look(settings: &Settings, names: &Names, wait: Duration) -> Option<Check> {
    let base_url = settings.public.as_ref()?.base_url.as_str();
    let Some(place) = Place::of(base_url, HEALTH) else {
        let found = format!("{base_url} is no address that can be asked");
        return Some(Check::wrong(
            NAME,
            &found,
            "Mend `base_url` under [public].",
        ));
    };
    let addresses = match place.host.parse() {
        Ok(address) => vec![address],
        Err(_) => match names.addresses(&place.host).await {
            Answer::Found(addresses) => addresses,
            Answer::Nothing | Answer::NoName => {
                let found = format!("There is no address for {} ({base_url})", place.host);
                return Some(Check::wrong(NAME, &found, LEAD));
            }
            Answer::Unasked(why) => {
                let found = format!("The address of {} couldn't be asked: {why}", place.host);
                return Some(Check::look(NAME, &found, super::dns::ASK_AGAIN));
            }
        },
    };
    let mut last = Err("has no address".to_owned());
    for address in addresses.into_iter().take(MOST_ADDRESSES) {
        last = outside::get(&place, address, wait).await;
        if last.is_ok() {
            break;
        }
    }
    Some(judge(base_url, last))
}

fn judge(base_url: &str, answer: Result<Page, String>) -> Check {
    let page = match answer {
        Ok(page) => page,
        Err(why) => {
            let found = format!("{base_url} {why}");
            let advice = format!(
                "{LEAD} If it does from elsewhere, and only this machine can't reach its own outer \
                 address, all is well."
            );
            return Check::wrong(NAME, &found, &advice);
        }
    };
    let said: String = page.text.trim().chars().take(MOST_CHARS).collect();
    match page.status {
        200 if said == WELL => {
            Check::ok(NAME, &format!("{base_url} leads to fondly, which is well"))
        }
        200 => {
            let found =
                format!("{base_url} leads to something else than fondly: it says \"{said}\"");
            Check::wrong(NAME, &found, LEAD)
        }
        503 if !said.is_empty() && !said.starts_with('<') => {
            let found = format!("{base_url} answers that it isn't well: {said}");
            Check::wrong(
                NAME,
                &found,
                "See the line of the last pass, and fondly's log.",
            )
        }
        status @ 300..400 => {
            let found = format!("{base_url} leads somewhere else (status {status})");
            let advice = "Name in `base_url` where it leads to: mail providers that unsubscribe somebody \
                          by one click follow nowhere.";
            Check::wrong(NAME, &found, advice)
        }
        status @ (502..=504) => {
            let found = format!("{base_url} answers with status {status}: fondly isn't behind it");
            let advice =
                "See that `fondly run` is at work, and that the web server passes on to `bind`.";
            Check::wrong(NAME, &found, advice)
        }
        status => {
            let found = format!("{base_url} answers with status {status}, which isn't fondly's");
            Check::wrong(NAME, &found, LEAD)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn what_answers_is_told_from_what_doesn_t() {
        let page = |status, text: &str| {
            Ok(Page {
                status,
                text: text.to_owned(),
            })
        };
        for (answer, state, words) in [
            (page(200, "ok\n"), State::Ok, "leads to fondly"),
            (page(200, "<html>Welcome"), State::Wrong, "something else"),
            (page(301, ""), State::Wrong, "follow nowhere"),
            (page(404, "not found"), State::Wrong, "status 404"),
            (page(502, "Bad Gateway"), State::Wrong, "isn't behind it"),
            (page(503, "<html>Busy"), State::Wrong, "isn't behind it"),
            (
                page(503, "passes have been failing for 9 minutes\n"),
                State::Wrong,
                "failing for 9",
            ),
            (
                Err("shows a certificate that has expired".to_owned()),
                State::Wrong,
                "has expired",
            ),
        ] {
            let check = judge("https://care.example", answer);
            assert_eq!(check.state, state, "{check:?}");
            let text = format!("{} {}", check.found, check.advice);
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
