//! What people say to it by hand: approve, decline, pause, resume, suppress, resolve.

use std::fmt::Write as _;

use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Entry, Ran, Shop, now};

/// Two letters of a rule and day go unasked, however many customers there are.
const GUARDED: &str = "[sending]\nquiet_hours = \"none\"\ncaps = {}\n\
    [guard]\nmax_per_rule_per_day = 2\nmax_share = \"0%\"\n";

/// A word of thanks as soon as a visit is seen.
const THANKS: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [send]\nzone = \"business\"\n[limits]\nbackfill = \"3 days\"\n";

/// A shop with three customers who were here just now.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", THANKS);
    shop.settings(GUARDED);
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\ncid,cid@mail.example\n");
    visits(&shop, &["ann", "bob", "cid"]);
    shop
}

/// So they were here: all of them at the same moment of the business's today.
fn visits(shop: &Shop, whose: &[&str]) {
    let mut events = String::from("id,customer_id,kind,at\n");
    for customer in whose {
        writeln!(events, "v-{customer},{customer},visit,{}", today()).unwrap();
    }
    shop.events(&events);
}

/// The civil day at the business.
fn today() -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(now()).date()
}

fn outcomes(shop: &Shop) -> Vec<(String, String)> {
    let mut all: Vec<_> = shop.ledger().into_iter().map(told).collect();
    all.sort();
    all
}

fn told(entry: Entry) -> (String, String) {
    let reason = entry.reason.unwrap_or_default();
    (entry.customer, format!("{} {reason}", entry.outcome))
}

fn all_are(shop: &Shop, words: &str) {
    for (customer, is) in outcomes(shop) {
        assert_eq!(is, words, "{customer}");
    }
}

#[test]
fn a_large_batch_waits_and_goes_once_it_is_approved() {
    let shop = shop();
    let day = today();
    let approve = format!("fondly approve thanks --on {day}");
    let lines = [
        "Thanks: 3 held (batch-too-large)",
        "3 letters",
        approve.as_str(),
        "fondly decline thanks",
    ];
    shop.run(&["tick"]).is(3).says(&lines);
    all_are(&shop, "held batch-too-large");
    // It is said as long as it is so.
    shop.run(&["tick"]).is(3).says(&[&approve]);
    shop.run(&["approve", "thanks"])
        .is(0)
        .says(&[&format!("Thanks: 3 letters of {day} may go")]);
    shop.tick().says(&["Thanks: 3 sent"]);
    all_are(&shop, "sent accepted");
    // Three letters, and a word to the owner, once.
    assert_eq!(shop.outbox().len(), 3 + 1);
    // What comes to light later belongs to the approved batch.
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\ncid,cid@mail.example\ndan,dan@mail.example\n");
    visits(&shop, &["ann", "bob", "cid", "dan"]);
    if today() == day {
        shop.tick().says(&["Thanks: 1 sent"]);
    }
    shop.run(&["approve", "thanks"])
        .is(0)
        .says(&["nothing is held"]);
}

#[test]
fn a_declined_batch_ends_and_so_does_what_comes_later() {
    let shop = shop();
    let day = today();
    shop.run(&["tick"]).is(3);
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\ncid,cid@mail.example\ndan,dan@mail.example\n");
    visits(&shop, &["ann", "bob", "cid", "dan"]);
    if today() == day {
        shop.run(&["tick"])
            .is(3)
            .says(&["Thanks: 1 held (batch-too-large)", "4 letters"]);
    }
    shop.run(&["decline", "thanks", "--on", &day.to_string()])
        .is(0)
        .says(&["ended unsent"]);
    shop.tick();
    all_are(&shop, "skipped declined");
    let sent = shop.outbox();
    assert!(sent.len() == 1 && sent.keys().all(|name| name.starts_with("alert_held_")));
}

