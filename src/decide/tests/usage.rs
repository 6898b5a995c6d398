//! Changes in use against plain expectations, and against the definition worked out day by day.

use super::*;
use crate::model::Amount;
use crate::rules::{Measure, Usage};

const YEARS: (Date, Date) = (
    jiff::civil::Date::constant(2024, 1, 1),
    jiff::civil::Date::constant(2032, 12, 31),
);

/// Ten days against twenty.
fn visits(change: i32) -> Usage {
    Usage {
        measure: Measure::Count,
        kinds: vec!["visit".to_owned()],
        window_days: 10,
        versus_days: 20,
        change,
        min_base: Amount::default(),
    }
}

fn of(usage: Usage) -> Rule {
    rule(Trigger::Usage(usage))
}

fn plus(day: Date, days: i32) -> Date {
    Period::Days(days).from_date(day).unwrap()
}

/// A visit on each day from the first to the last, every so many days.
fn visit_days(view: &mut View, first: Date, last: Date, every: i32) {
    let mut day = first;
    while day <= last {
        let id = format!("{}-{day}", view.events.len());
        view.events.push(event(&id, "visit", When::Day(day)));
        day = plus(day, every);
    }
}

fn keys(rule: &Rule, view: &View) -> Vec<String> {
    let found = occasions(rule, view, &policy(), YEARS.0, YEARS.1);
    found.into_iter().map(|one| one.key).collect()
}

#[test]
fn a_decline_is_told_on_the_first_day_that_it_is_far_enough() {
    let mut view = view("Europe/London");
    visit_days(&mut view, date(2027, 1, 1), date(2027, 2, 15), 1);
    let down = of(visits(-3_000));
    // On 19 February, seven of ten days: exactly 30 % fewer.
    let found = occasions(&down, &view, &policy(), YEARS.0, YEARS.1);
    let wanted = ("2027-02-09".to_owned(), "2027-02-19T09:00:00Z".to_owned());
    assert_eq!(keys_and_dues(&found), [wanted]);
    assert_eq!(found[0].anchor, date(2027, 2, 9));
    let change = change(&down, &view, &found[0]).unwrap();
    let shown = (change.used.to_string(), change.usual.to_string());
    assert_eq!(shown, ("7.00".to_owned(), "10.00".to_owned()));
    assert_eq!((change.percent, change.days), (-30, 10));
    // One more visit in the window: a day later.
    view.events
        .push(event("x", "visit", When::Day(date(2027, 2, 10))));
    assert_eq!(keys(&down, &view), ["2027-02-10"]);
    assert_eq!(
        withdrawn(&down, &view, &found[0], &view.zone, found[0].due_at),
        Some(Reason::RecordChanged)
    );
    // Another kind is no visit.
    view.events
        .push(event("y", "call", When::Day(date(2027, 2, 10))));
    assert_eq!(keys(&down, &view), ["2027-02-10"]);
}

#[test]
fn growth_is_told_as_decline_is() {
    let mut view = view("UTC");
    visit_days(&mut view, date(2027, 1, 2), date(2027, 6, 30), 2);
    visit_days(&mut view, date(2027, 3, 1), date(2027, 6, 30), 2);
    // Usual are five in ten days; on the second of the doubled days it is six, a fifth more.
    assert_eq!(keys(&of(visits(2_000)), &view)[..1], ["2027-02-20"]);
    assert!(keys(&of(visits(15_000)), &view).is_empty());
}

#[test]
fn what_is_usual_takes_the_whole_stretch_to_know() {
    let mut view = view("UTC");
    visit_days(&mut view, date(2027, 1, 1), date(2027, 1, 21), 1);
    // Thirty days after the first visit the base is whole; by then eight days are empty.
    assert_eq!(keys(&of(visits(-3_000)), &view), ["2027-01-21"]);
    view.events.remove(0);
    assert_eq!(keys(&of(visits(-3_000)), &view), ["2027-01-22"]);
}

