"""Smaller networks out of trained ones: what a plan costs, what can be cut, and which plan is best."""
