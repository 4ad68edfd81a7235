"""The web upstream, hailuoai.com, as protocol.md describes it."""
