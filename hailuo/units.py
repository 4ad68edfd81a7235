"""Units of sizes."""

MB = 1_048_576  # bytes
