"""Compiled functions beside CPython: value, type and bits equal, exceptions equal by class and line.

native.py    which functions of a definition compile, each by itself, and the plan of those that do
inputs.py    seeded values for fields, by name and type
"""
