# Two commands do all the set-up on a fresh Debian or Ubuntu machine with Rust:
#   make serve    builds what it needs and runs Keywatch with the embedded store
#   make test     installs what the tests need and passes them
# SERVE_ARGS is handed to `keywatch serve`: make serve SERVE_ARGS="--test-clock".

SERVE_ARGS ?=

.PHONY: serve test tools tools-test walkthrough bench lint

serve: tools
	cargo build --release --package keywatch
	@./script/serve $(SERVE_ARGS)

test: tools tools-test
	./script/test

walkthrough: tools tools-test
	cargo build --package keywatch
	tests/clients/run

bench: tools
	cargo xtask bench

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

tools:
	@./script/install build

tools-test:
	@./script/install test
