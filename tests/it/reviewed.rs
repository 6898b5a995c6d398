//! What the console shows is all there is: the numbers are those of the lists, no list stops without
//! saying so, and whoever decides has seen what they decide about.

use std::fmt::Write as _;

use crate::console::{Browser, becomes, link, shop, today, visit};
use crate::shop::{Shop, now, until};

/// Sixty letters that wait since yesterday, one that was given up today after three days, one that was
/// refused ten days ago.
const WAITING_AND_FAILED: &str = "\
    INSERT INTO ledger (id, rule, rule_version, customer, occasion, class, audience, priority, due_at, \
      due_day, zone, anchor, outcome, decided_at, attempts, next_attempt_at, planned_at) \
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 62), \
      t (now) AS (SELECT unixepoch() * 1000) \
    SELECT 'e' || n, 'thanks', 'x', 'c' || n, 'k', 'service', 'customer', 50, \
      now - days * 86400000, (now - days * 86400000) / 86400000, 'Europe/London', '2026-01-01', \
      CASE n WHEN 61 THEN 'expired' WHEN 62 THEN 'rejected' ELSE 'deferred' END, \
      CASE n WHEN 61 THEN now WHEN 62 THEN now - days * 86400000 END, 1, \
      CASE WHEN n < 61 THEN now + 864000000 END, now - days * 86400000 \
    FROM (SELECT n, now, CASE n WHEN 61 THEN 3 WHEN 62 THEN 10 ELSE 1 END AS days FROM n, t)";

/// A list's rows, page by page.
fn leafed(browser: &Browser, path: &str, next: &str) -> usize {
    let (mut path, mut rows) = (path.to_owned(), 0);
    loop {
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{path}");
        rows += page.body.matches("<tr><td").count() + page.body.matches("<tr>\n<td").count();
        let Some((before, _)) = page.body.split_once(&format!("\">{next}</a>")) else {
            return rows;
        };
        let (_, to) = before.rsplit_once("href=\"").unwrap();
        path = to.replace("&amp;", "&");
    }
}

/// The rows of a file.
async fn filed(browser: &Browser, path: &str) -> usize {
    let file = browser.whole(path, "").await;
    assert_eq!(file.status, 200, "{path}");
    csv::Reader::from_reader(file.body.as_bytes())
        .records()
        .map(Result::unwrap)
        .count()
}

#[tokio::test]
async fn what_waits_or_failed_is_counted_whenever_it_was_due_and_the_list_holds_as_many() {
    let shop = shop("");
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    let browser = Browser::start(&shop).await;
    shop.tamper(WAITING_AND_FAILED).await;
    let first = browser.get("/");
    first.shows(&["<b>60</b> waiting", "<b>1</b> failed"]);
    let waiting = link(&first.body, "/ledger?outcome=waiting");
    assert_eq!(leafed(&browser, &waiting, "Older"), 60);
    let failed = link(&first.body, "/ledger?outcome=failed").replace("&amp;", "&");
    assert_eq!(leafed(&browser, &failed, "Older"), 1);
    assert_eq!(leafed(&browser, "/ledger?outcome=failed", "Older"), 2);
    assert_eq!(
        leafed(&browser, "/ledger?outcome=waiting&rule=thanks", "Older"),
        60
    );
    assert_eq!(leafed(&browser, "/ledger?outcome=deferred", "Older"), 60);
    for (list, rows) in [(&*waiting, 60), (&*failed, 1)] {
        let file = list.replace("/ledger?", "/ledger.csv?");
        assert_eq!(filed(&browser, &file).await, rows, "{file}");
    }
    browser
        .get(&failed)
        .shows(&["given up", &format!("value=\"{}\"", today())]);
    // The other numbers lead to what they count as well.
    first.shows(&[&format!("/ledger?outcome=sent&amp;day={}", today())]);
}

