//! The room's contract, as tests: each takes a fresh store and knows nothing of the database under
//! it. A second database joins by one more line at the end.

mod console;
mod customers;
mod handed;
mod learnt;
mod ledger;
mod people;
mod phases;
mod privacy;
mod queries;
mod results;
mod sending;
mod sqlite_only;
mod told;
mod weeks;
mod wishes;

use std::collections::BTreeMap;

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::occasion::entry_id;
use crate::model::policy::{Audience, Class};
use crate::model::refusal::Claims;
use crate::model::{
    Amount, AttrValue, Consent, Customer, Event, Occasion, Outcome, PartialDate, Reason, Refusal,
    Told, View, When,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2027-05-02T12:00:00Z")
}

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

fn person(id: &str) -> Customer {
    Customer {
        id: id.to_owned(),
        email: Some(format!("{id}@Shop.example")),
        ..Customer::default()
    }
}

fn visit(id: &str, customer: &str, at: When) -> Event {
    Event {
        id: id.to_owned(),
        customer_id: customer.to_owned(),
        kind: "visit".to_owned(),
        at,
        amount: None,
        currency: None,
        quantity: None,
        attrs: BTreeMap::new(),
    }
}

/// Forgets a customer who has no copies in any folder. `false`: nobody has this id.
async fn forget(store: &Store, customer: &str) -> bool {
    let whom = Whom::Customer(customer.to_owned());
    let forgot = store.forget(&whom, &|_| Vec::new(), noon()).await.unwrap();
    assert!(!matches!(forgot, Forgot::Sending(_)), "{forgot:?}");
    forgot != Forgot::Nobody
}

fn file<'a>(source: &'a str, fingerprint: &'a str) -> FileMeta<'a> {
    FileMeta {
        source,
        path: "file.csv",
        fingerprint,
        now: noon(),
    }
}

/// A record that speaks of everything.
fn everything() -> Told {
    Told::all_but([])
}

type Rows = Vec<Result<FileRow, &'static str>>;

fn people(all: Vec<Customer>) -> Rows {
    all.into_iter()
        .map(|one| Ok(FileRow::Customer(Box::new(one), everything())))
        .collect()
}

fn events(all: Vec<Event>) -> Rows {
    all.into_iter()
        .map(|one| Ok(FileRow::Event(Box::new(one))))
        .collect()
}

async fn load(store: &Store, all: Vec<Customer>) -> Applied {
    store
        .apply_file(file("till", "1"), people(all).into_iter())
        .await
        .unwrap()
}

async fn load_events(store: &Store, all: Vec<Event>) -> Applied {
    store
        .apply_file(file("visits", "1"), events(all).into_iter())
        .await
        .unwrap()
}

async fn view(store: &Store, id: &str) -> View {
    let mut views = store
        .views(&[id.to_owned()], &TimeZone::UTC, "UTC")
        .await
        .unwrap();
    views.pop().unwrap()
}

fn entry(customer: &str, key: &str, due_at: Timestamp) -> NewEntry {
    NewEntry {
        rule: "birthday".to_owned(),
        rule_version: "v1".to_owned(),
        customer: customer.to_owned(),
        occasion: Occasion {
            key: key.to_owned(),
            day: date(2027, 5, 2),
            due_at,
            zone: "Europe/London".to_owned(),
            anchor: date(1987, 5, 2),
            years: Some(40),
            event: None,
        },
        class: Class::Marketing,
        audience: Audience::Customer,
        priority: 50,
    }
}

async fn plan(store: &Store, new: Vec<NewEntry>) -> u64 {
    let batch = PlanBatch {
        new,
        ..PlanBatch::default()
    };
    store.plan_write(&batch, noon()).await.unwrap().new
}

pub(in crate::store) fn commit(id: &str, revision: i64) -> CommitToSend {
    CommitToSend {
        id: id.to_owned(),
        revision,
        recipient: "ann@shop.example".to_owned(),
        subject: "Happy birthday".to_owned(),
        template: "birthday".to_owned(),
        language: "en".to_owned(),
        message_id: format!("<{id}@fondly>"),
        via: "smtp".to_owned(),
        class: Class::Marketing,
        audience: Audience::Customer,
        service: false,
        message: "From: x\r\n\r\n\"Hello\" \u{1F381}\r\n".into(),
        now: noon(),
    }
}

/// The whole ledger.
async fn all_entries(store: &Store) -> Vec<Entry> {
    store.log(&Filter::default()).await.unwrap()
}

fn sent(id: &str) -> Record {
    Record {
        reply: Some("250 2.0.0 Ok".to_owned()),
        sent_at: Some(noon()),
        ..Record::new(id, Outcome::Sent, Some(Reason::Accepted), noon())
    }
}

async fn outcome(store: &Store, id: &str) -> Outcome {
    store.entry(id).await.unwrap().unwrap().entry.outcome
}

/// One customer with one entry that is due and claimed; the entry's id and the view's revision.
async fn claimed(store: &Store) -> (String, i64) {
    load(store, vec![person("ann")]).await;
    plan(store, vec![entry("ann", "2027-05-02", noon())]).await;
    let taken = store.claim(10, noon()).await.unwrap();
    (taken[0].id.clone(), view(store, "ann").await.revision)
}

/// Runs every test of the contract on fresh stores of one kind.
macro_rules! contract {
    ($kind:ident: $($group:ident: $($name:ident),+;)+) => {
        mod $kind {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let (store, _kept) = super::$kind().await;
                    super::$group::$name(&store).await;
                }
            )+)+

            proptest::proptest! {
                #![proptest_config(proptest::prelude::ProptestConfig {
                    cases: 24,
                    ..Default::default()
                })]
                #[test]
                fn one_final_outcome(
                    acts in proptest::collection::vec(super::sending::act(), 1..25)
                ) {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        let (store, _kept) = super::$kind().await;
                        super::sending::one_final_outcome(&store, acts).await;
                    });
                }
            }
        }
    };
}

