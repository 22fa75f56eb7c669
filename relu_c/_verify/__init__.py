"""The check behind `python -m relu_c verify`: exact values, the sweep over all inputs, and what it is pointed at."""