#[test]
fn it_is_told_again_only_after_it_was_over_and_a_window_later() {
    let mut view = view("UTC");
    // Daily, with a fortnight's holiday in March and another in May.
    visit_days(&mut view, date(2027, 1, 1), date(2027, 3, 1), 1);
    visit_days(&mut view, date(2027, 3, 16), date(2027, 5, 1), 1);
    visit_days(&mut view, date(2027, 5, 16), date(2027, 7, 31), 1);
    let down = of(visits(-3_000));
    assert_eq!(
        keys(&down, &view),
        ["2027-02-23", "2027-04-25", "2027-07-25"]
    );
    // A short recovery within the window's length isn't told of as a new decline.
    let mut view = super::view("UTC");
    visit_days(&mut view, date(2027, 1, 1), date(2027, 2, 15), 1);
    for _ in 0..3 {
        visit_days(&mut view, date(2027, 2, 19), date(2027, 2, 19), 1);
    }
    assert_eq!(keys(&down, &view), ["2027-02-09"]);
}

#[test]
fn small_numbers_dont_alarm() {
    let mut view = view("UTC");
    visit_days(&mut view, date(2027, 1, 1), date(2027, 3, 1), 5);
    let mut usage = visits(-5_000);
    assert_eq!(keys(&of(usage.clone()), &view).len(), 1);
    // Usual are two in ten days.
    usage.min_base = Amount::parse("2").unwrap();
    assert_eq!(keys(&of(usage.clone()), &view).len(), 1);
    usage.min_base = Amount::parse("2.1").unwrap();
    assert!(keys(&of(usage), &view).is_empty());
}

#[test]
fn a_season_that_comes_every_year_is_none() {
    let mut view = view("UTC");
    let fall = |view: &mut View, year: i16, quiet_every: i32| {
        visit_days(view, date(year, 1, 1), date(year, 5, 31), 1);
        visit_days(view, date(year, 6, 1), date(year, 7, 31), quiet_every);
        visit_days(view, date(year, 8, 1), date(year, 12, 31), 1);
    };
    fall(&mut view, 2026, 2);
    let down = of(visits(-3_000));
    let first = keys(&down, &view);
    assert_eq!(first.len(), 2, "the first summer and the end: {first:?}");
    // The next summer is as quiet as the last; only that the visits end is new.
    fall(&mut view, 2027, 2);
    let second = keys(&down, &view);
    assert_eq!(second.len(), 2, "{second:?}");
    assert_eq!(second[0], first[0]);
    assert!(second[1].starts_with("2027-12"), "{second:?}");
    // A summer a good deal quieter than the last is told: four days of ten by 9 June, where last
    // year it was six, by 10 June.
    let mut view = super::view("UTC");
    fall(&mut view, 2026, 2);
    fall(&mut view, 2027, 5);
    let quieter = keys(&down, &view);
    assert_eq!(quieter[1], "2027-05-30");
}

fn paid(id: &str, day: Date, amount: &str, currency: Option<&str>) -> Event {
    Event {
        amount: Amount::parse(amount),
        currency: currency.map(str::to_owned),
        ..event(id, "visit", When::Day(day))
    }
}

#[test]
fn amounts_are_of_one_currency_and_events_without_one_are_passed_over() {
    let mut view = view("UTC");
    for n in 0..40 {
        let day = plus(date(2027, 1, 1), n);
        let currency = if n % 2 == 0 { "EUR" } else { "eur" };
        view.events
            .push(paid(&n.to_string(), day, "12.5", Some(currency)));
    }
    // Visits without an amount neither count nor make the history longer.
    visit_days(&mut view, date(2026, 11, 1), date(2027, 3, 31), 1);
    let usage = Usage {
        measure: Measure::Amount,
        ..visits(-5_000)
    };
    let told = keys(&of(usage.clone()), &view);
    assert_eq!(told, ["2027-02-05"]);
    view.events
        .push(paid("x", date(2027, 2, 9), "1", Some("GBP")));
    assert!(keys(&of(usage.clone()), &view).is_empty());
    // Pounds that lie before the stretch that is looked at do no harm.
    view.events.pop();
    view.events
        .push(paid("x", date(2027, 1, 2), "1", Some("GBP")));
    assert_eq!(keys(&of(usage), &view), told);
}

