"""The program reads its standard input, line by line, and writes binary output."""

import sys

for number, line in enumerate(sys.stdin):
    sys.stdout.buffer.write(f"{number} {line}".encode())
    sys.stderr.write(line.upper())
