"""A program that says where the last folder on its module path is: see test_process.py."""

import sys

print(sys.path[-1])
