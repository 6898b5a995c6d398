//! The words of the business: customers, events, occasions, outcomes.
//!
//! Plain data with no behaviour beyond its own invariants. May not do I/O, read a clock, or know
//! of any other room.

pub mod address;
pub mod amount;
pub mod customer;
pub mod dates;
pub mod doubt;
pub mod event;
pub mod facts;
pub mod finding;
pub mod ids;
pub mod matter;
pub mod occasion;
pub mod outcome;
pub mod period;
pub mod policy;
pub mod presence;
pub mod refusal;
pub mod signs;
pub mod standing;
pub mod table_reader;
pub mod tables;
pub mod told;
pub mod view;
pub mod wishes;

pub use amount::Amount;
pub use customer::{AttrValue, Consent, Customer};
pub use dates::{PartialDate, When};
pub use doubt::Doubt;
pub use event::Event;
pub use finding::Finding;
pub use matter::{Matter, Wait};
pub use occasion::Occasion;
pub use outcome::{Outcome, Reason};
pub use period::Period;
pub use policy::Policy;
pub use refusal::Refusal;
pub use standing::{Standing, State};
pub use told::Told;
pub use view::View;
pub use wishes::{ToldBirthday, Topic, Wishes};