#[test]
fn a_new_rule_s_first_letters_wait() {
    let shop = shop();
    shop.rule("thanks", &format!("{THANKS}approve = \"first 20\"\n"));
    visits(&shop, &["ann"]);
    shop.run(&["tick"])
        .is(3)
        .says(&["Thanks: 1 held (awaits-approval)", "1 letter of"]);
    shop.run(&["approve", "thanks"]).is(0);
    shop.tick().says(&["Thanks: 1 sent"]);
}

#[test]
fn a_daily_limit_is_kept_over_passes() {
    let shop = shop();
    shop.rule("thanks", &format!("{THANKS}max_per_day = 2\n"));
    visits(&shop, &["ann"]);
    let day = today();
    shop.tick().says(&["Thanks: 1 sent"]);
    visits(&shop, &["ann", "bob"]);
    shop.tick();
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = {}\n");
    visits(&shop, &["ann", "bob", "cid"]);
    shop.tick();
    if today() == day {
        let wanted = ["sent accepted", "sent accepted", "deferred daily-limit"];
        let is: Vec<String> = outcomes(&shop).into_iter().map(|(_, is)| is).collect();
        assert_eq!(is, wanted);
    }
}

#[test]
fn what_isn_t_a_rule_is_named_with_the_nearest_that_is() {
    let shop = shop();
    for args in [
        &["approve", "thank"][..],
        &["decline", "thank"],
        &["pause", "thank"],
        &["resume", "thank"],
        &["log", "--rule", "thank"],
        &["log", "--rule", "thank", "--format", "json"],
    ] {
        let ran = shop.run(args).is(1);
        let ran = ran.says(&["there is no rule `thank`; did you mean `thanks`?"]);
        assert_eq!(ran.out, "");
    }
    let none = shop.run(&["log", "--rule", "thanks"]).is(0);
    assert_eq!(none.says(&["no such entry"]).out, "");
    shop.run(&["approve", "thanks", "--on", "christmas"])
        .is(2)
        .says(&["christmas"]);
}

/// A rule that is gone may still hold letters; they end once somebody speaks, or by themselves.
#[test]
fn a_held_letter_ends_though_its_rule_is_gone() {
    let shop = shop();
    shop.run(&["tick"]).is(3);
    shop.no_rules();
    shop.run(&["tick"]).is(3);
    shop.run(&["approve", "thanks"])
        .is(0)
        .says(&["thanks: 3 letters"]);
    shop.tick();
    all_are(&shop, "skipped rule-removed");
}

/// A batch that lies ahead is named, approved ahead, and then not held.
#[test]
fn days_ahead_that_will_be_held_are_named() {
    let shop = shop();
    let day = today().checked_add(jiff::ToSpan::days(9)).unwrap();
    let born = day.strftime("%m-%d");
    shop.rule(
        "birthday",
        "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"service\"\n\
         audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n",
    );
    let mut customers = String::from("id,email,birthday\n");
    for name in ["ann", "bob", "cid"] {
        writeln!(customers, "{name},{name}@mail.example,1960-{born}").unwrap();
    }
    shop.customers(&customers);
    shop.run(&["sync"]).is(0);
    let ahead = format!("{day}: 3 letters; `fondly approve birthday --on {day}`");
    shop.run(&["approve", "birthday"])
        .is(0)
        .says(&["Birthday: nothing is held", &ahead]);
    let from = format!("{}T00:00[Europe/London]", today());
    let until = day.checked_add(jiff::ToSpan::days(5)).unwrap();
    let until = format!("{until}T00:00[Europe/London]");
    let birthdays = || {
        let mut all = shop.rehearse(&from, &until).entries;
        all.retain(|entry| entry.rule == "birthday");
        assert_eq!(all.len(), 3, "{all:#?}");
        all
    };
    for entry in birthdays() {
        assert_eq!(entry.reason.as_deref(), Some("too-late"));
        let reply = entry.reply.unwrap();
        assert!(reply.contains("waited for approval"), "{reply}");
    }
    let on = day.to_string();
    shop.run(&["approve", "birthday", "--on", &on])
        .is(0)
        .says(&["nothing of it will be"]);
    let told = shop.run(&["approve", "birthday"]).is(0);
    assert!(!told.err.contains(&on), "{}", told.err);
    assert!(birthdays().iter().all(Entry::is_sent));
}

