# Thin names for the commands that CONTRIBUTING.md describes; none of them is needed.
.PHONY: test lint types bench lock

test:
	sh scripts/test.sh

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types:
	.venv/bin/mypy --strict

bench:
	.venv/bin/python -m bench --check

lock:
	sh scripts/lock.sh
