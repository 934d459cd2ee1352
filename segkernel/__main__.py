"""`python -m segkernel`: the command line where its script is not on the path."""

from segkernel.cli import main

main(prog_name="segkernel")
