//! What a configuration says, as the parts of a scenario.

use super::book::Book;
use super::owners::Owners;
use super::safe;
use crate::policy::registry;

/// A scenario under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) providers: Vec<Provider>,
    pub(super) policy: &'static str,
    /// Parameters as they stand in a file.
    pub(super) params: Vec<(String, String)>,
    pub(super) owners: Owners,
    pub(super) fallbacks: Vec<Fallbacks>,
}

/// Models that are asked in place of one whose attempts have all failed.
#[derive(Clone, Debug)]
pub(super) struct Fallbacks {
    pub(super) model: String,
    /// In this order.
    pub(super) then: Vec<String>,
}

/// Who answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) profile: &'static str,
    pub(super) models: Vec<String>,
    /// Names of keys with weight; a single unnamed one otherwise.
    pub(super) keys: Vec<(String, Option<f64>)>,
    pub(super) weight: Option<f64>,
    pub(super) tpm: Option<f64>,
    pub(super) rpm: Option<f64>,
    pub(super) concurrency: Option<f64>,
    pub(super) queue: Option<f64>,
}

impl Draft {
    pub(super) fn set(&mut self, parameter: &str, value: impl Into<String>) {
        self.params.retain(|(known, _)| known != parameter);
        self.params.push((parameter.to_owned(), value.into()));
    }

    /// A parameter that is a length of time.
    pub(super) fn set_seconds(&mut self, parameter: &str, seconds: f64) {
        // Written to the microsecond, the finest that gateways configure.
        let text = format!("{seconds:.6}");
        let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
        self.set(parameter, format!("\"{text}s\""));
    }

    /// Leaves parameters beyond what the policy takes at their defaults, and says so.
    pub(super) fn keep_legal(&mut self, book: &mut Book) {
        let policy = registry::find(self.policy);
        self.params.retain(|(name, value)| {
            let param =
                policy.and_then(|policy| policy.params.iter().find(|param| param.id == name));
            let is_legal = param.is_none_or(|param| param.parse(value.trim_matches('"')).is_ok());
            if let Some(param) = param.filter(|_| !is_legal) {
                let (low, high) = (param.show(param.min), param.show(param.max));
                let why = format!(
                    "{value} is not from {low} to {high}, which the policy takes: at its default"
                );
                book.missing(&format!("policy.{name}"), why);
            }
            is_legal
        });
    }

    /// A name that no provider has yet.
    pub(super) fn free_name(&self, wanted: Option<String>, vendor: &str) -> String {
        let is_free = |name: &str| self.providers.iter().all(|provider| provider.name != name);
        let base = wanted.unwrap_or_else(|| format!("{vendor}-{}", self.providers.len() + 1));
        if is_free(&base) {
            return base;
        }
        (2..).map(|n| format!("{base}-{n}")).find(|name| is_free(name)).unwrap_or(base)
    }

    /// Models in order of appearance.
    pub(super) fn models(&self) -> Vec<&str> {
        let mut models: Vec<&str> = Vec::new();
        for model in self.providers.iter().flat_map(|provider| &provider.models) {
            if !models.contains(&model.as_str()) {
                models.push(model);
            }
        }
        models
    }
}

/// The vendor's word in names, and the profile that is nearest to a model of it.
pub(super) fn vendor(provider: &str, model: &str) -> (&'static str, &'static str) {
    let (provider, model) = (provider.to_ascii_lowercase(), model.to_ascii_lowercase());
    let small = ["mini", "nano", "haiku", "flash", "small"].iter().any(|word| model.contains(word));
    match provider.as_str() {
        "azure" | "azure_ai" | "azure_openai" | "azure-openai" => {
            ("azure", if small { "azure/gpt-4o-mini" } else { "azure/gpt-4o" })
        }
        "openai" | "text-completion-openai" => match model.contains("4.1") && !small {
            true => ("openai", "openai/gpt-4.1"),
            false => ("openai", if small { "openai/gpt-4o-mini" } else { "openai/gpt-4o" }),
        },
        "anthropic" => ("anthropic", if small { "anthropic/haiku" } else { "anthropic/sonnet" }),
        "bedrock" | "bedrock_converse" | "sagemaker" => ("bedrock", "bedrock/sonnet"),
        "vertex" | "vertex_ai" | "gemini" | "google" | "palm" => ("vertex", "vertex/gemini-flash"),
        "mistral" | "codestral" => ("mistral", "mistral/small"),
        _ => ("provider", "plain"),
    }
}

/// The profile that is nearest to a model of a vendor; a vendor that is not known is told by its model.
pub fn profile_of(provider: &str, model: &str) -> &'static str {
    let (_, profile) = vendor(provider, model);
    if profile != "plain" {
        return profile;
    }
    let model = model.to_ascii_lowercase();
    let by_model =
        [("gpt", "openai"), ("claude", "anthropic"), ("gemini", "vertex"), ("mistral", "mistral")];
    let known = by_model.iter().find(|(word, _)| model.contains(word));
    known.map_or(profile, |(_, of)| vendor(of, &model).1)
}

/// The name of a model as clients ask for it.
pub(super) fn model_name(text: Option<&str>, nth: usize) -> String {
    text.and_then(safe::name).unwrap_or_else(|| format!("model-{nth}"))
}
