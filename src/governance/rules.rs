//! Routing rules: conditions in CEL, tried from the narrowest scope to the widest and by priority; the first that
//! holds decides.
//!
//! What a rule does is the host's: here it has a number. Compiling checks everything that can be checked (names,
//! types, that a condition is one), so that a rule does not fail when it is needed. Evaluating one allocates and
//! takes about a microsecond, so whoever has no rules in scope asks none.

use std::fmt;
use std::sync::Arc;

use cel::common::types::CelString;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, Program, Value};

/// For whom a rule holds, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleScope {
    /// One virtual key.
    Key(u32),
    /// One team.
    Team(u32),
    /// One customer.
    Customer(u32),
    /// Everybody.
    Global,
}

/// A rule as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The condition, in CEL over [`Facts`].
    pub when: String,
    /// For whom.
    pub scope: RuleScope,
    /// Lower comes first within a scope.
    pub priority: i64,
}

/// What a rule knows of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts<'a> {
    /// Percent used of the fullest budget in the request's way ([`Ledger::percent`](super::Ledger::percent)).
    pub budget_used: f64,
    /// Percent used of the fullest token limit.
    pub tokens_used: f64,
    /// Percent used of the fullest request limit.
    pub request: f64,
    /// The model asked for, or what a rule before this one made of it.
    pub model: &'a str,
    /// The provider that a rule before this one chose, or the caller; empty if nobody did.
    pub provider: &'a str,
    /// Name of the virtual key.
    pub virtual_key_name: &'a str,
    /// Name of its team, empty without one.
    pub team_name: &'a str,
    /// Name of its customer, empty without one.
    pub customer_name: &'a str,
    /// Prompt tokens.
    pub prompt_tokens: u32,
    /// The caller's cap on output tokens.
    pub max_tokens: u32,
    /// Whether the answer is streamed.
    pub stream: bool,
}

/// The names that conditions may use: those of the published gateway (docs.getbifrost.ai, Routing Rules, 2026), and
/// the last three of our own.
const NAMES: [&str; 11] = [
    "budget_used",
    "tokens_used",
    "request",
    "model",
    "provider",
    "virtual_key_name",
    "team_name",
    "customer_name",
    "prompt_tokens",
    "max_tokens",
    "stream",
];

impl VariableResolver for Facts<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let text = |text: &'b str| Some(CowVal::owned(CelString::from(text)));
        let value = match name {
            "model" => return text(self.model),
            "provider" => return text(self.provider),
            "virtual_key_name" => return text(self.virtual_key_name),
            "team_name" => return text(self.team_name),
            "customer_name" => return text(self.customer_name),
            "budget_used" => Value::Float(self.budget_used),
            "tokens_used" => Value::Float(self.tokens_used),
            "request" => Value::Float(self.request),
            "prompt_tokens" => Value::Int(i64::from(self.prompt_tokens)),
            "max_tokens" => Value::Int(i64::from(self.max_tokens)),
            "stream" => Value::Bool(self.stream),
            _ => return None,
        };
        value.try_into().ok().map(CowVal::Owned)
    }
}

/// A rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Which, counted from 0.
    pub rule: usize,
    /// What is wrong.
    pub what: String,
    /// Where in the condition, as a character from 0; `None` where it is no single place.
    pub column: Option<usize>,
    /// A name that is not known, for a host that wants to suggest one of [`Rules::names`].
    pub unknown: Option<String>,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for RuleError {}

/// Rules, compiled and in order.
pub struct Rules {
    env: Arc<Env>,
    /// Scope, number in the list as given, condition.
    sorted: Vec<(RuleScope, usize, Program)>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("rules", &self.sorted.len()).finish()
    }
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`RuleError`] for the first that cannot be used.
    pub fn new(rules: &[Rule]) -> Result<Self, RuleError> {
        let env = Arc::new(Env::stdlib());
        let mut sorted = Vec::with_capacity(rules.len());
        for (at, rule) in rules.iter().enumerate() {
            let program = compile(&env, at, &rule.when)?;
            sorted.push((rule.scope, rule.priority, at, program));
        }
        sorted.sort_by_key(|(scope, priority, at, _)| {
            let width = match scope {
                RuleScope::Key(_) => 0,
                RuleScope::Team(_) => 1,
                RuleScope::Customer(_) => 2,
                RuleScope::Global => 3,
            };
            (width, *priority, *at)
        });
        let sorted = sorted.into_iter().map(|(scope, _, at, program)| (scope, at, program));
        Ok(Self { env, sorted: sorted.collect() })
    }

    /// The names that conditions may use.
    pub const fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// The number of the first rule that holds for a request of somebody in these scopes.
    pub fn first(&self, scopes: &[RuleScope], facts: &Facts<'_>) -> Option<usize> {
        let mut concerned =
            self.sorted.iter().filter(|(scope, ..)| scopes.contains(scope)).peekable();
        concerned.peek()?;
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(facts);
        let holds = |program: &Program| matches!(program.execute(&context), Ok(Value::Bool(true)));
        concerned.find(|(_, _, program)| holds(program)).map(|(_, at, _)| *at)
    }

    /// Whether any rule concerns somebody in these scopes.
    pub fn concern(&self, scopes: &[RuleScope]) -> bool {
        self.sorted.iter().any(|(scope, ..)| scopes.contains(scope))
    }
}

