//! Silences, and changes in use.

use super::*;

pub(super) fn of_silences() -> Vec<Example> {
    vec![
        (
            "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"90 days\"\nmin_contacts = 3\ntimes = 2\nrepeat = \"30 days\"",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"90 days\"\nmin_contacts = 3",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"2 cadences\"",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"1.5 cadences\"\nat_least = \"60 days\"\ntimes = 2",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"1 cadence\"\notherwise = \"8 weeks\"",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"80% sure\"\ntimes = 2",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"95% sure\"\nhorizon = \"30 days\"\nat_most = \"60 days\"",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\", \"purchase\"]\nafter = \"99% sure\"",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"80% sure\"",
            shopped(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"visit\", \"call\"]\nafter = \"90 days\"",
            view(),
        ),
        (
            "[trigger.lapsed]\ncontact = [\"call\"]\nafter = \"90 days\"\ntimes = 2",
            with_events(&[("call", "2026-01-01")]),
        ),
    ]
}

/// Visits on the first so many days of so many years, 2026 the first.
fn visits(days: i32, years: &[i16]) -> View {
    let mut view = view();
    for year in years {
        for n in 0..days {
            let on = crate::model::Period::Days(n).from_date(day(*year, 1, 1));
            let id = format!("{year}-{n}");
            view.events.push(Event {
                id,
                at: When::Day(on.unwrap()),
                amount: crate::model::Amount::parse("12.5"),
                currency: Some("EUR".to_owned()),
                quantity: crate::model::Amount::parse("1.25"),
                ..with_events(&[("visit", "2026-01-01")]).events.remove(0)
            });
        }
    }
    view
}

pub(super) fn of_use() -> Vec<Example> {
    const COUNT: &str = "[trigger.usage]\nmeasure = \"count\"\nof = [\"visit\"]\nchange = \"-30%\"";
    const AMOUNT: &str = "[trigger.usage]\nmeasure = \"amount\"\nof = [\"visit\", \"purchase\"]\nwindow = \"2 weeks\"\nchange = \"-12.5%\"";
    const QUANTITY: &str = "[trigger.usage]\nmeasure = \"quantity\"\nof = [\"visit\"]\nchange = \"+33%\"\nmin_base = 30";
    let mut two_currencies = visits(120, &[2027]);
    if let Some(last) = two_currencies.events.last_mut() {
        last.currency = Some("GBP".to_owned());
    }
    let mut doubled = visits(120, &[2027]);
    let more = doubled.events.split_off(100);
    let again = more.iter().map(|one| Event {
        id: format!("{}+", one.id),
        ..one.clone()
    });
    doubled.events.extend(again.collect::<Vec<_>>());
    doubled.events.extend(more);
    vec![
        (COUNT, visits(150, &[2027])),
        (COUNT, visits(150, &[2025, 2026, 2027])),
        (COUNT, visits(150, &[2025, 2026])),
        (COUNT, view()),
        (COUNT, visits(40, &[2026])),
        (AMOUNT, visits(120, &[2027])),
        (AMOUNT, two_currencies),
        (QUANTITY, doubled),
        (QUANTITY, visits(120, &[2027])),
        (QUANTITY, shopped()),
    ]
}