#[tokio::test]
async fn nobody_decides_about_letters_that_were_held_after_they_looked() {
    let shop = shop("");
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    visit(&shop, "c1");
    let browser = Browser::start(&shop).await;
    becomes(&shop, "held").await;
    let batch = format!("/held/thanks/{}", today());
    browser
        .get(&batch)
        .shows(&["name=\"count\" value=\"1\"", "Let 1 letter go"]);
    for word in ["approve", "decline"] {
        let refused = browser.post(&batch, &format!("word={word}&count=0"));
        assert_eq!(refused.status, 409, "{refused:?}");
        let words = "Nothing was decided: none was held when you looked, and now there is 1.";
        assert!(refused.body.contains(words), "{}", refused.body);
        assert!(refused.body.contains("Let 1 letter go"), "{}", refused.body);
        assert_eq!(browser.post(&batch, &format!("word={word}")).status, 400);
    }
    assert_eq!(shop.ledger_so_far()[0].outcome, "held");
    assert_eq!(browser.post(&batch, "word=approve&count=1").status, 303);
    becomes(&shop, "sent").await;
}

/// Lies where the copy for the forecast would, and can't be taken away as a file.
fn in_the_way(shop: &Shop, browser: &Browser) -> std::path::PathBuf {
    let name = format!("var/fondly.db.forecast-{}", browser.daemon.id());
    let folder = shop.path(&name);
    std::fs::create_dir_all(folder.join("in the way")).unwrap();
    folder
}

#[tokio::test]
async fn what_can_t_be_worked_out_is_told_as_that_and_tried_anew_by_whoever_asks_again() {
    let shop = shop("");
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    let browser = Browser::start(&shop).await;
    let folder = in_the_way(&shop, &browser);
    browser
        .whole("/ahead", "")
        .await
        .shows(&["This can&#39;t be worked out just now: "]);
    for file in ["/ahead.csv", "/rules.csv"] {
        let failed = browser.whole(file, "").await;
        assert_eq!(failed.status, 500, "{file}: {failed:?}");
        let words = "This can't be worked out";
        assert!(failed.body.contains(words), "{file}: {}", failed.body);
        assert!(failed.header("content-disposition").is_none(), "{file}");
    }
    browser
        .get("/rules")
        .shows(&["When they write next: This can&#39;t", "not known"]);
    std::fs::remove_dir_all(folder).unwrap();
    // Mended is mended: nobody has to wait until the failure is forgotten.
    browser.get("/ahead").shows(&["to go out"]);
    assert_eq!(filed(&browser, "/rules.csv").await, 1);
    browser.get("/rules").shows(&["not in thirty days"]);
}

/// A letter on the birthday, for everybody.
const BIRTHDAY: &str = "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"marketing\"\n\
    audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n";

#[tokio::test]
async fn a_letter_ahead_is_told_by_the_clock_of_the_business_and_by_theirs() {
    let shop = shop("");
    shop.rule("birthday", BIRTHDAY);
    let soon = today().saturating_add(jiff::Span::new().days(5));
    let born = soon.strftime("1980-%m-%d");
    shop.customers(&format!(
        "id,email,first_name,birthday,timezone\n\
         c1,ann@mail.example,Ann,{born},Australia/Sydney\n\
         c2,ben@mail.example,Ben,{born},Europe/London\n"
    ));
    let browser = Browser::start(&shop).await;
    let theirs = soon.at(9, 0, 0, 0).in_tz("Australia/Sydney").unwrap();
    let ours = theirs.in_tz("Europe/London").unwrap();
    let words = |at: &jiff::ZonedDateTime| at.strftime("%a %-d %b %Y, %H:%M").to_string();
    let page = browser.get(&format!("/ahead/{soon}"));
    page.shows(&[
        &words(&ours),
        &format!("({} in Australia/Sydney)", words(&theirs)),
        &soon.strftime("%a %-d %b %Y, 09:00").to_string(),
    ]);
    assert!(!page.body.contains("in Europe/London"), "{}", page.body);
    assert!(page.body.contains("All times are those of Europe/London."));
    // In the ledger, the day by which one looks stands beside the moment of the business.
    let sql = "INSERT INTO ledger (id, rule, rule_version, customer, occasion, class, audience, \
        priority, due_at, due_day, zone, anchor, outcome, planned_at) VALUES ('e1', 'birthday', 'x', \
        'c1', 'k', 'marketing', 'customer', 50, 1764626400000, 20424, 'Australia/Sydney', \
        '2025-12-02', 'skipped', 1764626400000)";
    shop.tamper(sql).await;
    browser
        .get("/ledger?day=2025-12-02")
        .shows(&["Mon 1 Dec 2025, 22:00", "2 Dec where they are"]);
}

