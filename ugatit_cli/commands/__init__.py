"""One file per command: its options, its help, and a short body that builds, calls and shows."""
