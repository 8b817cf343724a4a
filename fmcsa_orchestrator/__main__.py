"""`python -m fmcsa_orchestrator`."""

from fmcsa_orchestrator.cli import main

main()
