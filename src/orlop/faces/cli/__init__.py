"""The command line: what is typed, and how it is answered on a terminal or to a program."""
