//! What `fondly check` knows beforehand: what `fondly run` would refuse, and rules that would be
//! silent for ever.

use crate::shop::{Ran, Shop};

/// A note of thanks for everybody who was here.
const THANKS: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"1 day\"\n";

fn shop() -> Shop {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", THANKS);
    shop
}

/// Both refuse, with the same words somewhere in what they say.
#[track_caller]
fn both_refuse(shop: &Shop, words: &[&str]) {
    let says = |ran: Ran| ran.is(1).says(words);
    says(shop.run(&["check"]));
    says(shop.run(&["run"]));
}

/// `check` was content, and then the daemon didn't start.
#[test]
fn a_console_that_nobody_could_sign_in_to_is_found_before_the_start() {
    let shop = shop();
    for settings in [
        "[console]\nbind = \"127.0.0.1:0\"\nlogin = true\n",
        "[console]\nbind = \"127.0.0.1:0\"\nbase_url = \"https://console.thorn.example\"\n",
    ] {
        shop.settings(settings);
        both_refuse(&shop, &["nobody can yet", "fondly console-user add NAME"]);
    }
    shop.write("password", "four roses in a row");
    let add = [
        "console-user",
        "add",
        "anna",
        "--role",
        "owner",
        "--password-file",
        "password",
    ];
    shop.run(&add).is(0);
    shop.run(&["check"]).is(0);
}

#[test]
fn two_doors_at_one_address_are_found_before_the_start() {
    let shop = shop();
    let both = |public: &str, console: &str| {
        shop.settings(&format!(
            "[public]\nbind = \"{public}\"\nbase_url = \"https://care.thorn.example\"\n\
             [console]\nbind = \"{console}\"\n"
        ));
    };
    for public in ["127.0.0.1:8425", "0.0.0.0:8425"] {
        both(public, "127.0.0.1:8425");
        both_refuse(&shop, &["[public] has this address", "a port of its own"]);
    }
    for public in ["127.0.0.1:8426", "127.0.0.2:8425", "127.0.0.1:0"] {
        both(public, "127.0.0.1:8425");
        shop.run(&["check"]).is(0);
    }
}

#[test]
fn an_address_of_another_machine_is_found_before_the_start() {
    let shop = shop();
    // An address for examples, which no machine has.
    shop.settings(
        "[public]\nbind = \"192.0.2.7:8426\"\nbase_url = \"https://care.thorn.example\"\n",
    );
    both_refuse(&shop, &["[public]", "192.0.2.7:8426"]);
}

#[test]
fn mail_without_a_way_out_is_found_without_the_records_too() {
    let shop = shop();
    shop.rule("thanks", &THANKS.replace("service", "marketing"));
    shop.settings("[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"relay.example\"\n");
    shop.run(&["check", "--no-records"])
        .is(1)
        .says(&["a way to unsubscribe"]);
    both_refuse(&shop, &["a way to unsubscribe"]);
}

/// A rule of this shop with another trigger.
fn rule(shop: &Shop, trigger: &str) {
    let (head, _) = THANKS.split_once("[trigger").unwrap();
    let head = head.replace("thank-you", "note");
    shop.rule("thanks", &format!("{head}{trigger}"));
    let note = "+++\nsubject = \"Hello\"\n+++\nWe think of you.\n";
    shop.write("config/templates/note.en.md", note);
}

/// A slip of the pen in a name of the business's own made a rule silent for ever, and nobody said so.
#[test]
fn a_name_that_no_record_has_is_told_with_the_one_that_was_meant() {
    let shop = shop();
    shop.settings(
        "[[source]]\nname = \"till\"\nkind = \"csv\"\npath = \"../data/customers.csv\"\n\
         feeds = \"customers\"\ncolumns = { \"attr.wedding\" = \"Married on\" }\n\
         types = { \"attr.wedding\" = \"date\", \"attr.renewal\" = \"date\" }\n\
         [[source]]\nname = \"visits\"\nkind = \"csv\"\npath = \"../data/events.csv\"\n\
         feeds = \"events\"\n",
    );
    shop.customers("id,email,Married on,attr.renewal\nann,ann@mail.example,,\n");
    shop.events("id,customer_id,kind,at\n1,ann,fitting,2026-01-05\n");
    let lapsed = "[trigger.lapsed]\nafter = \"60 days\"\ncontact = ";
    let usage = "[trigger.usage]\nmeasure = \"count\"\nwindow = \"30 days\"\n\
                 versus = \"90 days\"\nchange = \"-30%\"\nmin_base = 1\nof = ";
    for (trigger, words) in [
        (
            "[trigger.anniversary]\nfield = \"attr.weding\"\n".to_owned(),
            ["`attr.weding`", "did you mean `attr.wedding`?"],
        ),
        (
            "[trigger.date]\nfield = \"attr.shoe\"\n".to_owned(),
            ["`attr.shoe`", "there are `attr.renewal`, `attr.wedding`"],
        ),
        (
            "[trigger.event]\nevent = \"purchas\"\nafter = \"1 day\"\n".to_owned(),
            ["`purchas`", "did you mean `purchase`?"],
        ),
        (
            format!("{lapsed}[\"visit\", \"vist\"]\n"),
            ["`vist`", "did you mean `visit`?"],
        ),
        (
            format!("{usage}[\"fiting\"]\n"),
            ["`fiting`", "did you mean `fitting`?"],
        ),
    ] {
        rule(&shop, &trigger);
        let told = shop.run(&["check"]).is(0);
        told.says(&["rules/thanks.toml", words[0], words[1]]);
    }
    for trigger in [
        // A column is there, though nobody's is filled in; the second needs no mapping.
        "[trigger.anniversary]\nfield = \"attr.wedding\"\n".to_owned(),
        "[trigger.date]\nfield = \"attr.renewal\"\n".to_owned(),
        "[trigger.event]\nevent = \"fitting\"\nafter = \"1 day\"\n".to_owned(),
        // Kinds with a meaning of their own are no slip, though none has come yet.
        format!("{lapsed}[\"visit\", \"fitting\"]\n"),
    ] {
        rule(&shop, &trigger);
        let told = shop.run(&["check"]).is(0);
        assert!(!told.out.contains("did you mean"), "{}", told.out);
        assert!(!told.out.contains("there are `"), "{}", told.out);
        assert!(!told.out.contains("on record;"), "{}", told.out);
    }
}
