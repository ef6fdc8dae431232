"""`python -m sqcli`: the same program as the `sqcli` script."""

from sqcli.cli import main

if __name__ == "__main__":
    main()
