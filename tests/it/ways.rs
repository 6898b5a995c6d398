//! Who gets which answer on every way in: tables made of the lists that the routers are made of, so that
//! a new way can't be forgotten.

mod api;
mod console;
mod public;

/// A page somewhere else leads here.
const ELSEWHERE: &str = "Sec-Fetch-Site: cross-site\r\nOrigin: https://elsewhere.example\r\n";

/// A table that grows by a row a way.
struct Table(String);

impl Table {
    fn new(headings: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.row(headings);
        table.row(&vec!["---"; headings.len()]);
        table
    }

    fn row(&mut self, cells: &[impl AsRef<str>]) {
        for cell in cells {
            self.0.push_str("| ");
            self.0.push_str(cell.as_ref());
            self.0.push(' ');
        }
        self.0.push_str("|\n");
    }

    /// The table as it is accepted.
    fn is(&self, name: &str) {
        insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, &self.0);
        });
    }
}
