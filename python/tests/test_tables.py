"""The table of a sweep as pandas, polars and DuckDB read it: numbers are numbers, and nothing is missing.

Needs WINDTUNNEL (the program); each reader that is not installed is left out, and that is said.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scenario import scenario

SWEEP = ["sweep", "short.toml", "--vary", "rps=40,60", "--vary", "policy=windtunnel,random", "-R", "3", "--out", "s"]
SCENARIO = scenario(rps=60, duration=20, start=5, lasts=4)
WORDS = {"policy", "side", "digest"}


def pandas_columns(path: Path) -> dict[str, bool]:
    import pandas

    table = pandas.read_csv(path)
    assert len(table) == 12, table
    means = table.groupby(["rps", "policy"])["slo_attainment"].mean()
    assert len(means) == 4 and means.between(0.0, 1.0).all(), means
    return {name: pandas.api.types.is_numeric_dtype(table[name]) for name in table.columns}


def polars_columns(path: Path) -> dict[str, bool]:
    import polars

    table = polars.read_csv(path)
    assert table.height == 12, table
    assert table.group_by("rps", "policy").agg(polars.col("slo_attainment").mean()).height == 4
    # A column of nothing but missing values has no kind of its own.
    return {name: kind.is_numeric() or table[name].is_null().all() for name, kind in table.schema.items()}


def duckdb_columns(path: Path) -> dict[str, bool]:
    import duckdb

    rows = duckdb.sql(f"select rps, policy, avg(slo_attainment) from '{path}' group by all").fetchall()
    assert len(rows) == 4, rows
    described = duckdb.sql(f"describe from '{path}'").fetchall()
    empty = duckdb.sql(f"select count(columns(*)) from '{path}'").fetchall()[0]
    return {name: kind in ("BIGINT", "DOUBLE") or n == 0 for (name, kind, *_), n in zip(described, empty, strict=True)}


def main() -> int:
    program = os.path.abspath(os.environ.get("WINDTUNNEL", "target/release/windtunnel"))
    with tempfile.TemporaryDirectory() as name:
        desk = Path(name)
        (desk / "short.toml").write_text(SCENARIO)
        done = subprocess.run([program, *SWEEP], cwd=desk, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for reader in (pandas_columns, polars_columns, duckdb_columns):
            module = reader.__name__.removesuffix("_columns")
            try:
                numeric = reader(desk / "s" / "runs.csv")
            except ImportError:
                print(f"skipped: {module} is not installed")
                continue
            words = {name for name, is_number in numeric.items() if not is_number}
            assert words <= WORDS, f"{module} reads as text: {words - WORDS}"
            print(f"{module} reads {len(numeric)} columns")
    return 0


if __name__ == "__main__":
    sys.exit(main())
