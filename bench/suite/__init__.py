"""What is to be run: suites, test sets and the layouts of known data sets."""
