"""Runs the units of a windtunnel campaign on a Ray cluster.

`windtunnel campaign run PLAN --engine ray` starts `python -m windtunnel_ray`, writes unit ids to its stdin and reads
rows from its stdout. Nothing is kept here: the program that started it checks each row and writes it, so this driver
may die, and the cluster may lose nodes, at any moment.
"""