#[test]
fn quantities_add_up() {
    let mut view = view("UTC");
    for n in 0..60 {
        let quantity = if n < 40 { "3" } else { "1" };
        view.events.push(Event {
            quantity: Amount::parse(quantity),
            ..event(
                &n.to_string(),
                "visit",
                When::Day(plus(date(2027, 1, 1), n)),
            )
        });
    }
    let usage = Usage {
        measure: Measure::Quantity,
        ..visits(-5_000)
    };
    // 10 February + 8 days: two times three and eight times one are 14 of 30.
    assert_eq!(keys(&of(usage), &view)[..1], ["2027-02-08"]);
    assert!(keys(&of(visits(-5_000)), &view)[0].starts_with("2027-02-2"));
}

#[test]
fn nothing_ahead_is_seen_and_a_day_is_over_where_the_customer_lives() {
    // A visit late in the day on Pago Pago is tomorrow's in London.
    let mut view = view("Pacific/Pago_Pago");
    visit_days(&mut view, date(2027, 1, 1), date(2027, 2, 15), 1);
    let mut down = of(visits(-3_000));
    let due = |rule: &Rule, view: &View| {
        let found = occasions(rule, view, &policy(), YEARS.0, YEARS.1);
        (found[0].key.clone(), found[0].due_at.to_string())
    };
    let own = ("2027-02-09".to_owned(), "2027-02-19T20:00:00Z".to_owned());
    assert_eq!(due(&down, &view), own);
    down.send.zone = SendZone::Business;
    // 18 February ends there at 11:00 in London, after nine, so the note comes on the 20th.
    let business = ("2027-02-09".to_owned(), "2027-02-20T09:00:00Z".to_owned());
    assert_eq!(due(&down, &view), business);
    let on = |day| occasions(&down, &view, &policy(), day, day).len();
    assert_eq!((on(date(2027, 2, 19)), on(date(2027, 2, 20))), (0, 1));
    // What is entered ahead changes nothing before it comes.
    visit_days(&mut view, date(2027, 2, 19), date(2027, 4, 1), 1);
    assert_eq!(due(&down, &view), business);
}

/// The definition, day by day and event by event.
fn plainly(view: &View, usage: &Usage, first: Date, days: i32) -> Vec<Date> {
    let counts: Vec<(Date, i128)> = view
        .events
        .iter()
        .filter_map(|event| match (event.at, event.quantity) {
            (When::Day(day), Some(n)) => Some((day, i128::from(n.ten_thousandths()))),
            _ => None,
        })
        .collect();
    let Some(start) = counts.iter().map(|(day, _)| *day).min() else {
        return Vec::new();
    };
    let (w, v) = (usage.window_days, usage.versus_days);
    let sum = |from: Date, until: Date| -> i128 {
        let inside = counts
            .iter()
            .filter(|(day, _)| from <= *day && *day < until);
        inside.map(|(_, n)| n).sum()
    };
    let sums = |day: Date| {
        let enough = plus(start, w + v) <= day;
        let (window, base) = (plus(day, -w), plus(day, -w - v));
        let (used, before) = (sum(window, day), sum(base, window));
        let least = i128::from(usage.min_base.ten_thousandths());
        let large = before > 0 && before * i128::from(w) >= least * i128::from(v);
        (enough && large).then_some((used, before))
    };
    let factor = 10_000 + i128::from(usage.change);
    let far = |a: i128, b: i128| if usage.change < 0 { a <= b } else { a >= b };
    let mut explained = false;
    let mut reached = |day: Date| {
        let Some((used, before)) = sums(day) else {
            explained = false;
            return false;
        };
        let now = far(
            used * i128::from(v) * 10_000,
            before * i128::from(w) * factor,
        );
        let beyond = sums(plus(day, -364)).map(|(used_then, before_then)| {
            let dried_up = usage.change < 0 && used_then <= 0;
            !dried_up && far(used * before_then * 10_000, before * used_then * factor)
        });
        let news = beyond.unwrap_or(!explained);
        explained = now && !news;
        now && news
    };
    let mut told: Vec<Date> = Vec::new();
    let mut before = false;
    for n in 0..days {
        let day = plus(first, n);
        let now = reached(day);
        let apart = told.last().is_none_or(|last| plus(*last, w) <= day);
        if now && !before && apart {
            told.push(plus(first, n));
        }
        before = now;
    }
    told
}