/// They unsubscribed by their record, complain, want a pause, and nothing ever came due for them.
const BEN: &str = "c2,ben@mail.example,Ben,Baker,de-AT,no,yes,1980-06-01";

#[tokio::test]
async fn a_customer_has_a_page_whether_or_not_anything_came_due_for_them() {
    let shop = shop("");
    shop.rule("birthday", BIRTHDAY);
    shop.customers(&format!(
        "id,email,first_name,last_name,language,consent,unsubscribed,birthday\n\
         c1,ann@mail.example,Ann,Archer,,,,\n{BEN}\n"
    ));
    shop.events(&format!(
        "id,customer_id,kind,at,amount,currency\nv1,c1,visit,{0},,\n\
         p1,c2,purchase,2026-03-01,12.50,EUR\no1,c2,complaint-opened,2026-04-01,,\n",
        now()
    ));
    let browser = Browser::start(&shop).await;
    becomes(&shop, "held").await;
    shop.tamper(
        "INSERT INTO preference (customer_id, language, fewer, without, pause_until, changed_at) \
         VALUES ('c2', 'fr', 1, '[\"thanks\"]', 40000, 1)",
    )
    .await;
    // The search leads there, and not back to itself.
    let found = browser.get("/ledger?customer=ben@mail.example");
    found.shows(&["Whom do you mean?"]);
    let page = browser.get(&link(&found.body, "/customers/"));
    page.shows(&[
        "Ben Baker",
        "ben@mail.example",
        "de-AT",
        "A complaint is open since Wed 1 Apr 2026",
        "by the record",
        "Consent to marketing",
        "fewer letters",
        "thanks",
        "Wants letters in",
        "Saturday, 8 July 2079",
        "purchase",
        "12.50 EUR",
        "href=\"/rules/birthday\"",
        "Nothing has come due for them yet.",
    ]);
    let file = browser.get("/customers/c2/explained.csv");
    let row = |rule: &str| {
        let mut rows = csv::Reader::from_reader(file.body.as_bytes());
        let mut rows = rows.records().map(Result::unwrap);
        rows.find(|row| &row[0] == rule).unwrap()
    };
    assert_eq!(&row("birthday")[1], "c2");
    // The page says what the file says, and so what the command says.
    let words = row("birthday")[11].to_owned();
    let shown = words.replace('\'', "&#39;").replace('"', "&quot;");
    page.shows(&[&shown]);
    let said = shop.run(&["explain", "c2", "--format", "csv"]).is(0).out;
    assert_eq!(file.body, said);
    // Of somebody for whom something came due, the ledger's rows lead there.
    let list = browser.get("/ledger");
    let page = browser.get(&link(&list.body, "/customers/"));
    page.shows(&[
        "Ann Archer",
        "tag-held",
        "In the ledger",
        "The rule&#39;s first letters",
    ]);
    let entry = link(&page.body, "/ledger/");
    browser
        .get(&entry)
        .shows(&["Ann Archer", "href=\"/customers/c1\""]);
    let nobody = browser.get("/customers/nobody");
    assert_eq!(nobody.status, 404);
    assert!(nobody.body.contains("nobody"), "{}", nobody.body);
}

