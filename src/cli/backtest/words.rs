//! What a walk over the past comes to, in words.

use crate::engine::backtest::{Advice, Days, LEAST_AWAY, LEAST_LETTERS, Played, Report, Threshold};
use crate::rhythm::calibration::{by_chance, farthest};
use crate::rhythm::walk::{Silent, Tally};
use crate::rules::{Patience, Sure};

/// From so many customers on, what they have in common is more than a guess.
const ENOUGH_CUSTOMERS: u32 = 50;

/// There is no past.
pub(super) fn nobody(report: &Report) -> String {
    let kinds = kinds(report);
    format!("Nobody has had a contact yet ({kinds}), so there is no past to walk over.")
}

/// Above the table: what was asked of which days.
pub(super) fn head(report: &Report, days: &Days) -> String {
    let Report {
        title,
        rule,
        silence,
        horizon_days: horizon,
        ..
    } = report;
    let contacts = match silence.min_contacts {
        0 | 1 => String::new(),
        least => format!(", from {least} contact days on"),
    };
    let after = Threshold(silence.after);
    let lines = [
        format!("{title} ({rule}): after {after}{contacts}"),
        format!(
            "Contact means: {}. Letters from {} to {}, each as it could have been known on its day.",
            kinds(report),
            days.from,
            days.until
        ),
        format!(
            "Needless: they came back by themselves within {} of it. What was seen ends on {}.",
            some(*horizon, "day"),
            days.seen
        ),
    ];
    lines.join("\n  ") + "\n\n"
}

/// Below the table: the rule, the likelihood, the advice.
pub(super) fn tail(report: &Report, days: &Days) -> String {
    let mut paragraphs = Vec::new();
    let rule = report.played.iter().find(|one| one.is_rule);
    paragraphs.extend(rule.map(|rule| of_the_rule(report, days, &rule.tally)));
    paragraphs.extend(likelihood(report, days));
    let reservations = reservations(report);
    if !reservations.is_empty() {
        paragraphs.push(reservations.join("\n"));
    }
    paragraphs.extend(rule.map(|rule| advice(report, rule)));
    format!("\n{}\n", paragraphs.join("\n\n"))
}

fn of_the_rule(report: &Report, days: &Days, tally: &Tally) -> String {
    let horizon = report.horizon_days;
    let (letters, needless) = (tally.letters(), tally.needless.count());
    let mut lines = vec![format!(
        "This rule would have sent {}.",
        some(letters, "letter")
    )];
    if let Some(share) = tally.needless_share() {
        lines.push(format!(
            "{} of {} would have come back without one within {}: {} of the letters were needless.",
            needless,
            some(tally.judged(), "customer"),
            some(horizon, "day"),
            percent(share)
        ));
    }
    if tally.unjudged > 0 {
        lines.push(format!(
            "{} after {} can't be judged yet and {} in none of the other numbers.",
            some(tally.unjudged, "letter"),
            days.judged_until,
            if tally.unjudged == 1 { "is" } else { "are" },
        ));
    }
    if let Some(share) = tally.caught_share() {
        let early = tally.right.percentile(50).map_or_else(String::new, |days| {
            format!(", half of them within {} of silence", some(days, "day"))
        });
        lines.push(format!(
            "Of {} in which somebody stayed away, it would have caught {} ({}){early}; {} had no \
             letter by {}.",
            some(tally.away(), "silence"),
            tally.right.count(),
            percent(share),
            tally.missed,
            days.judged_until
        ));
    }
    if tally.before > 0 {
        lines.push(format!(
            "{} had had their letter before {}.",
            some(tally.before, "silence"),
            days.from
        ));
    }
    lines.join("\n")
}

/// What was said on the eve, against what came.
fn likelihood(report: &Report, days: &Days) -> Option<String> {
    let tenths = &report.tenths;
    if tenths.is_empty() {
        return None;
    }
    let customers: usize = tenths.iter().map(|one| one.customers).sum();
    let row = |name: &str, of: fn(&crate::rhythm::calibration::Tenth) -> f64| {
        let shares = tenths.iter().map(|one| format!("{:>4.0}", of(one) * 100.0));
        format!("  {name:<17}{} %", shares.collect::<String>())
    };
    Some(format!(
        "Is the likelihood what it says? The chances of no contact in the {} from {}, in tenths of {customers} \
         customers:\n{}\n{}\n  At most {:.1} points apart; chance alone may put them {:.0} apart. It was learnt from {} who had come more than once by then.",
        some(report.horizon_days, "day"),
        days.from,
        row("said", |one| one.said),
        row("stayed away", |one| one.was),
        farthest(tenths) * 100.0,
        by_chance(tenths) * 100.0,
        some(report.learnt_from, "customer"),
    ))
}