proptest! {
    /// Only turning days are looked at, by sums made beforehand; it comes to the same.
    #[test]
    fn what_is_told_is_what_the_definition_says(
        events in proptest::collection::vec((0_i32..700, -2_i64..6), 0..60),
        window in 1_i32..40,
        versus in 1_i32..60,
        change in prop_oneof![-10_000_i32..0, 1_i32..30_000],
        min_base in 0_i64..3,
        cut in 0_i32..1_500,
    ) {
        let usage = Usage {
            measure: Measure::Quantity,
            window_days: window,
            versus_days: versus,
            min_base: Amount::from_ten_thousandths(min_base * 10_000),
            ..visits(change)
        };
        let start = date(2024, 2, 1);
        let mut view = view("UTC");
        view.events = events
            .iter()
            .enumerate()
            .map(|(n, (day, quantity))| Event {
                // A few have none, and count for nothing.
                quantity: (*quantity != 5).then(|| Amount::from_ten_thousandths(quantity * 10_000)),
                ..event(&n.to_string(), "visit", When::Day(plus(start, *day)))
            })
            .collect();
        let wanted: Vec<String> = plainly(&view, &usage, start, 1_500)
            .into_iter()
            .map(|day| plus(day, -window).to_string())
            .collect();
        let rule = of(usage);
        prop_assert_eq!(&keys(&rule, &view), &wanted);
        // The order in which events stand doesn't matter, nor where the days are cut.
        view.events.reverse();
        let all = |from, to| occasions(&rule, &view, &policy(), from, to);
        let mut parts = all(YEARS.0, plus(start, cut));
        parts.extend(all(plus(start, cut + 1), YEARS.1));
        let parts: Vec<String> = parts.into_iter().map(|one| one.key).collect();
        prop_assert_eq!(parts, wanted);
    }

    /// Whatever the numbers, the zone and the days, there is an answer.
    #[test]
    fn no_number_is_too_large(
        events in proptest::collection::vec((any::<i64>(), -9_999_i16..9_999, 0..3_usize), 0..20),
        window in 1_i32..3_660,
        change in prop_oneof![-10_000_i32..0, 1_i32..99_999],
    ) {
        let mut view = view("Pacific/Apia");
        view.events = events
            .iter()
            .enumerate()
            .map(|(n, (amount, year, currency))| Event {
                amount: Some(Amount::from_ten_thousandths(*amount)),
                currency: [None, Some("EUR"), Some("GBP")][*currency].map(str::to_owned),
                ..event(&n.to_string(), "visit", When::Day(date(*year, 6, 1)))
            })
            .collect();
        let usage = Usage { measure: Measure::Amount, window_days: window, ..visits(change) };
        let rule = of(usage);
        let found = occasions(&rule, &view, &policy(), Date::MIN, Date::MAX);
        for one in &found {
            prop_assert_eq!(withdrawn(&rule, &view, one, &view.zone, one.due_at), None);
            prop_assert!(!explain::arises(&rule, &view, &policy(), one).is_empty());
        }
        prop_assert!(!explain::nothing(&rule, &view, &policy(), date(2027, 1, 1)).is_empty());
    }
}
