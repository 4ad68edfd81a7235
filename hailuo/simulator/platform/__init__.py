"""The platform, api.minimax.io, as platform.md describes it."""
