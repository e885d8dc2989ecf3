//! Gaps between arrivals: renewal processes of unit rate, started in the middle of their life.
//!
//! A renewal process that starts with a full gap is not yet itself: at a coefficient of variation
//! of 13 it would bring (cv² − 1)/2 = 84 requests too many in the beginning. So the first gap is
//! what is left of one that an observer finds under way: a uniform part of a length-biased gap.

use crate::engine::luck::unit;
use crate::sim::quantile::{Law, Table};
use crate::sim::spec::Gaps;
use crate::sim::stream::Stream;

/// Draws gaps of mean 1.
#[derive(Clone, Debug)]
pub(crate) struct Renewal {
    kind: Kind,
    luck: Stream,
}

#[derive(Clone, Debug)]
enum Kind {
    Even,
    Drawn(Box<Table>),
}

impl Renewal {
    /// The gaps, and the first of them. On-off gaps are those within a burst.
    pub(crate) fn new(gaps: Gaps, mut luck: Stream) -> (Self, f64) {
        let law = match gaps {
            Gaps::Even => {
                let first = unit(luck.next());
                return (Self { kind: Kind::Even, luck }, first);
            }
            Gaps::Poisson | Gaps::OnOff { .. } => Law::Exponential,
            Gaps::Gamma { cv } => Law::gamma_of_cv(cv),
            Gaps::Weibull { cv } => Law::weibull_of_cv(cv),
        };
        let first = rest(&law, luck.next(), luck.next());
        (Self { kind: Kind::Drawn(Box::new(Table::new(law))), luck }, first)
    }

    #[inline]
    pub(crate) fn next(&mut self) -> f64 {
        match &self.kind {
            Kind::Even => 1.0,
            Kind::Drawn(table) => table.at(self.luck.next()),
        }
    }
}

/// What is left of a gap that is under way.
fn rest(law: &Law, length: u64, part: u64) -> f64 {
    let biased = match law {
        Law::Gamma { shape, scale } => Law::Gamma { shape: shape + 1.0, scale: *scale }.at(length),
        // X^k of a Weibull variable is exponential; length-biased it is gamma of shape 1 + 1/k.
        Law::Weibull { shape, scale } => {
            let power = Law::Gamma { shape: 1.0 + 1.0 / shape, scale: 1.0 }.at(length);
            scale * libm::pow(power, 1.0 / shape)
        }
        _ => return law.at(length),
    };
    unit(part) * biased
}
