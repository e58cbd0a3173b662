"""What every layer above may use: errors, opaque configuration, values."""
