//! `windtunnel schema`.

use crate::cli::args::SchemaOf;
use crate::record::{Comparison, Scorecard, Summary};
use crate::scenario;

/// The JSON Schema of a format.
pub(super) fn schema(of: SchemaOf) -> String {
    match of {
        SchemaOf::Scenario => format!("{:#}", scenario::schema()),
        SchemaOf::Summary => Summary::schema(),
        SchemaOf::Comparison => Comparison::schema(),
        SchemaOf::Claims => Scorecard::schema(),
    }
}
