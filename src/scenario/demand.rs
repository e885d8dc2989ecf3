//! What is asked, in requests and in tokens as each provider's rules would charge them.
//!
//! The rate is the scenario's rps without the curve of `workload.rate`: a limit of `"110%"` means
//! 110 % of the flat rate, and a ramp to 150 % then runs into it.

use crate::sim::prefix::Conversation;
use crate::sim::spec::{Arrivals, Class, LimitRules, Tokens};

/// What one class asks of one model.
#[derive(Clone, Copy, Debug)]
struct Flow {
    model: u16,
    requests_per_s: f64,
    prompt_mean: f64,
    /// Mean of max(prompt, max_tokens).
    larger_mean: f64,
    /// Mean of min(output, max_tokens).
    output_mean: f64,
    max_tokens: f64,
}

/// What all classes ask.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    flows: Vec<Flow>,
    /// Whether every class has a rate that does not depend on the answers.
    pub(crate) is_open: bool,
}

impl Demand {
    /// Adds up classes; `rps` are their flat rates.
    pub(crate) fn of(classes: &[Class], rps: &[f64]) -> Self {
        let flows = classes.iter().zip(rps).flat_map(|(class, rps)| flows(class, *rps)).collect();
        let is_open =
            !classes.iter().any(|class| matches!(class.arrivals, Arrivals::Closed { .. }));
        Self { flows, is_open }
    }

    /// Requests per second for a model.
    pub(crate) fn requests_per_s(&self, model: u16) -> f64 {
        self.of_model(model).map(|flow| flow.requests_per_s).sum()
    }

    /// Tokens per second for a model, as `tpm` counts them under these rules.
    pub(crate) fn tokens_per_s(&self, model: u16, rules: &LimitRules) -> f64 {
        self.of_model(model).map(|flow| flow.requests_per_s * flow.charge(rules)).sum()
    }

    /// Output tokens per second for a model, as an output limit counts them under these rules.
    pub(crate) fn output_per_s(&self, model: u16, rules: &LimitRules) -> f64 {
        self.of_model(model).map(|flow| flow.requests_per_s * flow.output_charge(rules)).sum()
    }

    fn of_model(&self, model: u16) -> impl Iterator<Item = &Flow> {
        self.flows.iter().filter(move |flow| flow.model == model)
    }
}

impl Flow {
    /// Mean charge of one request to `tpm`.
    fn charge(&self, rules: &LimitRules) -> f64 {
        match rules {
            LimitRules::OpenAi => self.larger_mean,
            LimitRules::Azure { .. } => self.prompt_mean + self.max_tokens,
            LimitRules::Anthropic { .. } => self.prompt_mean,
            // The reservation is larger, but it is given back within seconds of a minute's window.
            LimitRules::Bedrock { burndown } => self.prompt_mean + burndown * self.output_mean,
            LimitRules::Vertex { .. } => self.prompt_mean + self.output_mean,
        }
    }

    /// Mean charge of one request to the output limit; 0 where the rules have none.
    fn output_charge(&self, rules: &LimitRules) -> f64 {
        match rules {
            LimitRules::Anthropic { reserve: true, .. } => self.max_tokens,
            LimitRules::Anthropic { reserve: false, .. } => self.output_mean,
            LimitRules::OpenAi
            | LimitRules::Azure { .. }
            | LimitRules::Bedrock { .. }
            | LimitRules::Vertex { .. } => 0.0,
        }
    }
}

