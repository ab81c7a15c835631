"""Slow, literal second implementations of the paper's equations: NumPy in float64, one clip at a time, plain loops.

They share nothing with dmin but the weights, which they read from its modules by name.
"""
