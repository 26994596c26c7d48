"""``python -m sky``: the same as the ``sky`` command."""

from sky.cli.main import main

main()
