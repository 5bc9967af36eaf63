"""One module for each command: add_arguments(parser) and main(args)."""
