//! What a pass costs when nothing is due, with few customers and with very many: it must not look
//! at everybody to find nobody.

use std::io::Write as _;

use jiff::ToSpan as _;

use super::business::{Business, today};
use super::measure::{children_cpu, median};
use super::{FILES, PROGRAM};

/// The larger business's processor time, in that of the smaller one's.
const GOAL: f64 = 2.0;
/// Passes measured together: the system counts in hundredths of a second.
const TOGETHER: u32 = 10;

pub(crate) fn measure((few, many): (u32, u32), passes: u32) -> anyhow::Result<()> {
    println!("idle: processor time of a pass with nothing due, {passes} passes each");
    let small = idle_business(few)?;
    let large = idle_business(many)?;
    let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
    for _ in 0..passes.div_ceil(TOGETHER).max(1) {
        of_small.push(milliseconds_a_pass(&small)?);
        of_large.push(milliseconds_a_pass(&large)?);
    }
    let (small, large) = (median(of_small), median(of_large));
    println!("{few:>12} customers {small:>8.1} ms");
    println!("{many:>12} customers {large:>8.1} ms");
    println!("ratio {:.2} (goal at most {GOAL})\n", large / small);
    Ok(())
}

/// A business that has had its first pass.
fn idle_business(customers: u32) -> anyhow::Result<Business> {
    let business = Business::found(PROGRAM.as_ref(), FILES)?;
    nothing_due(&business, customers)?;
    business.run(&["tick"])?;
    // The log of a large load is put away by the next one.
    business.run(&["tick", "--no-sync"])?;
    Ok(business)
}

fn milliseconds_a_pass(business: &Business) -> anyhow::Result<f64> {
    let before = children_cpu()?;
    for _ in 0..TOGETHER {
        business.run(&["tick", "--no-sync"])?;
    }
    Ok((children_cpu()? - before) * 1000.0 / f64::from(TOGETHER))
}

/// Customers of whom none has anything due for weeks: their birthdays are far, and they were here
/// lately.
fn nothing_due(business: &Business, count: u32) -> anyhow::Result<()> {
    let mut customers = business.file("customers.csv")?;
    let mut events = business.file("events.csv")?;
    writeln!(customers, "id,email,first_name,last_name,language,birthday")?;
    writeln!(events, "id,customer_id,kind,at")?;
    for n in 0..count {
        let days = i64::from(n % 300 + 30);
        let born = today().checked_sub(40.years())?.checked_add(days.days())?;
        let here = today().checked_sub(i64::from(n % 60 + 1).days())?;
        writeln!(
            customers,
            "c{n},ann{n}@customer.example,Ann {n},Smith,en,{born}"
        )?;
        writeln!(events, "e{n},c{n},visit,{here}")?;
    }
    customers.flush()?;
    events.flush()?;
    Ok(())
}
