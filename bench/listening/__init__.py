"""What becomes of blind tests: results read, listeners screened, means, comparisons, tables."""
