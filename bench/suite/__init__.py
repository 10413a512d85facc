"""The benchmark: servers that are measured, works that they do, targets, and the report."""
