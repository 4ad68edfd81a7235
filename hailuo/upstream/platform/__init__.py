"""MiniMax's official platform: the paid API of Hailuo's makers (platform.md)."""
