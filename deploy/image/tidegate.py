#!/usr/bin/python3
from tidegate.cli import main

main()
