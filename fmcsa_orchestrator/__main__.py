"""`python -m fmcsa_orchestrator`."""

from fmcsa_orchestrator.cli.app import main

main()
