"""``python -m lakekit``: the command line, by the interpreter that has it."""

from .cli import main

main(prog_name="lakekit")
