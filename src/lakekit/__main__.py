"""``lakekit`` and ``python -m lakekit``: the command line.

``lakekit lint`` is asked at each commit, and must have answered before the rest of the command line were imported.
"""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["lint"]:
        import gc

        # All that is made is kept to the end: looking for what is not takes a tenth of a run.
        gc.disable()
        from .lint.command import run

        run()
    from .cli import main as command

    command(prog_name="lakekit")


if __name__ == "__main__":
    main()
