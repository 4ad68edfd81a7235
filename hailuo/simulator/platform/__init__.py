"""api.minimax.io as platform.md describes it; `routes` lists its paths."""
