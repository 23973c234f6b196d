"""The subcommands of `crosscal`: each module has SUMMARY, configure(parser) and run(arguments)."""
