"""Tests of a pool that several processes share, on a real Valkey or Redis server."""