/// `approve RULE` said that nothing was or would be held, and `forecast` named the very command for
/// today's batch, which no pass had seen yet.
#[test]
fn today_s_batch_is_named_before_a_pass_has_seen_it() {
    let shop = shop();
    shop.rule("thanks", &THANKS.replace("0 minutes", "1 day"));
    let day = today();
    shop.run(&["sync"]).is(0);
    shop.rule(
        "birthday",
        "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"service\"\n\
         audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n[send]\n\
         at = \"00:00\"\nzone = \"business\"\n",
    );
    let mut customers = String::from("id,email,birthday\n");
    for name in ["ann", "bob", "cid"] {
        let born = day.strftime("%m-%d");
        writeln!(customers, "{name},{name}@mail.example,1960-{born}").unwrap();
    }
    shop.customers(&customers);
    shop.run(&["sync"]).is(0);
    let on = day.to_string();
    let command = format!("approve birthday --on {on}");
    shop.run(&["forecast", "--rule", "birthday"])
        .is(0)
        .says(&["3 held for you", &command]);
    let said = shop.run(&["approve", "birthday"]).is(0);
    said.says(&[
        "Birthday: nothing is held",
        &format!("{on}: 3 letters; `fondly {command}`"),
    ]);
    shop.run(&["approve", "birthday", "--on", &on]).is(0);
    let said = shop.run(&["approve", "birthday"]).is(0);
    assert!(!said.err.contains(&on), "{}", said.err);
    if today() == day {
        shop.tick().says(&["Birthday: 3 sent"]);
    }
}

#[test]
fn what_is_paused_stays_until_it_is_resumed() {
    let shop = shop();
    visits(&shop, &["ann"]);
    shop.run(&["pause"]).is(0).says(&["Everything is paused"]);
    shop.run(&["pause", "thanks"])
        .is(0)
        .says(&["Thanks is paused"]);
    let quiet = shop.run(&["tick"]).is(0);
    quiet.says(&["Everything is paused since", "thanks is paused since"]);
    assert!(shop.outbox().is_empty());
    shop.run(&["resume", "thanks"])
        .is(0)
        .says(&["Thanks goes on", "Everything is paused since"]);
    assert!(shop.run(&["tick"]).is(0).out.contains("paused"));
    assert!(shop.outbox().is_empty());
    shop.run(&["resume"]).is(0).says(&["too-late"]);
    shop.run(&["resume"]).is(0).says(&["Nothing is paused"]);
    shop.tick().says(&["Thanks: 1 sent"]);
}

/// Paused past its `late`, a letter ends with that reason; so does one that nobody approved.
#[test]
fn what_is_too_late_after_a_pause_or_a_wait_ends_so() {
    let shop = shop();
    shop.no_rules();
    let before = today().checked_sub(jiff::ToSpan::days(2)).unwrap();
    for (id, limits) in [("paused", ""), ("asks", "approve = \"first 20\"\n")] {
        let text = THANKS.replace("[send]", "[send]\nlate = \"3 days\"");
        shop.rule(id, &format!("{text}{limits}"));
    }
    shop.events(&format!("id,customer_id,kind,at\n1,ann,visit,{before}\n"));
    shop.run(&["pause", "paused"]).is(0);
    shop.run(&["tick"]).is(3);
    for id in ["paused", "asks"] {
        let text = THANKS.replace("[send]", "[send]\nlate = \"1 hour\"");
        shop.rule(id, &text);
    }
    shop.run(&["resume"]).is(0);
    shop.run(&["approve", "asks"]).is(0);
    shop.tick();
    all_are(&shop, "skipped too-late");
}

