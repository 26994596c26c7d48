# Thin names for the commands that CONTRIBUTING.md describes; none of them is needed.
.PHONY: test lint types bench bench-all bench-peers lock

test:
	sh scripts/test.sh

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types:
	.venv/bin/mypy --strict

bench:
	.venv/bin/python -m bench --check
	.venv/bin/python -m bench.suite --quick --check

bench-all:
	.venv/bin/python -m bench
	.venv/bin/python -m bench.suite

bench-peers:
	.venv/bin/python -m bench.peers

lock:
	sh scripts/lock.sh