async fn sqlite() -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fondly.db");
    let store = Store::open(
        &file.to_string_lossy(),
        OpenOptions {
            create: true,
            volatile: false,
            in_step: false,
        },
    )
    .await
    .unwrap();
    (store, dir)
}

contract!(
    sqlite:
    customers: a_large_file_comes_out_as_it_went_in,
        the_last_of_many_rows_with_one_id_counts,
        a_flood_of_new_customers_comes_out_as_it_went_in,
        events_in_a_flood_find_their_customers;
    told:
        what_a_record_does_not_speak_of_stays,
        only_a_plain_word_takes_a_no_back,
        a_source_that_says_the_same_again_overwrites_nobody,
        whoever_left_one_source_is_gone_though_another_wrote_last,
        what_was_left_open_meanwhile_can_be_said_again;
    people: a_file_is_applied_whole_or_not_at_all,
        reading_a_file_again_changes_nothing,
        records_read_back_as_they_were,
        an_event_that_moves_touches_both_customers,
        the_later_of_two_rows_with_one_id_counts,
        quarantine_shows_the_last_reading,
        candidates_are_found,
        who_is_awaited_is_found_on_the_day,
        a_source_is_unread_until_all_of_it_was_read,
        dates_and_addresses_are_found,
        the_forgotten_stay_forgotten,
        what_was_let_go_wakes_nobody_when_it_is_read_again;
    queries: the_mark_moves_with_the_rows_or_not_at_all,
        what_was_refused_stays_refused_until_it_comes_again,
        nothing_is_written_where_nothing_changed,
        a_database_of_many_brings_what_a_file_brings;
    privacy: what_may_have_arrived_ends_unknown,
        nobody_is_forgotten_at_the_dot,
        nothing_is_planned_for_who_was_forgotten_meanwhile,
        a_refused_address_of_the_forgotten_stays_a_mark,
        a_dossier_holds_every_event_once,
        what_was_decided_of_their_letter_names_them_no_more,
        how_far_keeping_has_come_names_nobody_who_was_forgotten,
        nothing_of_the_forgotten_comes_to_whoever_gets_their_number;
    handed: what_is_handed_in_is_what_a_file_brings,
        an_event_handed_in_for_another_touches_both,
        the_forgotten_are_told_of_and_left_out,
        a_refused_record_waits_for_its_id,
        however_much_is_handed_in_at_once_nobody_is_overlooked,
        nothing_comes_in_by_a_revoked_token;
    console: pages_hold_every_entry_once_the_latest_first,
        what_is_rare_is_found_page_by_page,
        held_letters_are_found_among_thousands_of_their_rule_and_day,
        all_that_waits_is_listed_whether_few_or_many_do,
        a_session_lasts_as_long_as_its_user_and_is_kept_by_its_hash,
        what_was_decided_is_read_back_and_never_changes;
    wishes: what_a_customer_said_outlasts_the_records,
        a_choice_in_between_stops_the_commit,
        who_told_a_birthday_is_found_by_it,
        only_their_own_click_is_taken_back,
        what_somebody_else_says_of_an_address_outlasts_a_click,
        whoever_shares_an_address_comes_back_by_themselves,
        an_opinion_comes_in_once_and_a_complaint_is_told_with_it,
        what_a_customer_said_goes_with_them;
    learnt: what_was_learnt_stays,
        who_came_is_counted_where_they_are_on_record;
    ledger: an_occasion_is_unique,
        the_planner_withdraws_only_what_is_still_planned,
        claims_come_in_order_and_once,
        what_is_paused_is_not_claimed,
        held_batches_wait_for_a_person,
        only_what_waits_is_put_back,
        batches_are_counted,
        the_log_filters,
        the_log_read_in_pages_is_the_whole_log;
    results: those_who_came_back_in_time_count,
        a_customer_counts_once_in_the_days_of_the_holdout;
    weeks: a_week_holds_what_ended_in_it,
        who_came_back_came_first_in_that_week,
        what_came_last_of_a_source_is_counted,
        the_last_letters_of_the_owners_are_known,
        a_sign_is_no_trouble_until_it_is_ripe,
        a_trouble_is_told_by_one_and_never_lost;
    sending: a_message_goes_its_way,
        a_deferral_is_claimed_again_in_time,
        a_stale_view_stops_the_commit,
        a_suppression_in_between_stops_the_commit,
        a_pause_or_a_decline_in_between_stops_the_commit,
        an_unsubscription_holds_for_the_customer_and_the_address,
        a_refused_address_is_suppressed_with_the_record,
        two_entries_of_one_customer_cannot_pass_on_one_view,
        what_was_being_sent_is_found_after_a_crash,
        five_hundred_at_once_are_all_durable,
        a_closed_store_says_so;
    phases: what_never_came_to_the_dot_is_described,
        attempts_are_counted_once,
        moments_and_words_are_those_of_their_phase,
        the_address_of_who_was_forgotten_stops_the_commit,
        only_what_goes_to_the_customer_changes_their_view,
        nothing_is_sent_or_unknown_that_never_came_to_the_dot,
        what_was_held_goes_unless_this_very_batch_is_declined,
        what_was_declined_in_hand_never_goes,
        a_withdrawn_entry_in_hand_is_not_taken_for_another,
        a_suppressed_address_stops_no_service_letter,
        nothing_is_looked_at_again_that_is_over,
        what_was_settled_meanwhile_stays_settled,
        no_more_is_claimed_than_was_asked_for,
        who_has_waited_longest_is_claimed_first;
);
