//! `sync --report`: what looks wrong is told with counts and examples, and a clean shop hears nothing.

use std::fmt::Write as _;

use serde_json::Value;

use crate::console::{Browser, shop as with_console};
use crate::shop::{Shop, until};

/// Rows of people of whom all is well.
fn clean(many: u32) -> String {
    let mut text =
        "id,email,first_name,last_name,language,timezone,birthday,joined_on\n".to_owned();
    for n in 0..many {
        let (year, month, day) = (1945 + n * 7 % 60, 1 + n * 5 % 12, 1 + n * 11 % 28);
        writeln!(
            text,
            "c{n},person{n}@thornandrose.co.uk,Ann{n},Okafor,en,Europe/London,\
             {year}-{month:02}-{day:02},2020-03-14"
        )
        .unwrap();
    }
    text
}

fn report(shop: &Shop) -> Vec<Value> {
    let ran = shop.run(&["sync", "--report", "--format", "json"]).is(0);
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The customers and the examples of a finding.
fn found(report: &[Value], kind: &str) -> (u64, Vec<String>) {
    let one = report.iter().find(|one| one["finding"] == kind);
    let one = one.unwrap_or_else(|| panic!("no {kind} in {report:?}"));
    let examples = one["examples"].as_array().unwrap();
    let examples = examples.iter().map(|id| id.as_str().unwrap().to_owned());
    (one["customers"].as_u64().unwrap(), examples.collect())
}

#[test]
fn a_clean_shop_hears_nothing() {
    let shop = Shop::new();
    shop.customers(&clean(300));
    let told = shop.run(&["sync", "--report"]).is(0).says(&[
        "300 customers; with an address 300 (100%), a name 300 (100%), a birthday 300 (100%)",
        "Nothing looks wrong.",
    ]);
    assert!(!told.out.contains("SUCH AS"), "{}", told.out);
    let report = report(&shop);
    let kinds: Vec<&str> = report
        .iter()
        .map(|one| one["finding"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "customers",
            "without-address",
            "without-name",
            "without-birthday",
            "without-birth-year",
            "without-language",
            "without-zone"
        ]
    );
    assert_eq!(found(&report, "customers").0, 300);
    assert_eq!(found(&report, "without-birthday").0, 0);
}

#[test]
fn what_looks_wrong_is_counted_and_named() {
    let shop = Shop::new();
    let mut text = clean(300);
    for n in 0..214 {
        writeln!(
            text,
            "u{n},user{n}@thornandrose.co.uk,Bo{n},Ito,en,,1970-01-01,"
        )
        .unwrap();
    }
    text.push_str(
        "x1,ann@home.test,Ann,Lee,en,,--02-03,\n\
         x2,no-reply@shop.de,Bob,Lee,pl,Europe/Viena,--02-04,\n\
         x3,same@shop.de,Cy,Lee,en,,1960-05-06,\n\
         x4,SAME@shop.de,CY,LEE,en,,1960-05-06,\n\
         x5,same+news@shop.de,Di,Lee,en,,,1950-01-01\n\
         x6,,unknown,,en,,1990-01-02,1980-01-01\n\
         x7,eve@gmial.com,Eve,Lee,en,,2090-01-02,2090-01-01\n",
    );
    shop.customers(&text);
    let report = report(&shop);
    assert_eq!(found(&report, "birthday-spike").0, 214);
    let of = |kind| found(&report, kind);
    let named = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        (ids.len() as u64, ids)
    };
    assert_eq!(of("address-leads-nowhere"), named(&["x1"]));
    assert_eq!(of("address-unread"), named(&["x2"]));
    assert_eq!(of("unknown-zone"), named(&["x2"]));
    assert_eq!(of("no-letter-in-language"), named(&["x2"]));
    assert_eq!(of("shared-address"), named(&["x3", "x4"]));
    assert_eq!(of("same-name-and-birthday"), named(&["x3", "x4"]));
    assert_eq!(of("same-address-in-disguise"), named(&["x5"]));
    assert_eq!(of("stand-in-name"), named(&["x6"]));
    assert_eq!(of("joined-before-born"), named(&["x6", "x7"]));
    assert_eq!(of("birthday-ahead"), named(&["x7"]));
    assert_eq!(of("joined-ahead"), named(&["x7"]));
    assert_eq!(of("address-slip"), named(&["x7"]));
    assert_eq!(found(&report, "without-address").0, 1);
    assert_eq!(found(&report, "without-birth-year").0, 2);
    // All of it, and nothing else.
    assert_eq!(report.len(), 7 + 13);

    let told = shop.run(&["sync", "--report"]).is(0);
    let line = told
        .out
        .lines()
        .find(|line| line.contains("1 January 1970"));
    assert!(
        line.unwrap().trim_start().starts_with("214"),
        "{}",
        told.out
    );
    let csv = shop.run(&["sync", "--report", "--format", "csv"]).is(0).out;
    assert!(
        csv.starts_with("finding,customers,of,words,examples\n"),
        "{csv}"
    );
    assert!(csv.contains("\nshared-address,2,521,"), "{csv}");
}

#[test]
fn a_source_can_be_looked_at_alone() {
    let shop = Shop::new();
    shop.write("data/two.csv", "id,email\nb1,ann@home.test\n");
    shop.customers(&clean(50));
    shop.settings(
        "[[source]]\nname = \"one\"\nkind = \"csv\"\npath = \"../data/customers.csv\"\n\
         feeds = \"customers\"\n[[source]]\nname = \"two\"\nkind = \"csv\"\n\
         path = \"../data/two.csv\"\nfeeds = \"customers\"\n",
    );
    shop.run(&["sync"]).is(0);
    shop.run(&["sync", "one", "--report"])
        .is(0)
        .says(&["50 customers;", "Nothing looks wrong."]);
    shop.run(&["sync", "two", "--report"])
        .is(0)
        .says(&["1 customer;", "leads nowhere"]);
}

/// The owner needn't type anything: the page of a source has it looked at when something came in.
#[tokio::test]
async fn what_looks_wrong_stands_on_the_page_of_its_source() {
    let shop = with_console("");
    let mut text = clean(300);
    text.push_str("x1,x1@mail.test,Uma,Lund,en,,1990-01-02,\nx2,not an address,Bo,Ek,en,,,\n");
    text.push_str("x3,also none,Cy,Ek,en,,,\nx4,x4@real-shop.com,Di,Ek,en,Mars/Base,01.02.1990,\n");
    shop.customers(&text);
    let browser = Browser::start(&shop).await;
    let found = "the address leads nowhere";
    let page = until("what was found", || {
        let page = browser.get("/sources/customers");
        page.body.contains(found).then_some(page)
    })
    .await;
    page.shows(&[
        "Of 301 customers",
        "href=\"/customers/x1\"",
        "Records that can't be used",
        "not an address",
    ]);
    let page = browser.get("/sources");
    page.shows(&[
        "href=\"/sources/customers\"",
        "data-label=\"Looks wrong\">1<",
    ]);
    let file = browser.get("/sources/customers/quality.csv").body;
    let typed = ["sync", "customers", "--report", "--format", "csv"];
    assert_eq!(file, shop.run(&typed).is(3).out);
    browser.get("/sources/events").shows(&["<b>0 records</b>"]);
    assert_eq!(browser.get("/sources/nobody").status, 404);
    // Two records that can't be used for the same reason are told together.
    browser
        .get("/sources/customers")
        .shows(&["<b>2</b> <bdi>email</bdi>"]);
}