/// What the numbers don't know.
fn reservations(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if report.sent > 0 {
        let (letters, were) = match report.sent {
            1 => ("letter", "was"),
            _ => ("letters", "were"),
        };
        lines.push(format!(
            "{} {letters} of this rule {were} really sent in that time, so this isn't a past without: \
             whoever came because of one counts as having come by themselves.",
            report.sent
        ));
    }
    if report.conditional {
        lines.push(
            "The rule's condition isn't played; with it, there are fewer letters.".to_owned(),
        );
    }
    if report.silence.times > 1 {
        lines.push(format!(
            "Of the {} letters of a silence only the first is played.",
            report.silence.times
        ));
    }
    if report.learnt_from < ENOUGH_CUSTOMERS {
        lines.push(format!(
            "How customers come was learnt from {} only; the rows that end in `sure` are rough.",
            some(report.learnt_from, "customer")
        ));
    }
    lines
}

/// There is no day on which a letter could be judged.
pub(super) fn too_short(report: &Report, days: &Days) -> String {
    format!(
        "No letter from {} on can be judged: contacts are known from {} to {}, and {} after a letter have to \
         be seen. It takes a longer past, an earlier --from, or a shorter --horizon.",
        days.from,
        days.first,
        days.seen,
        some(report.horizon_days, "day")
    )
}

fn advice(report: &Report, rule: &Played) -> String {
    let own = &rule.tally;
    match report.advice {
        Advice::TooShort | Advice::TooFew => format!(
            "Too few to say which threshold is better: of this rule {} could be judged, and {} who \
             stayed away; below {LEAST_LETTERS} and {LEAST_AWAY} chance has the say.",
            some(own.judged(), "letter"),
            some(own.away(), "customer"),
        ),
        Advice::Better(place) => match report.played.get(place) {
            Some(other) => format!(
                "Better for this business: {}. It would have caught {}, with {} of the letters needless \
                 instead of {}.{}",
                to_write(other.threshold),
                as_many(own, &other.tally),
                needless(&other.tally),
                needless(own),
                sooner(own, &other.tally)
            ),
            None => String::new(),
        },
        Advice::Fine { careful, eager } => {
            let choice = |place: Option<usize>| place.and_then(|place| report.played.get(place));
            fine(rule, choice(careful), choice(eager))
        }
    }
}