#[tokio::test]
async fn opinions_are_listed_the_latest_first_and_told_by_rule() {
    let shop = shop(
        "[[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../data/customers.csv\"\n\
         feeds = \"customers\"\n[[source]]\nname = \"events\"\nkind = \"csv\"\n\
         path = \"../data/events.csv\"\nfeeds = \"events\"\n\
         types = { \"attr.rating\" = \"number\" }\n",
    );
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    let mut events = "id,customer_id,kind,at,attr.rating,attr.text,attr.rule\n".to_owned();
    let day = |days: i64| today().saturating_sub(jiff::Span::new().days(days));
    for n in 0..120 {
        let (rating, days) = (4 + n % 2, 1 + n / 3);
        let day = day(days);
        writeln!(events, "o{n},c1,feedback,{day},{rating},said {n}.,thanks").unwrap();
    }
    writeln!(events, "o120,c1,feedback,{},1,long ago,thanks", day(400)).unwrap();
    shop.events(&events);
    let browser = Browser::start(&shop).await;
    browser.get("/opinions").shows(&["Opinions"]);
    until("all are read", || {
        let page = browser.get("/opinions").body;
        page.contains("said 0.").then_some(())
    })
    .await;
    shop.tamper(
        "INSERT INTO event (source, id, customer_id, kind, day, at, attrs, row_hash) VALUES \
         ('fondly:here', 'opinion-e9', 'c1', 'feedback', unixepoch() / 86400, unixepoch() * 1000, \
          '{\"rating\":{\"type\":\"number\",\"value\":2.0},\"rule\":{\"type\":\"text\",\
          \"value\":\"thanks\"},\"text\":{\"type\":\"text\",\"value\":\"too many letters\"}}', x'00')",
    )
    .await;
    let page = browser.get("/opinions");
    // 60 fours, 60 fives and the two: 542 of 121, that is 4.5.
    page.shows(&[
        ">121<",
        "4.5 of 5",
        "2 of 5",
        "too many letters",
        "href=\"/ledger/e9\"",
        "href=\"/customers/c1\"",
    ]);
    let (latest, first) = (page.body.find("too many"), page.body.find("said 0."));
    assert!(latest.unwrap() < first.unwrap(), "{}", page.body);
    // The rule's own line, and 122 opinions on three pages.
    let first = leafed(&browser, "/opinions", "Older");
    assert_eq!(first, 3 + 122);
    let file = browser.get("/opinions.csv").body;
    let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(file.as_bytes())
        .records()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 122);
    assert_eq!(&rows[0][2], "2");
    assert_eq!((&rows[0][3], &rows[0][5]), ("too many letters", "e9"));
    assert_eq!(&rows[121][3], "long ago");
}

const MANY_ENTRIES: &str = "\
    INSERT INTO ledger (id, rule, rule_version, customer, occasion, class, audience, priority, due_at, \
      due_day, zone, anchor, outcome, planned_at) \
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20500) \
    SELECT 'e' || n, 'thanks', 'x', 'c' || n, 'k', 'service', 'customer', 50, \
      1700000000000 + n / 7, 19675, 'Europe/London', '2023-11-14', \
      CASE WHEN n % 170 = 0 THEN 'unknown' ELSE 'skipped' END, 1700000000000 FROM n";
const MANY_BAD: &str = "\
    INSERT INTO quarantine (source, path, file, line, column_name, value, reason, record, seen_at) \
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20500) \
    SELECT 'orders', 'p', 'f', n, 'email', 'x' || n, 'no', 'r', 1700000000000 FROM n";
const MANY_DECISIONS: &str = "\
    INSERT INTO audit (at, who, what, subject) \
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20500) \
    SELECT 1700000000000, 'anna', 'approve', 'thanks ' || n FROM n";

#[tokio::test]
async fn no_list_ends_before_its_end() {
    let shop = shop("");
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    let browser = Browser::start(&shop).await;
    for sql in [MANY_ENTRIES, MANY_BAD, MANY_DECISIONS] {
        assert_eq!(shop.tamper(sql).await, 20_500);
    }
    for (file, rows) in [
        ("/ledger.csv", 20_500),
        ("/ledger.csv?outcome=unknown", 120),
        ("/sources.csv", 20_500),
        ("/sources.csv?source=orders", 20_500),
        ("/sources.csv?source=customers", 0),
        ("/people.csv", 20_500),
    ] {
        assert_eq!(filed(&browser, file).await, rows, "{file}");
    }
    let held = browser.get("/held");
    held.shows(&["Nobody knows of 120 letters"]);
    assert_eq!(leafed(&browser, "/held", "Older"), 120);
}
