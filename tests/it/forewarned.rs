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
