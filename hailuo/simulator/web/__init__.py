"""hailuoai.com as protocol.md describes it; `routes` lists its paths."""