/// Nothing is better; but there may be a choice.
fn fine(rule: &Played, careful: Option<&Played>, eager: Option<&Played>) -> String {
    let own = &rule.tally;
    let careful = careful.map(|other| {
        format!(
            "With fewer needless letters: {} ({} of them instead of {}), but it catches {} of those who \
             stayed away instead of {}.",
            to_write(other.threshold),
            needless(&other.tally),
            needless(own),
            caught(&other.tally),
            caught(own),
        )
    });
    let eager = eager.map(|other| {
        format!(
            "With more caught: {} ({} of those who stayed away instead of {}), but {} of its letters are \
             needless instead of {}.",
            to_write(other.threshold),
            caught(&other.tally),
            caught(own),
            needless(&other.tally),
            needless(own),
        )
    });
    let fine = "The rule is fine as it is: nothing here catches as many with clearly fewer needless \
                letters, or clearly more without more of them.";
    let lines = [Some(fine.to_owned()), careful, eager];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// As a rule has it: `70% sure`, or `70% sure (with horizon = "45 days")`.
fn to_write(threshold: Threshold) -> String {
    match threshold.0 {
        Patience::Sure(own) if own.horizon_days != Sure::USUAL_HORIZON => {
            let days = some(own.horizon_days.unsigned_abs(), "day");
            format!("{threshold} (with `horizon = \"{days}\"`)")
        }
        _ => threshold.to_string(),
    }
}

/// `as many (60 % of those who stayed away)`, `70 % of those who stayed away instead of 60 %`
fn as_many(own: &Tally, other: &Tally) -> String {
    match (caught(own), caught(other)) {
        (own, other) if own == other => format!("as many ({own} of those who stayed away)"),
        (own, other) => format!("{other} of those who stayed away instead of {own}"),
    }
}

/// How much sooner or later it catches them.
fn sooner(own: &Tally, other: &Tally) -> String {
    let median = |tally: &Tally| tally.right.percentile(50);
    match (median(own), median(other)) {
        (Some(own), Some(other)) if other != own => {
            format!(" Half of those caught get it within {other} days, not {own}.")
        }
        _ => String::new(),
    }
}

/// Of those who stayed away.
fn caught(tally: &Tally) -> String {
    tally.caught_share().map_or_else(String::new, percent)
}

/// Of the letters.
fn needless(tally: &Tally) -> String {
    tally.needless_share().map_or_else(String::new, percent)
}

/// `40 %`
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `58 days (31 to 90)`: the median, and between which four of five lie.
pub(super) fn silent(silent: &Silent) -> String {
    let [low, median, high] = [10, 50, 90].map(|percent| silent.percentile(percent));
    let (Some(low), Some(median), Some(high)) = (low, median, high) else {
        return String::new();
    };
    if low == high {
        return some(median, "day");
    }
    format!("{} ({low} to {high})", some(median, "day"))
}

/// `visit or purchase`
fn kinds(report: &Report) -> String {
    report.silence.contact.join(" or ")
}

fn some(count: u32, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::rhythm::calibration::Tenth;
    use crate::rhythm::walk::Fate;
    use crate::rules::Silence;

    /// Of a thousand who stayed away.
    fn played(days: i32, is_rule: bool, (right, needless): (u32, u32)) -> Played {
        let mut tally = Tally::default();
        let after = days.unsigned_abs();
        (right..1000).for_each(|_| tally.add(Fate::Missed));
        (0..right).for_each(|_| tally.add(Fate::Right(after)));
        (0..needless).for_each(|_| tally.add(Fate::Needless(after)));
        Played {
            threshold: Threshold(Patience::Days(days)),
            is_rule,
            tally,
        }
    }

    fn report(played: Vec<Played>) -> (Report, Days) {
        let days = Days {
            first: date(2026, 1, 1),
            from: date(2026, 6, 1),
            until: date(2026, 9, 1),
            judged_until: date(2026, 9, 1),
            seen: date(2026, 12, 1),
        };
        let report = Report {
            rule: "r".to_owned(),
            title: "We miss you".to_owned(),
            silence: Silence {
                contact: ["visit", "call"].map(str::to_owned).to_vec(),
                after: Patience::Days(60),
                min_contacts: 1,
                repeat_days: 90,
                times: 1,
            },
            conditional: false,
            horizon_days: 90,
            days: Some(days),
            learnt_from: 500,
            sent: 0,
            advice: Advice::of(&played),
            played,
            tenths: Vec::new(),
        };
        (report, days)
    }

    #[test]
    fn the_advice_is_told_with_what_it_costs() {
        let told = |counts: [(u32, u32); 3]| {
            let [own, later, sooner] = counts;
            let (report, days) = report(vec![
                played(30, false, sooner),
                played(60, true, own),
                played(90, false, later),
            ]);
            tail(&report, &days)
        };
        let fine = told([(500, 500), (400, 200), (600, 900)]);
        assert!(fine.contains("The rule is fine as it is"), "{fine}");
        assert!(
            fine.contains(
                "fewer needless letters: 90 days (33 % of them instead of 50 %), but it catches 40 % of those \
                 who stayed away instead of 50 %."
            ),
            "{fine}"
        );
        assert!(
            fine.contains(
                "more caught: 30 days (60 % of those who stayed away instead of 50 %), but 60 %"
            ),
            "{fine}"
        );
        let better = told([(500, 500), (500, 200), (600, 900)]);
        assert!(
            better.contains(
                "Better for this business: 90 days. It would have caught as many (50 % of those who stayed \
                 away), with 29 % of the letters needless instead of 50 %. Half of those caught get it within 90 days, not 60."
            ),
            "{better}"
        );
        let few = told([(10, 5), (500, 200), (600, 900)]);
        assert!(
            few.contains("Too few to say which threshold is better"),
            "{few}"
        );
    }

    #[test]
    fn a_sureness_is_recommended_with_the_horizon_it_was_tried_with() {
        let sure = |horizon_days| {
            Threshold(Patience::Sure(Sure {
                percent: 70,
                horizon_days,
                otherwise_days: None,
                at_least_days: 7,
                at_most_days: None,
            }))
        };
        assert_eq!(to_write(sure(90)), "70% sure");
        let told = "70% sure (with `horizon = \"45 days\"`)";
        assert_eq!(to_write(sure(45)), told);
    }

    #[test]
    fn what_the_numbers_do_not_know_is_said() {
        let (plain, days) = report(vec![played(60, true, (500, 500))]);
        let told = tail(&plain, &days);
        assert_eq!(told.lines().count(), 6, "{told}");
        let doubtful = Report {
            conditional: true,
            learnt_from: 3,
            sent: 2,
            silence: Silence {
                times: 2,
                ..plain.silence.clone()
            },
            tenths: vec![
                Tenth {
                    customers: 60,
                    said: 0.215,
                    was: 0.3,
                };
                2
            ],
            ..plain
        };
        let told = tail(&doubtful, &days);
        for words in [
            "2 letters of this rule were really sent",
            "condition isn't played",
            "Of the 2 letters of a silence only the first",
            "learnt from 3 customers only",
            "in tenths of 120 customers",
            "At most 8.5 points apart; chance alone may put them 15 apart",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(head(&doubtful, &days).contains("visit or call"));
    }
}