fn compile(env: &Arc<Env>, rule: usize, when: &str) -> Result<Program, RuleError> {
    let wrong = |what: String, column, unknown| RuleError { rule, what, column, unknown };
    let program = env.compile(when).map_err(|errors| {
        let first = errors.errors.first();
        let what = first.map_or("it is not CEL".to_owned(), |error| error.msg.clone());
        wrong(what, first.and_then(|error| character(when, error.pos)), None)
    })?;
    let references = program.references();
    let mut names = references.variables();
    names.sort_unstable();
    if let Some(unknown) = names.into_iter().find(|name| !NAMES.contains(name)) {
        let column = place(when, unknown);
        let what = format!("a rule knows nothing called `{unknown}`");
        return Err(wrong(what, column, Some(unknown.to_owned())));
    }
    let facts = Facts::default();
    let mut context = Context::with_env(Arc::clone(env));
    context.set_variable_resolver(&facts);
    match program.execute(&context) {
        Ok(Value::Bool(_)) => {}
        Ok(other) => {
            let what = format!("the condition is of type {}, not true or false", other.type_of());
            return Err(wrong(what, None, None));
        }
        Err(error) => return Err(wrong(error.to_string(), None, None)),
    }
    drop(context);
    Ok(program)
}

/// The character, from 0, at a line and a column of a text, both from 1.
fn character(text: &str, (line, column): (isize, isize)) -> Option<usize> {
    let (line, column) = (usize::try_from(line - 1).ok()?, usize::try_from(column - 1).ok()?);
    let before = text.split_inclusive('\n').take(line).map(|line| line.chars().count());
    Some(before.sum::<usize>() + column)
}

/// Where a name stands in a condition, as a character from 0: as a whole word, and outside of strings.
fn place(when: &str, name: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut quote = None;
    let mut last = ' ';
    for (character, (byte, c)) in when.char_indices().enumerate() {
        match quote {
            Some(open) if c == open && last != '\\' => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None => {
                let rest = &when[byte..];
                let ends = rest.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_word));
                if ends && !is_word(last) {
                    return Some(character);
                }
            }
        }
        last = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(when: &str, scope: RuleScope, priority: i64) -> Rule {
        Rule { when: when.to_owned(), scope, priority }
    }

    #[test]
    fn the_narrowest_scope_and_the_lowest_priority_come_first() {
        let rules = Rules::new(&[
            rule("true", RuleScope::Global, 0),
            rule("budget_used > 80", RuleScope::Team(1), 9),
            rule("budget_used > 90 && model == 'chat'", RuleScope::Team(1), 5),
            rule("prompt_tokens > 4000", RuleScope::Key(3), 99),
        ])
        .unwrap();
        let scopes = [RuleScope::Key(3), RuleScope::Team(1), RuleScope::Global];
        let first = |facts: Facts<'_>| rules.first(&scopes, &facts);
        let facts = Facts { budget_used: 95.0, model: "chat", ..Facts::default() };
        assert_eq!(first(Facts { prompt_tokens: 5_000, ..facts }), Some(3));
        assert_eq!(first(facts), Some(2));
        assert_eq!(first(Facts { model: "small", ..facts }), Some(1));
        assert_eq!(first(Facts::default()), Some(0));
        assert_eq!(rules.first(&[RuleScope::Team(2)], &facts), None);
    }

    #[test]
    fn rules_that_cannot_work_are_refused_when_they_are_compiled() {
        let refused = |when: &str| Rules::new(&[rule(when, RuleScope::Global, 0)]).unwrap_err();
        let unknown = refused("true || budget_usd > 80");
        assert_eq!((unknown.unknown.as_deref(), unknown.column), (Some("budget_usd"), Some(8)));
        assert!(refused("budget_used").what.contains("not true or false"));
        let quoted = refused("model == 'budget_usd' || a_budget_usd || budget_usd");
        assert_eq!((quoted.unknown.as_deref(), quoted.column), (Some("a_budget_usd"), Some(25)));
        let second = refused("true &&\n  budgets > 5");
        assert_eq!(second.column, Some(10), "lines count");
        assert!(refused("true &&\n  > 5").column.is_some_and(|column| column >= 8));
        assert!(refused("model > 3").what.len() > 5);
        assert!(refused("budget_used >").column.is_some());
    }
}
