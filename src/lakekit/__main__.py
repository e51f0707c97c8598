"""``lakekit`` and ``python -m lakekit``: the command line.

``lakekit lint`` is asked at each commit, and must have answered before the rest of the command line were imported.
"""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["lint"]:
        from .lint.command import run

        run()
    from .cli import main as command

    command(prog_name="lakekit")


if __name__ == "__main__":
    main()
