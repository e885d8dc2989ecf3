"""The driver: unit ids on stdin, rows on stdout."""

import argparse
import sys

# Exit code that tells the caller that Ray is missing.
NO_RAY = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="windtunnel_ray", description=__doc__)
    parser.add_argument("--plan", required=True, help="the plan, from `windtunnel campaign plan`")
    parser.add_argument("--program", required=True, help="windtunnel; it is sent to the workers")
    parser.add_argument("--address", default="auto", help="HOST:PORT, `auto`, or `local` for a cluster of its own")
    parser.add_argument("--task-units", type=int, default=0, help="units of a task; 0 aims at 1 to 5 s a task")
    args = parser.parse_args()
    try:
        import ray  # noqa: F401
    except ImportError:
        print("windtunnel_ray: Ray is not installed here: pip install ray", file=sys.stderr)
        return NO_RAY
    from .cluster import connect, run

    ids = sys.stdin.read().split()
    connect(args.address)

    def emit(rows: bytes) -> None:
        sys.stdout.buffer.write(rows)
        sys.stdout.buffer.flush()

    return run(args.plan, args.program, ids, emit, task_units=args.task_units)


if __name__ == "__main__":
    sys.exit(main())
