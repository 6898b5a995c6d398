//! Every trigger against plain expectations.

use super::*;

const YEAR: (Date, Date) = (
    jiff::civil::Date::constant(2027, 1, 1),
    jiff::civil::Date::constant(2027, 12, 31),
);

fn found(rule: &Rule, view: &View) -> Vec<(String, String)> {
    keys_and_dues(&occasions(rule, view, &policy(), YEAR.0, YEAR.1))
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, due): &(&str, &str)| ((*key).to_owned(), (*due).to_owned());
    wanted.iter().map(owned).collect()
}

fn still(rule: &Rule, view: &View, occasion: &Occasion) -> Option<Reason> {
    withdrawn(rule, view, occasion, &view.zone, occasion.due_at)
}

#[test]
fn only_the_named_anniversaries_are_kept_and_only_where_the_year_is_known() {
    let mut view = view("UTC");
    let rule = yearly(Period::Days(0), Feb29::Feb28, &[1, 5, 10]);
    for (born, wanted) in [
        (Some(2026), true),
        (Some(2025), false),
        (Some(2022), true),
        (Some(2017), true),
        (None, false),
    ] {
        view.customer.birthday = PartialDate::new(born, 6, 1);
        assert_eq!(found(&rule, &view).len(), usize::from(wanted), "{born:?}");
    }
    // The year of birth is corrected: the day stays, but it is another anniversary.
    view.customer.birthday = PartialDate::new(Some(2022), 6, 1);
    let occasion = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
    assert_eq!(still(&rule, &view, &occasion), None);
    view.customer.birthday = PartialDate::new(Some(2021), 6, 1);
    assert_eq!(still(&rule, &view, &occasion), Some(Reason::RecordChanged));
}

#[test]
fn a_date_comes_once_with_its_own_day_as_the_key() {
    let mut view = view("UTC");
    let renewal = |date| ("renewal".to_owned(), AttrValue::Date(date));
    let field = DateField::Attr("renewal".to_owned());
    let mut rule = rule(Trigger::Date(OnDate {
        field: field.clone(),
        offset: Period::Days(-7),
    }));
    assert!(found(&rule, &view).is_empty(), "nobody has that date");
    let date = PartialDate::new(Some(2027), 3, 5).unwrap();
    view.customer.attrs = [renewal(date)].into();
    let wanted = pairs(&[("2027-03-05", "2027-02-26T09:00:00Z")]);
    assert_eq!(found(&rule, &view), wanted);
    let occasion = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
    assert_eq!(
        (occasion.years, still(&rule, &view, &occasion)),
        (None, None)
    );
    rule.trigger = Trigger::Date(OnDate {
        field,
        offset: Period::Months(1),
    });
    let end = PartialDate::new(Some(2027), 1, 31).unwrap();
    view.customer.attrs = [renewal(end)].into();
    let wanted = pairs(&[("2027-01-31", "2027-02-28T09:00:00Z")]);
    assert_eq!(found(&rule, &view), wanted);
    assert_eq!(still(&rule, &view, &occasion), Some(Reason::RecordChanged));
    view.customer.attrs = [renewal(PartialDate::new(None, 3, 5).unwrap())].into();
    assert!(found(&rule, &view).is_empty(), "without a year");
}

#[test]
fn fixed_dates_are_for_everybody_who_can_be_written_to() {
    let mut view = view("Asia/Tokyo");
    let on = vec![date(2026, 12, 31), date(2027, 6, 1), date(2027, 6, 2)];
    let mut rule = rule(Trigger::Fixed(on));
    let wanted = pairs(&[
        ("2027-06-01", "2027-06-01T00:00:00Z"),
        ("2027-06-02", "2027-06-02T00:00:00Z"),
    ]);
    assert_eq!(found(&rule, &view), wanted);
    let occasion = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
    assert_eq!(still(&rule, &view, &occasion), None);
    rule.trigger = Trigger::Fixed(vec![date(2027, 6, 2)]);
    assert_eq!(still(&rule, &view, &occasion), Some(Reason::RecordChanged));
    view.customer.email = None;
    assert!(found(&rule, &view).is_empty());
}

fn purchases(view: &mut View, days: &[(&str, i8)]) {
    let purchase = |(id, day): &(&str, i8)| event(id, "purchase", When::Day(date(2027, 5, *day)));
    view.events = days.iter().map(purchase).collect();
}

