//! Which pages are asked for.

use super::ledger::{self, Books, Sample};

/// Pages that are asked for alike.
#[derive(Debug)]
pub(crate) struct Page {
    /// For people.
    pub(crate) name: String,
    /// Addresses, taken in turn.
    pub(crate) paths: Vec<String>,
}

/// Every kind of ledger page, and an entry; from all over the ledger.
pub(crate) async fn of(books: &mut Books, customers: u32) -> anyhow::Result<Vec<Page>> {
    let samples = ledger::samples(books).await?;
    let page = |name: &str, paths: Vec<String>| Page {
        name: name.to_owned(),
        paths,
    };
    let one = |name: &str, path: &str| page(name, vec![path.to_owned()]);
    let some = |name: &str, make: &dyn Fn(&Sample) -> String| {
        page(name, samples.iter().map(make).collect())
    };
    let whom = (0..10).map(|n| n * customers / 10);
    let of_customers: Vec<String> = whom.map(|n| format!("/ledger?customer=c{n}")).collect();
    Ok(vec![
        one("the latest", "/ledger"),
        some("somewhere deep", &|(_, _, due, number)| {
            format!("/ledger?before={due}.{number}")
        }),
        page("a customer's", of_customers),
        one("a frequent rule's", "/ledger?rule=thank-you"),
        one("a rule's that is rarer", "/ledger?rule=new-year"),
        some("a rule's, deep", &|(_, day, _, _)| {
            format!("/ledger?rule=thank-you&before={}.999999999", days(day))
        }),
        one("what was sent", "/ledger?outcome=sent"),
        one("what wasn't", "/ledger?outcome=skipped"),
        some("what wasn't, deep", &|(_, _, due, number)| {
            format!("/ledger?outcome=skipped&before={due}.{number}")
        }),
        one("what was refused", "/ledger?outcome=rejected"),
        one("what nobody knows of", "/ledger?outcome=unknown"),
        some("a day's", &|(_, day, _, _)| format!("/ledger?day={day}")),
        some("a day's and rule's", &|(_, day, _, _)| {
            format!("/ledger?day={day}&rule=birthday")
        }),
        some("a day's, what wasn't sent", &|(_, day, _, _)| {
            format!("/ledger?day={day}&outcome=skipped")
        }),
        one(
            "a rule's, what wasn't sent",
            "/ledger?rule=we-miss-you&outcome=skipped",
        ),
        one(
            "a rule's, none of it",
            "/ledger?rule=we-miss-you&outcome=deferred",
        ),
        some("an entry", &|(id, ..)| format!("/ledger/{id}")),
    ])
}

/// Days since 1970.
fn days(day: &str) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    let day: jiff::civil::Date = day.parse().unwrap_or(epoch);
    (day - epoch).get_days()
}

/// The same lists as files.
pub(crate) fn files(pages: &[Page]) -> impl Iterator<Item = String> {
    let first = pages.iter().filter_map(|page| page.paths.first());
    let lists = first.filter(|path| path.starts_with("/ledger?"));
    lists.map(|path| path.replacen("/ledger?", "/ledger.csv?", 1))
}