#[test]
fn an_address_is_suppressed_listed_and_freed() {
    let shop = shop();
    visits(&shop, &["ann"]);
    let add = |address: &str| shop.run(&["suppress", "add", address]);
    shop.run(&["suppress", "list"])
        .is(0)
        .says(&["No address is suppressed"]);
    add("ann at home").is(2).says(&["ann at home"]);
    add("Ann@Mail.example")
        .is(0)
        .says(&["gets nothing any more"]);
    add("ann@mail.example").is(0).says(&["already"]);
    let listed =
        |format: &str| -> Ran { shop.run(&["suppress", "list", "--format", format]).is(0) };
    let row: serde_json::Value = serde_json::from_str(&listed("json").out).unwrap();
    assert_eq!(row["address"], "ann@mail.example");
    assert_eq!(row["reason"], "settled-by-hand");
    assert!(row["at"].as_str().unwrap().contains('T'), "{row}");
    assert!(
        listed("csv")
            .out
            .starts_with("address,reason,at\nann@mail.example,")
    );
    assert!(listed("table").out.contains("ADDRESS"));
    shop.tick();
    all_are(&shop, "skipped suppressed");
    let remove = || shop.run(&["suppress", "remove", "ann@mail.example"]).is(0);
    remove().says(&["may be written to again"]);
    remove().says(&["isn't suppressed"]);
}

/// A letter whose answer got lost is settled in each of the three ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_letter_is_settled_by_hand() {
    let lost = Script::new()
        .nth(At::Dot, 1, Act::Close)
        .nth(At::Dot, 2, Act::Close)
        .nth(At::Dot, 3, Act::Close);
    let relay = Relay::start(lost).await;
    let shop = shop();
    let port = relay.config().port;
    shop.settings(&format!(
        "[sending]\nquiet_hours = \"none\"\ncaps = {{}}\n[business]\n\
         unsubscribe_mailto = \"out@thorn.example\"\n[mail]\ntransport = \"smtp\"\n\
         [mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n"
    ));
    shop.run(&["tick"]).is(3).says(&["fondly resolve"]);
    // As long as nobody settles them, every pass says so.
    let again = shop.run(&["tick", "--no-sync"]).is(3);
    again.says(&["Nothing was due", "Of 3 letters nobody knows"]);
    all_are(&shop, "unknown reply-lost");
    let mut ids = shop.ledger();
    ids.sort_by(|a, b| a.customer.cmp(&b.customer));
    let settle = |n: usize, how: &str| shop.run(&["resolve", &ids[n].id, how]);
    settle(0, "--sent").is(0).says(&["counts as sent"]);
    settle(1, "--not-sent").is(0).says(&["isn't sent any more"]);
    settle(2, "--resend").is(0).says(&["the next pass"]);
    settle(0, "--resend").is(1).says(&["is sent, not unknown"]);
    shop.run(&["resolve", &ids[0].id]).is(2).says(&["--sent"]);
    shop.run(&["resolve", &ids[0].id, "--sent", "--resend"])
        .is(2);
    shop.run(&["resolve", "nothing", "--sent"])
        .is(1)
        .says(&["there is no entry `nothing`"]);
    shop.tick().says(&["Thanks: 1 sent"]);
    let wanted = [
        ("ann", "sent settled-by-hand"),
        ("bob", "skipped settled-by-hand"),
        ("cid", "sent accepted"),
    ];
    let wanted = wanted.map(|(who, is)| (who.to_owned(), is.to_owned()));
    assert_eq!(outcomes(&shop), wanted);
}

