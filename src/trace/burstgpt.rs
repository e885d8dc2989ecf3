//! BurstGPT (HPMLL, 2024 and later releases, which put further columns among the first).

use super::stamp;
use super::table::Columns;

/// Names of the columns.
pub(super) const COLUMNS: Columns = Columns {
    stamp: "Timestamp",
    prompt: "Request tokens",
    output: "Response tokens",
    read: |text| stamp::decimal(text, 1_000_000_000),
    expected: ("seconds since the start of the trace", "45.0"),
};
