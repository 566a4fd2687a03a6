"""A program that imports nothing."""

print(6 * 7)
