"""Keeps the study of `windtunnel tune --storage URL` in Optuna.

windtunnel starts `python -m windtunnel_optuna` and asks it over standard input and output, one JSON object a line:
for points to try, and to keep what they gave. Runs, early stopping and the proof stay in windtunnel; the study is in
the storage, where other workers, optuna-dashboard and anything else that reads Optuna's studies find it.
"""
