# One command for each habit. `make demo` and `make test` need Rust and Python 3 and nothing else.

PYTHON ?= python3
VENV   := .venv

.PHONY: demo test check bench fmt

demo:
	cargo run --locked --quiet -- demo

test: $(VENV)/ready
	cargo test --locked
	cargo test --locked --no-run --quiet --bench simulated
	$(VENV)/bin/python -m pytest -q -n 4 tests/python

check:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; \
	else echo "cargo-deny is not installed (cargo install cargo-deny --locked): licences and advisories were not checked" >&2; fi

bench:
	cargo bench --locked --bench simulated

fmt:
	cargo fmt

$(VENV)/ready: tests/python/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
	touch $@
