"""Questions on stdin, answers on stdout; a problem is an answer too."""

import json
import sys
import warnings

# Exit code that tells the caller that Optuna is missing.
NO_OPTUNA = 3


def main() -> int:
    try:
        import optuna
    except ImportError:
        print("windtunnel_optuna: Optuna is not installed here: pip install optuna", file=sys.stderr)
        return NO_OPTUNA
    from .study import Refused, SharedStudy

    # What is experimental or will change in Optuna is nothing that the caller could do anything about.
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["type"] == "open":
                study = SharedStudy(question)
                answer = {"type": "opened"}
            elif question["type"] == "ask":
                answer = {"type": "asked", "trials": study.ask(question["n"])}
            elif question["type"] == "tell":
                study.tell(question["number"], question["objectives"], question["stopped"])
                answer = {"type": "told"}
            else:
                answer = {"type": "others", "trials": study.others()}
        except Refused as error:
            answer = {"type": "error", "what": str(error)}
        except Exception as error:  # Whatever a driver or a server may say: the caller shows it and ends.
            answer = {"type": "error", "what": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
