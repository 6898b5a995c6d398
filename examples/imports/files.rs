//! The files of a shop, as they change from import to import. May not know the program.

use std::fmt::Write as _;

use super::luck::Luck;

/// Events for each customer, in a hundred.
const EVENTS_IN_A_HUNDRED: u64 = 60;
/// One in so many records is changed from one import to the next, …
const CHANGED: u64 = 7;
/// … and one in so many can't be used.
const DIRTY: u64 = 90;

/// The files.
#[derive(Debug)]
pub(crate) struct Files {
    customers: Vec<Customer>,
    events: Vec<u64>,
}

#[derive(Debug, Clone)]
struct Customer {
    name: u64,
    born: u64,
    dirty: bool,
}

impl Files {
    /// So many customers.
    pub(crate) fn new(customers: u32, luck: &mut Luck) -> Self {
        let customers: Vec<Customer> = (0..customers).map(|_| Customer::drawn(luck)).collect();
        let events = (0..customers.len() as u64 * EVENTS_IN_A_HUNDRED / 100)
            .map(|_| luck.below(1000))
            .collect();
        Self { customers, events }
    }

    /// Some change, some come.
    pub(crate) fn go_on(&mut self, luck: &mut Luck) {
        for one in &mut self.customers {
            if luck.once_in(CHANGED) {
                *one = Customer::drawn(luck);
            }
        }
        for one in &mut self.events {
            if luck.once_in(CHANGED) {
                *one = luck.below(1000);
            }
        }
        for _ in 0..luck.below(20) {
            self.customers.push(Customer::drawn(luck));
            self.events.push(luck.below(1000));
        }
    }

    pub(crate) fn customers(&self) -> String {
        let mut text = "id,email,first_name,birthday,joined_on\n".to_owned();
        for (n, one) in self.customers.iter().enumerate() {
            let (year, month) = (1940 + one.born % 60, 1 + one.born % 12);
            let day = if one.dirty { 31 } else { 1 + one.born % 28 };
            let month = if one.dirty { 2 } else { month };
            _ = writeln!(
                text,
                "c{n},ann{n}@mail.example,Ann {},{year}-{month:02}-{day:02},2020-01-{day:02}",
                one.name
            );
        }
        text
    }

    pub(crate) fn events(&self) -> String {
        let mut text = "id,customer_id,kind,at,amount,currency\n".to_owned();
        for (n, amount) in self.events.iter().enumerate() {
            let day = 1 + amount % 28;
            _ = writeln!(text, "e{n},c{n},purchase,2026-03-{day:02},{amount}.50,EUR");
        }
        text
    }
}

impl Customer {
    fn drawn(luck: &mut Luck) -> Self {
        Self {
            name: luck.below(1_000_000),
            born: luck.below(100_000),
            dirty: luck.once_in(DIRTY),
        }
    }
}
