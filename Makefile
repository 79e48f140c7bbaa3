# Thin on purpose: what CI calls is what a person calls, and it is in scripts/.
.PHONY: demo test sweep check docs bench venv clean
demo: ; @scripts/install && scripts/demo
test: ; @scripts/install dev && scripts/test
sweep: ; @scripts/install dev && scripts/sweep
check: ; @scripts/install dev && scripts/check
docs: ; @scripts/install dev && .venv/bin/python scripts/docs.py
bench: ; @scripts/install dev && .venv/bin/python benchmarks/compare.py
venv: ; @scripts/install
clean: ; rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
