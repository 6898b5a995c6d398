//! The emergency brake: what people type when something is wrong works while something is wrong.

use std::fs;

use crate::shop::{Runs as _, Shop};

/// A note of thanks for everybody who was here.
const THANKS: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"1 day\"\n[limits]\nbackfill = \"9 days\"\n";

/// A shop that has been at work.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", THANKS);
    shop.customers("id,email\nann,ann@mail.example\n");
    shop.tick();
    shop
}

/// Every command that needs only the store, with what it ends with.
const COMMANDS: &[(&[&str], i32)] = &[
    (&["pause"], 0),
    (&["resume"], 0),
    (&["pause", "thanks"], 0),
    (&["resume", "thanks"], 0),
    (&["suppress", "add", "bob@mail.example"], 0),
    (&["suppress", "list"], 0),
    (&["suppress", "remove", "bob@mail.example"], 0),
    (&["approve", "thanks", "--on", "2027-12-24"], 0),
    (&["decline", "thanks", "--on", "2027-12-25"], 0),
    (&["approve", "thanks"], 0),
    (&["log"], 0),
    (&["quarantine"], 0),
    (&["export", "ann"], 0),
    (&["complaint", "list"], 0),
    (&["links", "list"], 0),
    (&["token", "list"], 0),
    (&["console-user", "list"], 0),
];

fn all_work(shop: &Shop, what: &str, told: &str) {
    for (args, code) in COMMANDS {
        let ran = shop.run(args);
        assert_eq!(
            ran.code,
            Some(*code),
            "{what}: {args:?}: {}{}",
            ran.out,
            ran.err
        );
        assert!(ran.err.contains(told), "{what}: {args:?}: {}", ran.err);
        assert!(
            ran.err.contains("fondly check"),
            "{what}: {args:?}: {}",
            ran.err
        );
    }
    let pause = shop.run(&["pause"]).is(0);
    pause.says(&["Everything is paused until `fondly resume`"]);
    // It isn't only said.
    let paused = shop.run(&["resume"]).is(0);
    paused.says(&["Everything goes on"]);
    let copy = format!("copy-{}.db", what.len());
    shop.run(&["backup", &copy]).is(0);
    fs::remove_file(shop.path(&copy)).unwrap();
    shop.run(&["show", "nothing"]).is(1).says(&["nothing"]);
    shop.run(&["resolve", "nothing", "--sent"])
        .is(1)
        .says(&["there is no entry `nothing`"]);
}

/// `fondly pause` refused for a typo in a letter that had nothing to do with it, while the daemon
/// went on sending by what was in force.
#[test]
fn the_brake_works_though_a_rule_a_letter_or_a_word_is_broken() {
    let shop = shop();
    for (file, text, told) in [
        ("config/rules/thanks.toml", "titel = 3\n", "thanks.toml"),
        ("config/rules/other.toml", "[trigger", "other.toml"),
        (
            "config/templates/thank-you.en.md",
            "+++\n",
            "thank-you.en.md",
        ),
        ("config/words/en.toml", "nonsense = 1\n", "en.toml"),
        ("config/holidays/odd.toml", "= 1\n", "odd.toml"),
    ] {
        let before = fs::read(shop.path(file)).ok();
        shop.write(file, text);
        shop.run(&["check"]).is(1);
        all_work(&shop, file, told);
        match before {
            Some(before) => shop.write(file, before),
            None => fs::remove_file(shop.path(file)).unwrap(),
        }
    }
    fs::rename(shop.path("config/rules"), shop.path("elsewhere")).unwrap();
    all_work(&shop, "no rules at all", "rules");
}

/// As root at a terminal there is no `CREDENTIALS_DIRECTORY`: the password that the daemon has
/// can't be had there.
#[test]
fn the_brake_works_though_a_setting_is_broken_or_the_password_can_t_be_had() {
    let shop = shop();
    for (what, settings, told) in [
        (
            "hours",
            "[sending]\nquiet_hours = \"never\"\n",
            "quiet_hours",
        ),
        ("key", "[sending]\nquiet = \"none\"\n", "quiet"),
        ("table", "[sendign]\nquiet_hours = \"none\"\n", "sendign"),
        ("cron", "[schedule]\ntick = \"often\"\n", "schedule.tick"),
        (
            "password",
            "[business]\nunsubscribe_mailto = \"out@thorn.example\"\n[mail]\ntransport = \"smtp\"\n\
             [mail.smtp]\nhost = \"relay.example\"\nusername = \"care\"\n",
            "password",
        ),
    ] {
        shop.settings(settings);
        shop.run(&["check"]).is(1);
        shop.run(&["tick"]).is(1);
        all_work(&shop, what, told);
    }
    // A store that nobody works with is of no use, and would look as if it were.
    shop.settings("[store]\nurl = \"sqlite:../var/new.db\"\n[sending]\nquiet = \"none\"\n");
    shop.run(&["pause"]).is(1).says(&["new.db"]);
    assert!(!shop.path("var/new.db").exists());
}

/// Where it can't be read where the store is, nothing is guessed: a pause in a wrong place would
/// stop nothing. There is a way out, and it works as it is said.
#[test]
fn where_the_settings_are_no_toml_the_way_out_is_named_and_works() {
    let shop = shop();
    for name in ["config/fondly.toml", "config/local.toml"] {
        let whole = fs::read(shop.path(name)).unwrap();
        shop.write(name, "[business\nname = ");
        let refused = shop.run(&["pause"]).is(1);
        refused.says(&["FONDLY__STORE__URL=sqlite:", "fondly pause"]);
        let mut out = shop.fondly(&["pause"]);
        let out = out.env("FONDLY__STORE__URL", "sqlite:../var/fondly.db");
        out.ran()
            .is(0)
            .says(&["Everything is paused", "fondly check"]);
        shop.write(name, whole);
        shop.run(&["resume"]).is(0).says(&["Everything goes on"]);
    }
}

/// What decides by rules doesn't go by half of them.
#[test]
fn what_needs_the_rules_still_refuses_while_one_is_broken() {
    let shop = shop();
    shop.rule("other", "[trigger");
    for args in [
        &["tick"][..],
        &["sync"],
        &["forecast"],
        &["explain", "ann"],
        &["preview", "thanks", "ann"],
    ] {
        shop.run(args).is(1).says(&["other.toml"]);
    }
    let said = shop.run(&["approve", "thanks"]).is(0);
    said.says(&["nothing is held", "can't be told"]);
    // A rule that nobody can read, and that never was at work, is a rule all the same.
    shop.run(&["pause", "other"])
        .is(0)
        .says(&["other is paused"]);
    shop.run(&["pause", "thnaks"]).is(1).says(&["did you mean"]);
}