/// `resolve` of a letter that isn't unknown was refused, and stood among the decisions for ever.
#[tokio::test]
async fn what_is_refused_or_changes_nothing_is_no_decision() {
    let shop = shop();
    let day = today().to_string();
    shop.run(&["tick"]).is(3);
    let id = shop.ledger().remove(0).id;
    let mut wanted: Vec<(String, String)> = Vec::new();
    let mut then = |noted: Option<&str>| {
        wanted.extend(noted.map(|what| (what.to_owned(), format!("thanks {day}"))));
        wanted.clone()
    };
    let settled = ["--sent", "--not-sent", "--resend"];
    for (args, code, noted) in [
        (&["resolve", &id, settled[0]][..], 1, None),
        (&["resolve", "nothing", "--sent"], 1, None),
        (&["approve", "nothing", "--on", &day], 1, None),
        (&["decline", "nothing"], 1, None),
        (&["approve", "thanks"], 0, Some("approve")),
        (&["approve", "thanks", "--on", &day], 0, None),
        (&["approve", "thanks"], 0, None),
        (&["tick", "--no-sync"], 0, None),
        (&["resolve", &id, settled[1]], 1, None),
        (&["resolve", &id, settled[2]], 1, None),
        // Whatever of the day comes to light later is another matter.
        (&["decline", "thanks", "--on", &day], 0, Some("decline")),
        (&["decline", "thanks", "--on", &day], 0, None),
        (&["console-user", "remove", "nobody"], 1, None),
    ] {
        shop.run(args).is(code);
        let noted = then(noted);
        let rows = sqlx::query_as("SELECT what, subject FROM audit ORDER BY seq");
        let rows: Vec<(String, String)> = rows.fetch_all(&mut shop.store().await).await.unwrap();
        assert_eq!(rows, noted, "{args:?}");
    }
}

#[test]
fn the_contract_s_own_settings_load() {
    let shop = shop();
    shop.settings(&format!(
        "{GUARDED}[schedule]\ndigest = \"0 0 7 * * Mon\"\n[console]\nbind = \"127.0.0.1:8425\"\n"
    ));
    shop.run(&["check", "--no-records"]).is(0);
    shop.run(&["check", "--show"]).is(0).says(&[
        "max_share = \"0%\"",
        "bind = \"127.0.0.1:8425\"",
        "digest = \"0 0 7 * * Mon\"",
    ]);
}

/// Places in a day go to those who can use them: not to customers whom another rule's letter, of the
/// same pass, caps. However many couriers there are, and however far they have come.
#[test]
fn places_in_a_day_go_in_the_order_of_the_claims() {
    let shop = Shop::new();
    shop.no_rules();
    shop.settings(
        "[sending]\nquiet_hours = \"none\"\ncaps = { any = \"1 per 2 days\" }\n\
         [guard]\nmax_per_rule_per_day = 1000000\n\
         [[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../data/customers.csv\"\n\
         feeds = \"customers\"\ntypes = { \"attr.wedding\" = \"date\" }\n",
    );
    let rule = |field: &str, more: &str| {
        format!(
            "title = \"A letter\"\ntemplate = \"birthday\"\nclass = \"relationship\"\n\
             audience = \"customer\"\n{more}[trigger.anniversary]\nfield = \"{field}\"\n\
             [send]\nlate = \"30 days\"\n"
        )
    };
    shop.rule("first", &rule("birthday", "priority = 80\n"));
    let limited = rule("attr.wedding", "") + "[limits]\nmax_per_day = 20\n";
    shop.rule("limited", &limited);
    let mut customers = String::from("id,email,birthday,attr.wedding\n");
    for n in 100..300 {
        // Every tenth has no birthday that day.
        let birthday = if n % 10 == 0 { "" } else { "1980-06-10" };
        writeln!(customers, "c{n},c{n}@mail.example,{birthday},2010-06-10").unwrap();
    }
    shop.customers(&customers);
    let month = || {
        shop.rehearse(
            "2027-06-01T00:00[Europe/London]",
            "2027-07-10T00:00[Europe/London]",
        )
    };
    let done = month();
    let mut sent: Vec<(String, String)> = Vec::new();
    for entry in done.entries.iter().filter(|entry| entry.rule == "limited") {
        assert!(entry.is_sent(), "{entry:#?}");
        let at = entry.sent_at.as_deref().unwrap();
        let day = at.split('T').next().unwrap().to_owned();
        sent.push((day, entry.customer.clone()));
    }
    sent.sort();
    assert_eq!(sent.len(), 200);
    // On the first day those who got no other letter; two days later the others, by their ids.
    let mut numbers: Vec<u32> = (100..300).filter(|n| n % 10 == 0).collect();
    numbers.extend((100..300).filter(|n| n % 10 != 0));
    let mut wanted = Vec::new();
    for (place, n) in numbers.iter().enumerate() {
        let day = match place / 20 {
            0 => 10,
            later => 11 + later,
        };
        wanted.push((format!("2027-06-{day}"), format!("c{n}")));
    }
    assert_eq!(sent, wanted);
    assert!(month() == done);
}

