//! `[only].where`: an expression over the same names that letters see.
//!
//! May not touch anything but the facts it is given.

use std::sync::Arc;

use minijinja::{Environment, UndefinedBehavior, Value};

/// Steps after which an expression is stopped, so that none can run for ever.
const FUEL: u64 = 100_000;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Condition {
    text: Arc<str>,
    engine: Arc<Environment<'static>>,
}

impl Condition {
    /// Compiles the expression.
    ///
    /// # Errors
    /// What minijinja has to say of it.
    pub fn parse(text: &str) -> Result<Self, minijinja::Error> {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        engine.set_fuel(Some(FUEL));
        engine.compile_expression(text)?;
        Ok(Self {
            text: text.into(),
            engine: Arc::new(engine),
        })
    }

    /// The names it asks for: `customer.tags`, in order.
    pub fn names(&self) -> Vec<String> {
        let names = self
            .engine
            .compile_expression(&self.text)
            .map(|expression| expression.undeclared_variables(true));
        let mut names: Vec<String> = names.unwrap_or_default().into_iter().collect();
        names.sort_unstable();
        names
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for these facts.
    ///
    /// # Errors
    /// An undefined name, a wrong comparison, or out of fuel.
    pub fn holds(&self, facts: &Value) -> Result<bool, minijinja::Error> {
        Ok(self
            .engine
            .compile_expression(&self.text)?
            .eval(facts.clone())?
            .is_true())
    }
}