#[test]
fn the_first_and_the_third_are_counted_as_they_happened() {
    let mut view = view("UTC");
    purchases(
        &mut view,
        &[("late", 20), ("early", 2), ("b", 10), ("a", 10)],
    );
    view.events
        .push(event("visit", "visit", When::Day(date(2027, 1, 1))));
    let keys = |which| {
        let rule = after("purchase", Delay::After(Period::Days(3)), which);
        let found = found(&rule, &view);
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(keys(Which::Every), ["early", "a", "b", "late"]);
    assert_eq!(keys(Which::Nth(1)), ["early"]);
    assert_eq!(keys(Which::Nth(3)), ["b"]);
    assert!(keys(Which::Nth(5)).is_empty());
}

#[test]
fn an_older_purchase_that_comes_to_light_takes_the_place_of_the_first() {
    let mut view = view("UTC");
    purchases(&mut view, &[("second", 10)]);
    let rule = after("purchase", Delay::After(Period::Days(3)), Which::Nth(1));
    let planned = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
    assert_eq!(still(&rule, &view, &planned), None);
    purchases(&mut view, &[("second", 10), ("first", 9)]);
    assert_eq!(still(&rule, &view, &planned), Some(Reason::RecordChanged));
    assert_eq!(found(&rule, &view)[0].0, "first");
    // Once the letter about the other is out, nobody is thanked for a first purchase again.
    view.sent = vec![Sent {
        rule: rule.id.clone(),
        occasion: "second".to_owned(),
        class: Class::Marketing,
        audience: Audience::Customer,
        at: planned.due_at,
    }];
    assert!(found(&rule, &view).is_empty());
    // Somebody else's letter, or the one about this very purchase, is no reason.
    view.sent[0].rule = "other".to_owned();
    assert_eq!(found(&rule, &view)[0].0, "first");
    view.sent[0].rule.clone_from(&rule.id);
    view.sent[0].occasion = "first".to_owned();
    assert_eq!(found(&rule, &view)[0].0, "first");
}

#[test]
fn a_surprise_is_drawn_once_and_other_edits_leave_it() {
    let mut view = view("Europe/London");
    purchases(&mut view, &[("4711", 1)]);
    let delay = Delay::Between(Period::Days(10), Period::Days(40));
    let mut rule = after("purchase", delay, Which::Every);
    let drawn = found(&rule, &view);
    assert_eq!(drawn, found(&rule, &view));
    rule.title = "Another".to_owned();
    rule.version = "w".to_owned();
    rule.priority = 99;
    rule.send.late = Period::Days(9);
    let Trigger::Event(trigger) = &mut rule.trigger else {
        unreachable!()
    };
    trigger.which = Which::Nth(1);
    assert_eq!(drawn, found(&rule, &view));
    // Another hour is another hour, on the same day.
    rule.send.at = jiff::civil::time(10, 0, 0, 0);
    let moved = found(&rule, &view);
    assert_ne!(drawn, moved);
    assert_eq!(drawn[0].1.split('T').next(), moved[0].1.split('T').next());
}

/// How often each day (or minute) of a surprise is drawn, for 3,100 purchases.
fn draws(delay: Delay, count: impl Fn(&Occasion) -> i64) -> std::collections::BTreeMap<i64, u32> {
    let mut view = view("UTC");
    let ids: Vec<String> = (0..3_100).map(|n| n.to_string()).collect();
    let days: Vec<(&str, i8)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    purchases(&mut view, &days);
    let rule = after("purchase", delay, Which::Every);
    let mut counts = std::collections::BTreeMap::new();
    for occasion in occasions(&rule, &view, &policy(), YEAR.0, YEAR.1) {
        *counts.entry(count(&occasion)).or_default() += 1;
    }
    counts
}

#[test]
fn every_day_of_a_surprise_is_as_likely_as_the_others_both_ends_included() {
    let days = draws(
        Delay::Between(Period::Days(10), Period::Days(40)),
        |occasion| i64::from(date(2027, 5, 1).until(occasion.day).unwrap().get_days()),
    );
    assert_eq!(
        days.keys().copied().collect::<Vec<_>>(),
        (10..=40).collect::<Vec<_>>()
    );
    // A hundred each; five standard deviations off would be foul play.
    assert!(days.values().all(|n| (50..=150).contains(n)), "{days:?}");
    let minutes = draws(
        Delay::Between(Period::Minutes(60), Period::Minutes(69)),
        |occasion| (occasion.due_at - ts("2027-05-01T00:00:00Z")).as_mins(),
    );
    assert_eq!(
        minutes.keys().copied().collect::<Vec<_>>(),
        (60..=69).collect::<Vec<_>>()
    );
    assert!(
        minutes.values().all(|n| (220..=400).contains(n)),
        "{minutes:?}"
    );
}

#[test]
fn a_silence_is_told_in_steps_until_somebody_comes() {
    let mut view = view("UTC");
    view.events = vec![event("1", "visit", When::Day(date(2027, 1, 5)))];
    let rule = silence(60, 1, (30, 3));
    let wanted = pairs(&[
        ("2027-01-05/1", "2027-03-06T09:00:00Z"),
        ("2027-01-05/2", "2027-04-05T09:00:00Z"),
        ("2027-01-05/3", "2027-05-05T09:00:00Z"),
    ]);
    assert_eq!(found(&rule, &view), wanted);
    let second = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(1);
    assert_eq!(still(&rule, &view, &second), None);
    // A contact between the first and the second step ends the series and begins another.
    view.events
        .push(event("2", "purchase", When::Day(date(2027, 4, 1))));
    let wanted = pairs(&[
        ("2027-01-05/1", "2027-03-06T09:00:00Z"),
        ("2027-04-01/1", "2027-05-31T09:00:00Z"),
        ("2027-04-01/2", "2027-06-30T09:00:00Z"),
        ("2027-04-01/3", "2027-07-30T09:00:00Z"),
    ]);
    assert_eq!(found(&rule, &view), wanted);
    assert_eq!(still(&rule, &view, &second), Some(Reason::ContactedSince));
    // The contact never was, nor the one before: somebody else's, it turned out.
    view.events = vec![event("0", "visit", When::Day(date(2026, 12, 1)))];
    assert_eq!(still(&rule, &view, &second), Some(Reason::RecordChanged));
}

#[test]
fn who_comes_at_the_very_moment_isnt_missed() {
    let mut view = view("UTC");
    let rule = silence(60, 1, (30, 1));
    let first = event("1", "visit", When::Day(date(2027, 1, 5)));
    for (at, wanted) in [
        ("2027-03-06T08:59:59Z", 1),
        ("2027-03-06T09:00:00Z", 1),
        ("2027-03-06T09:00:01Z", 2),
    ] {
        let again = event("2", "visit", When::Instant(ts(at)));
        view.events = vec![first.clone(), again];
        assert_eq!(found(&rule, &view).len(), wanted, "{at}");
    }
}

#[test]
fn a_holiday_is_withdrawn_when_it_isn_t_on_that_day_any_more() {
    let trigger = crate::rules::OnHoliday {
        holiday: crate::rules::OwnHolidays::default()
            .find("christmas")
            .unwrap(),
        offset: Period::Days(-1),
    };
    let (rule, view) = (rule(Trigger::Holiday(trigger)), view("UTC"));
    let mut occasion = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
    assert_eq!(occasion.day, date(2027, 12, 24));
    assert_eq!(still(&rule, &view, &occasion), None);
    occasion.anchor = date(2027, 12, 26);
    assert_eq!(still(&rule, &view, &occasion), Some(Reason::RecordChanged));
}

#[test]
fn a_spread_keeps_the_day_and_is_drawn_once_per_occasion() {
    let mut view = view("UTC");
    let mut rule = rule(Trigger::Fixed(vec![date(2027, 6, 1)]));
    rule.send.spread_minutes = 120;
    let mut seconds = std::collections::BTreeSet::new();
    for n in 0..200 {
        view.customer.id = n.to_string();
        let of = |rule: &Rule| occasions(rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
        let (occasion, again) = (of(&rule), of(&rule));
        assert_eq!(occasion, again);
        assert_eq!(occasion.day, date(2027, 6, 1));
        let after = occasion.due_at.as_second() - ts("2027-06-01T09:00:00Z").as_second();
        assert!((0..7_200).contains(&after), "{after}");
        seconds.insert(after);
    }
    assert!(seconds.len() > 180, "they lie apart: {}", seconds.len());
    assert!(seconds.first().unwrap() < &400 && seconds.last().unwrap() > &6_800);
}

/// Spread over midnight, a letter is due tomorrow; a `late` of a day then means a day from there.
#[test]
fn a_spread_over_midnight_takes_nothing_from_the_time_that_is_left() {
    let (mut view, mut rule) = (view("UTC"), rule(Trigger::Fixed(vec![date(2027, 6, 1)])));
    rule.send.at = jiff::civil::time(23, 0, 0, 0);
    rule.send.spread_minutes = 600;
    for n in 0..50 {
        view.customer.id = n.to_string();
        let occasion = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
        let end = calendar::deadline(Period::Days(1), &occasion, &TimeZone::UTC);
        assert_eq!(end.duration_since(occasion.due_at).as_hours(), 24, "{n}");
    }
}

/// `late = "0 days"` is the whole civil day on which a letter is due, however long that day is, and
/// nothing of the next.
#[test]
fn no_days_late_is_the_day_itself_in_the_send_zone() {
    let zone = "Europe/Berlin";
    for (day, end) in [
        (date(2027, 6, 1), "2027-06-01T21:59:59.999Z"),
        (date(2027, 3, 28), "2027-03-28T21:59:59.999Z"),
        (date(2027, 10, 31), "2027-10-31T22:59:59.999Z"),
    ] {
        let rule = rule(Trigger::Fixed(vec![day]));
        let occasion = occasions(&rule, &view(zone), &policy(), YEAR.0, YEAR.1).remove(0);
        for late in ["0 days", "0 weeks", "0 months"] {
            let late = Period::parse(late).unwrap();
            let zone = TimeZone::get(zone).unwrap();
            assert_eq!(calendar::deadline(late, &occasion, &zone), ts(end));
        }
    }
    let (view, mut rule) = (view("UTC"), rule(Trigger::Fixed(vec![date(2027, 6, 1)])));
    rule.send.at = jiff::civil::time(23, 0, 0, 0);
    rule.send.spread_minutes = 600;
    let occasion = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1).remove(0);
    let end = calendar::deadline(Period::Days(0), &occasion, &TimeZone::UTC);
    let day = |at| TimeZone::UTC.to_datetime(at).date();
    assert_eq!(day(end), day(occasion.due_at));
}

#[test]
fn a_silence_that_was_told_of_isnt_told_again_when_its_last_contact_is_corrected() {
    let mut view = view("UTC");
    purchases(&mut view, &[("bought", 9)]);
    let rule = silence(20, 1, (30, 2));
    let both = occasions(&rule, &view, &policy(), YEAR.0, YEAR.1);
    let keys =
        |view: &View| -> Vec<String> { found(&rule, view).into_iter().map(|one| one.0).collect() };
    view.sent = vec![Sent {
        rule: rule.id.clone(),
        occasion: both[0].key.clone(),
        class: Class::Marketing,
        audience: Audience::Customer,
        at: both[0].due_at,
    }];
    assert_eq!(keys(&view).len(), 2, "it stays what it was");
    // Corrected by two days, or followed by another that nobody knew of: the second letter alone.
    for later in [11, 28] {
        purchases(&mut view, &[("bought", 9), ("later", later)]);
        let left = keys(&view);
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].ends_with("/2"), "{left:?}");
    }
    // Whoever comes after the letter and stays away again is missed again.
    purchases(&mut view, &[("bought", 9), ("back", 31)]);
    assert_eq!(keys(&view).len(), 3);
    // Nor does a letter of the very day on which they came tell of the silence from then on.
    purchases(&mut view, &[("bought", 9), ("same day", 29)]);
    assert_eq!(keys(&view).len(), 2);
    // Corrected, and they came again after the letter: it was told of, and only the new silence is
    // still to come.
    let short = silence(15, 1, (30, 2));
    view.sent[0].at = ts("2027-05-24T09:00:00Z");
    purchases(&mut view, &[("bought", 11), ("back", 31)]);
    let left = found(&short, &view);
    let anew = |(key, _): &(String, String)| key.starts_with("2027-05-31/");
    assert!(left.len() == 2 && left.iter().all(anew), "{left:?}");
    view.sent[0].at = both[0].due_at;
    // Another rule's letter is no reason.
    purchases(&mut view, &[("bought", 11)]);
    view.sent[0].rule = "other".to_owned();
    assert_eq!(keys(&view).len(), 2);
}

#[test]
fn an_event_at_the_end_of_time_disturbs_nobody() {
    let mut view = view("UTC");
    purchases(&mut view, &[("now", 10), ("never", 11)]);
    for event in view.events.iter_mut().filter(|event| event.id == "never") {
        event.at = When::Instant(Timestamp::MAX);
    }
    for delay in [Period::Minutes(0), Period::Days(0), Period::Days(9_000)] {
        let mut rule = after("purchase", Delay::After(delay), Which::Every);
        rule.send.spread_minutes = 23 * 60;
        let found = found(&rule, &view);
        assert!(found.iter().all(|(key, _)| key == "now"), "{found:?}");
    }
}
