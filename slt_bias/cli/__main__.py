"""`python -m slt_bias.cli`: the command line."""

from slt_bias.cli import main

if __name__ == "__main__":
    main()
