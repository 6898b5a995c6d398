//! Whether answers and returned letters arrive: who takes mail for the domains of the business's own
//! addresses, judged. Pure.

use super::Check;
use crate::outside::{Answer, MailHost};

const NAME: &str = "replies";

/// Mail hosts of a domain whose addresses are looked up.
pub(super) const MOST_HOSTS: usize = 4;

/// What is known of a domain.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// Who takes mail for it.
    pub(super) hosts: Answer<Vec<MailHost>>,
    /// Of the first of them, or of the domain itself where it names none, whether they have addresses.
    pub(super) found: Vec<(String, Answer<()>)>,
}

/// What is to be said of a domain; `for_what` is what goes there.
pub(super) fn judge(domain: &str, for_what: &str, reach: &Reach) -> Check {
    let goes = format!("{for_what} to {domain}");
    let add = "Add an MX record where the domain's DNS is kept, or write with an address that takes mail.";
    let hosts = match &reach.hosts {
        Answer::Found(hosts) => hosts.as_slice(),
        Answer::Nothing => &[],
        Answer::NoName => {
            let found = format!("There is no domain {domain}: {goes} can't arrive");
            let advice = "Check the spelling of your addresses under [business]: many servers refuse \
                          letters from a domain that isn't there. If it is there, ask a name server \
                          that knows more than your own network: `--dns 9.9.9.9`.";
            return Check::wrong(NAME, &found, advice);
        }
        Answer::Unasked(why) => {
            let found = format!("Whether {goes} arrive couldn't be asked: {why}");
            return Check::look(NAME, &found, super::dns::ASK_AGAIN);
        }
    };
    if hosts.iter().any(|host| host.name.is_empty()) {
        let found = format!("{domain} says that it takes no mail (an empty MX record)");
        return Check::wrong(NAME, &found, add);
    }
    let reached = |(_, answer): &&(String, Answer<()>)| matches!(answer, Answer::Found(()));
    let there = reach.found.iter().find(reached);
    if there.is_none() {
        let silent = reach.found.iter().find_map(|(name, answer)| match answer {
            Answer::Unasked(why) => Some(format!("{name}: {why}")),
            _ => None,
        });
        return if let Some(what) = silent {
            let found = format!("Whether {goes} arrive couldn't be asked, {what}");
            Check::look(NAME, &found, super::dns::ASK_AGAIN)
        } else if hosts.is_empty() {
            let found =
                format!("{domain} has neither an MX record nor an address: {goes} can't arrive");
            Check::wrong(NAME, &found, add)
        } else {
            let found = format!(
                "{} can't arrive: no mail host of it has an address",
                capital(&goes)
            );
            Check::wrong(
                NAME,
                &found,
                "Mend the MX record: it has to name a host that has an address.",
            )
        };
    }
    if hosts.is_empty() {
        let found = format!("{domain} has no MX record, so {for_what} go to its own address");
        let advice = "See that a mail server answers there, or add an MX record.";
        return Check::look(NAME, &found, advice);
    }
    let names: Vec<&str> = hosts
        .iter()
        .take(MOST_HOSTS)
        .map(|host| host.name.as_str())
        .collect();
    Check::ok(
        NAME,
        &format!("{} go by {}", capital(&goes), names.join(", ")),
    )
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{State, tests};
    use super::*;

    fn reach(hosts: Answer<Vec<(u16, &str)>>, found: &[(&str, Answer<()>)]) -> Reach {
        let hosts = match hosts {
            Answer::Found(hosts) => Answer::Found(
                hosts
                    .into_iter()
                    .map(|(preference, name)| MailHost {
                        preference,
                        name: name.to_owned(),
                    })
                    .collect(),
            ),
            Answer::Nothing => Answer::Nothing,
            Answer::NoName => Answer::NoName,
            Answer::Unasked(why) => Answer::Unasked(why),
        };
        let found = found
            .iter()
            .map(|(name, answer)| ((*name).to_owned(), answer.clone()));
        Reach {
            hosts,
            found: found.collect(),
        }
    }

    #[track_caller]
    fn says(reach: &Reach, state: State, words: &[&str]) {
        tests::says(&judge("thorn.example", "answers", reach), state, words);
    }

    #[test]
    fn who_takes_mail_is_told() {
        let two = vec![(10, "mx1.example"), (20, "mx2.example")];
        let found = [
            ("mx1.example", Answer::NoName),
            ("mx2.example", Answer::Found(())),
        ];
        says(
            &reach(Answer::Found(two), &found),
            State::Ok,
            &["Answers to thorn.example go by mx1.example, mx2.example"],
        );
    }

    #[test]
    fn a_domain_that_takes_no_mail_is_wrong() {
        says(
            &reach(Answer::NoName, &[]),
            State::Wrong,
            &["no domain thorn.example", "spelling"],
        );
        let none = vec![(0, "")];
        says(
            &reach(Answer::Found(none), &[]),
            State::Wrong,
            &["takes no mail"],
        );
        let gone = [("mx1.example", Answer::NoName)];
        let one = || Answer::Found(vec![(10, "mx1.example")]);
        says(
            &reach(one(), &gone),
            State::Wrong,
            &["no mail host of it has an address"],
        );
        let bare = [("thorn.example", Answer::Nothing)];
        says(
            &reach(Answer::Nothing, &bare),
            State::Wrong,
            &["neither an MX record nor an address"],
        );
        let own = [("thorn.example", Answer::Found(()))];
        says(
            &reach(Answer::Nothing, &own),
            State::Look,
            &["no MX record", "its own address"],
        );
    }

    #[test]
    fn what_couldn_t_be_asked_is_never_said_to_be_missing() {
        let silence = || "silence".to_owned();
        says(
            &reach(Answer::Unasked(silence()), &[]),
            State::Look,
            &["couldn't be asked: silence"],
        );
        let found = [
            ("mx1.example", Answer::NoName),
            ("mx2.example", Answer::Unasked(silence())),
        ];
        let two = Answer::Found(vec![(10, "mx1.example"), (20, "mx2.example")]);
        says(
            &reach(two, &found),
            State::Look,
            &["couldn't be asked, mx2.example: silence"],
        );
    }
}
