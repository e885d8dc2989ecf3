//! What may be copied out of a configuration: names that look like names.

/// A name as a scenario can have it, or `None` where it may be a secret or is none.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 80 || looks_secret(text) {
        return None;
    }
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }
    };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_matches('-').to_owned();
    (!name.is_empty()).then_some(name)
}

/// Whether a text may be a credential, or names one: keys of vendors, references to the environment
/// or a vault, tokens, and long runs of letters and digits mixed as nobody names a model.
pub(super) fn looks_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let begins =
        ["sk-", "pk-", "rk-", "key-", "ghp_", "xox", "akia", "asia", "aiza", "gsk_", "hf_", "eyj"];
    let holds = [
        "secret", "password", "passwd", "token", "bearer", "api_key", "apikey", "api-key", "env.",
        "environ", "env:", "${", "{{", "{vault", "vault://", "://", "@", "-----",
    ];
    begins.iter().any(|start| lower.starts_with(start))
        || holds.iter().any(|part| lower.contains(part))
        || longest_run(text) >= 20
}

/// The longest run of letters and digits that has both, with no sign between.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mixed = |run: &&str| {
        run.chars().any(|c| c.is_ascii_digit()) && run.chars().any(|c| c.is_ascii_alphabetic())
            || run.len() >= 32
    };
    runs.filter(mixed).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_pass_and_credentials_do_not() {
        for fine in [
            "gpt-4o",
            "claude-3-5-sonnet-20240620",
            "azure/gpt-4o-mini",
            "anthropic.claude-3-sonnet-20240229-v1:0",
            "eastus2",
            "openai-key-1",
            "us-east-1",
        ] {
            assert!(name(fine).is_some(), "{fine}");
        }
        for secret in [
            "sk-abc",
            "os.environ/OPENAI_API_KEY",
            "env.OPENAI_KEY",
            "Bearer abc",
            "https://user:pass@host",
            "{vault://env/key}",
            "AKIAIOSFODNN7EXAMPLE",
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyzabcdef",
            "${{ env \"X\" }}",
            "",
        ] {
            assert_eq!(name(secret), None, "{secret}");
        }
    }
}
