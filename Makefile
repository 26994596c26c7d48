# Thin names for the commands that CONTRIBUTING.md describes; none of them is needed.
.PHONY: test test-all test-k8s lint types bench bench-all bench-peers bench-report hosts lock

test:
	sh scripts/test.sh

test-all:
	SKY_TEST_SLOW=1 sh scripts/test.sh

test-k8s:
	sh scripts/test-k8s.sh

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types:
	.venv/bin/mypy --strict

bench:
	.venv/bin/python -m bench --check
	.venv/bin/python -m bench.suite --quick --check
	.venv/bin/python -m bench.suite.resolve

bench-all:
	.venv/bin/python -m bench
	.venv/bin/python -m bench.suite
	.venv/bin/python -m bench.suite.resolve

bench-peers:
	.venv/bin/python -m bench.peers

bench-report:
	.venv/bin/python -m bench.report

hosts:
	.venv/bin/python -m tests.hosts up $(or $(N),3)

lock:
	sh scripts/lock.sh