fn flows(class: &Class, rps: f64) -> Vec<Flow> {
    let cap = f64::from(class.max_tokens);
    let (prompt_mean, larger_mean, output_mean) = match &class.arrivals {
        // Only means are known of a trace, so these are bounds.
        Arrivals::Trace(replay) => {
            let (prompt, output) = (replay.facts.prompt_mean, replay.facts.output_mean);
            (prompt, prompt.max(cap), output.min(cap))
        }
        Arrivals::Open { .. } | Arrivals::Closed { .. } => {
            let smaller = mean(&class.output) + cap - mean_of_larger(&class.output, cap);
            let message = mean(&class.prompt);
            match class.conversation {
                None => (message, mean_of_larger(&class.prompt, cap), smaller),
                // What was said before; where the window cuts conversations off it is less. Of what is larger only
                // a bound is known.
                Some(Conversation { turns, system, window, .. }) => {
                    let said = f64::from(system) + (turns - 1.0) * (message + smaller);
                    let prompt = (said + message).min(f64::from(window));
                    (prompt, prompt.max(cap), smaller)
                }
            }
        }
    };
    let flow = |&(model, share): &(u16, f64)| Flow {
        model,
        requests_per_s: rps * share,
        prompt_mean,
        larger_mean,
        output_mean,
        max_tokens: cap,
    };
    class.models.iter().map(flow).collect()
}

/// Mean number of tokens.
fn mean(tokens: &Tokens) -> f64 {
    mean_of_larger(tokens, 0.0)
}

/// Mean of max(tokens, floor), in closed form.
fn mean_of_larger(tokens: &Tokens, floor: f64) -> f64 {
    match tokens {
        Tokens::Constant(tokens) => f64::from(*tokens).max(floor),
        Tokens::Lognormal { median, sigma } if *sigma == 0.0 => median.max(floor),
        Tokens::Lognormal { median, sigma } => {
            let above = (libm::log(*median) - libm::log(floor)) / sigma;
            let mean = median * libm::exp(sigma * sigma / 2.0);
            floor * normal(-above) + mean * normal(above + sigma)
        }
        Tokens::Quantiles(points) => {
            points.windows(2).map(|pair| stretch(pair[0], pair[1], floor)).sum()
        }
    }
}

/// The part of the mean that a line (in the logarithm) between two quantiles gives.
fn stretch((p0, t0): (f64, f64), (p1, t1): (f64, f64), floor: f64) -> f64 {
    let wide = p1 - p0;
    if t1 <= floor || t1 == t0 {
        return wide * t1.max(floor);
    }
    let log_width = libm::log(t1 / t0);
    let from = t0.max(floor);
    let below = libm::log(from / t0) / log_width;
    wide * (below * floor + (t1 - from) / log_width)
}

/// Distribution function of the normal distribution.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean by brute force over quantiles, with the inverse found by bisection.
    fn by_quantiles(tokens: &Tokens, floor: f64) -> f64 {
        let cells = 20_000;
        let quantile = |p: f64| match tokens {
            Tokens::Constant(tokens) => f64::from(*tokens),
            Tokens::Lognormal { median, sigma } => {
                let (mut low, mut high) = (-9.0, 9.0);
                for _ in 0..60 {
                    let middle = (low + high) / 2.0;
                    if normal(middle) < p { low = middle } else { high = middle }
                }
                median * libm::exp(sigma * low)
            }
            Tokens::Quantiles(points) => {
                let pair = points.windows(2).find(|pair| pair[1].0 >= p).unwrap();
                let part = (p - pair[0].0) / (pair[1].0 - pair[0].0);
                pair[0].1 * libm::pow(pair[1].1 / pair[0].1, part)
            }
        };
        let at = |cell| quantile((f64::from(cell) + 0.5) / f64::from(cells)).max(floor);
        (0..cells).map(at).sum::<f64>() / f64::from(cells)
    }

    #[test]
    fn closed_forms_agree_with_brute_force_within_a_thousandth() {
        let quantiles = vec![(0.0, 1.0), (0.5, 900.0), (0.9, 2_700.0), (1.0, 7_600.0)];
        for tokens in [
            Tokens::Constant(700),
            Tokens::Lognormal { median: 1_020.0, sigma: 0.77 },
            Tokens::Quantiles(quantiles),
        ] {
            for floor in [0.0, 100.0, 1_024.0, 8_000.0] {
                let (exact, brute) = (mean_of_larger(&tokens, floor), by_quantiles(&tokens, floor));
                assert!((exact / brute - 1.0).abs() < 1e-3, "{tokens:?} {floor}: {exact} {brute}");
            }
        }
    }
}
