#!/usr/bin/env python3
"""A balancer in Python for windtunnel: least outstanding attempts, a break after failures, one fallback.

Run: windtunnel run scenarios/error-burst.toml --set rps=500 --policy "cmd:python3 examples/shims/python/shim.py"

One JSON object a line, see docs/shim-protocol.md. Replace `Balancer` by yours; `main` can stay as it is.
Only virtual time (`now`) and `luck` may decide anything, or a run is not the same twice.
"""

import json
import sys

SECOND = 1_000_000_000
# A route that failed is left alone for so long.
BREAK = 5 * SECOND
# Outcomes that say something about the route.
BAD = {"rate_limited", "server_error", "unreachable", "timeout", "stream_broken", "key_refused"}
# Outcomes after which another route may do better; the others end the request.
RETRYABLE = {"rate_limited", "server_error", "unreachable", "timeout", "key_refused"}
ATTEMPTS_MAX = 2


class Balancer:
    def __init__(self, hello):
        self.by_model = {}
        for route in hello["routes"]:
            self.by_model.setdefault(route["model"], []).append(route["route"])
        routes = len(hello["routes"])
        self.outstanding = [0] * routes
        self.broken_until = [0] * routes
        self.present = [True] * routes

    # What happened.

    def end(self, fact):
        route = fact["route"]
        self.outstanding[route] -= 1
        if fact["outcome"] in BAD:
            wait = fact.get("retry_after_ns") or BREAK
            self.broken_until[route] = max(self.broken_until[route], fact["now"] + wait)

    def set_present(self, fact):
        self.present[fact["route"]] = fact["present"]

    # What is asked.

    def decide(self, ask):
        past = ask["past"]
        if past and (past[-1]["outcome"] not in RETRYABLE or len(past) >= ATTEMPTS_MAX):
            return {"type": "stop", "status": past[-1]["status"]}
        avoid = set(ask["avoid"]) | {ended["route"] for ended in past}
        routes = [route for route in self.by_model.get(ask["request"]["model"], ()) if self.present[route]]
        # Rather a broken route than none.
        choice = (
            self.least(ask, [r for r in routes if r not in avoid and self.broken_until[r] <= ask["now"]])
            or self.least(ask, [r for r in routes if r not in avoid])
        )
        if choice is None:
            return {"type": "stop", "status": 503}
        (route,) = choice
        self.outstanding[route] += 1
        return {"type": "send", "route": route}

    def least(self, ask, routes):
        if not routes:
            return None
        fewest = min(self.outstanding[route] for route in routes)
        best = [route for route in routes if self.outstanding[route] == fewest]
        return (best[int(ask["luck"] * len(best))],)

    def tick(self, ask):
        now = ask["now"]
        states = ("failed" if until > now else "healthy" for until in self.broken_until)
        return {"type": "seen", "routes": [{"route": r, "state": s} for r, s in enumerate(states)]}


def main():
    balancer = None
    for line in sys.stdin:
        message = json.loads(line)
        kind = message["type"]
        if kind == "hello":
            balancer = Balancer(message)
            answer = {"type": "ready", "protocol": 1, "tick_ms": 1000}
        elif kind == "decide":
            answer = balancer.decide(message)
        elif kind == "tick":
            answer = balancer.tick(message)
        else:
            if kind == "end":
                balancer.end(message)
            elif kind == "present":
                balancer.set_present(message)
            continue  # A fact needs no answer.
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
