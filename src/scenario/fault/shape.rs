//! `shape` of a fault: how it comes and goes.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::fault::Shape;

use super::super::at::At;
use super::super::error::Problem;
use super::super::unit::Length;

/// How a fault comes and goes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShapeFile {
    /// Which shape.
    kind: Form,
    /// Length of the rise (ramp).
    rise: Option<Length>,
    /// Length of the fall (ramp, recover).
    fall: Option<Length>,
    /// On time (flap).
    on: Option<Length>,
    /// Off time (flap).
    off: Option<Length>,
}

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// At full strength from start to end.
    Block,
    /// At full strength at once, then a straight line down to nothing.
    Recover,
    /// A straight line up, and a straight line down.
    Ramp,
    /// On and off, again and again.
    Flap,
}

impl ShapeFile {
    pub(super) fn shape(&self, at: &At, lasts: Span) -> Result<Shape, Problem> {
        let Self { kind, rise, fall, on, off } = self;
        let span = |length: &Option<Length>| length.map_or(Span::ZERO, |length| length.0);
        let given = [
            ("rise", rise.is_some()),
            ("fall", fall.is_some()),
            ("on", on.is_some()),
            ("off", off.is_some()),
        ];
        let (takes, shape): (&[&str], Shape) = match kind {
            Form::Block => (&[], Shape::Block),
            Form::Recover => (&["fall"], Shape::Recover { fall: span(fall) }),
            Form::Ramp => (&["rise", "fall"], Shape::Ramp { rise: span(rise), fall: span(fall) }),
            Form::Flap => (&["on", "off"], Shape::Flap { on: span(on), off: span(off) }),
        };
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !takes.contains(key)) {
            let message = format!("`{at}`: this shape has no `{key}`");
            return Err(Problem::new(at.key(key), message).expected("not a key of this shape"));
        }
        if matches!(shape, Shape::Flap { on, off } if on == Span::ZERO || off == Span::ZERO) {
            return Err(Problem::new(at.clone(), format!("`{at}`: on and off times are missing"))
                .expected("expected such as { kind = \"flap\", on = \"20s\", off = \"40s\" }"));
        }
        if span(rise) + span(fall) > lasts {
            let edges = span(rise) + span(fall);
            return Err(Problem::new(
                at.clone(),
                format!("`{at}`: edges of {edges} in a fault of {lasts}"),
            )
            .expected("expected rise and fall to fit into `lasts`"));
        }
        Ok(shape)
    }
}