/// Whoever comes back needn't be missed: their letter isn't one to decide about any more, nor does it wait
/// for the end of its cap.
#[test]
fn a_contact_withdraws_a_missing_you_that_waits_for_a_person_or_for_later() {
    let shop = Shop::new();
    shop.no_rules();
    let missed = |id: &str, more: &str| {
        let rule = format!(
            "title = \"We miss you\"\ntemplate = \"we-miss-you\"\nclass = \"relationship\"\n\
             audience = \"customer\"\n[only]\nwhere = \"'{id}' in customer.tags\"\n\
             [trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"60 days\"\n\
             [send]\nat = \"00:00\"\nzone = \"business\"\nlate = \"20 days\"\n{more}"
        );
        shop.rule(id, &rule);
    };
    missed("held", "[limits]\napprove = \"first 9\"\n");
    missed("capped", "");
    shop.rule("thanks", THANKS);
    shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = { any = \"1 per 14 days\" }\n");
    shop.customers(
        "id,email,tags\nann,ann@mail.example,held\nbob,bob@mail.example,held\n\
         cid,cid@mail.example,capped\ndan,dan@mail.example,capped\n",
    );
    let then = today().checked_sub(jiff::ToSpan::days(60)).unwrap();
    let mut events = String::from("id,customer_id,kind,at\n");
    for customer in ["ann", "bob", "cid", "dan"] {
        writeln!(events, "{customer},{customer},visit,{then}").unwrap();
    }
    // Letters of another rule use up the cap of two of them.
    let note = THANKS.replace("\"visit\"", "\"note\"");
    shop.rule("note", &format!("priority = 90\n{note}"));
    for customer in ["cid", "dan"] {
        writeln!(events, "n-{customer},{customer},note,{}", today()).unwrap();
    }
    shop.events(&events);
    shop.run(&["tick"]).is(3);
    let of = |shop: &Shop, rule: &str| -> Vec<(String, String)> {
        let entries = shop.ledger_so_far().into_iter();
        let mut all: Vec<_> = entries.filter(|one| one.rule == rule).map(told).collect();
        // Those of the other rule.
        all.retain(|(_, is)| is != "skipped condition-false");
        all.sort();
        all
    };
    let line = |customer: &str, words: &str| (customer.to_owned(), words.to_owned());
    let held = "held awaits-approval";
    assert_eq!(of(&shop, "held"), [line("ann", held), line("bob", held)]);
    let capped = "deferred capped";
    assert_eq!(
        of(&shop, "capped"),
        [line("cid", capped), line("dan", capped)]
    );
    for customer in ["ann", "cid"] {
        writeln!(events, "b-{customer},{customer},visit,{}", today()).unwrap();
    }
    shop.events(&events);
    shop.run(&["tick"]).is(3).says(&["1 letter of"]);
    let back = "skipped contacted-since";
    assert_eq!(of(&shop, "held"), [line("ann", back), line("bob", held)]);
    assert_eq!(
        of(&shop, "capped"),
        [line("cid", back), line("dan", capped)]
    );
}
