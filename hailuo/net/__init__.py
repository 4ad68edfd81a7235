"""Bytes over the network: HTTP client, streamed answers, safe downloads."""
