"""The command line, as `python -m almbench`."""

from almbench.cli.main import main

if __name__ == "__main__":
    main()
