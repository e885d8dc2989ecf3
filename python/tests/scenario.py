"""The scenario of these tests, and where the package is."""

from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "src"


def scenario(rps: int, duration: int, start: int, lasts: int) -> str:
    """A burst of errors at one of two providers; times in seconds."""
    return f"""# Does anybody notice?
rps = {rps}
duration = "{duration}s"
policy = "windtunnel"
[workload]
client = {{ deadline = "5s" }}
[provider]
azure = {{ profile = "azure/gpt-4o", keys = 2, tpm = "200%" }}
openai = {{ profile = "openai/gpt-4o", keys = 2, tpm = "200%" }}
[[fault]]
kind = "error-burst"
on = "azure"
start = "{start}s"
lasts = "{lasts}s"
error = {{ rate = "100%", status = 503 }}
"""
