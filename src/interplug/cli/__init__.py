"""The command line: every command of `interplug`, and the demo."""
