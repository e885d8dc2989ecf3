//! Azure LLM inference traces (Microsoft, AzurePublicDataset, 2023 and 2024; the stamps of 2024 end
//! in `+00:00`).

use super::stamp;
use super::table::Columns;

/// Names of the columns, as [`super::synth()`] writes them.
pub(super) const COLUMNS: Columns = Columns {
    stamp: "TIMESTAMP",
    prompt: "ContextTokens",
    output: "GeneratedTokens",
    read: stamp::date_time,
    expected: ("a date and a time of day in UTC", "2023-11-16 18:17:03.9799600"),
};
