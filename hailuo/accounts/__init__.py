"""Accounts, the pool that leases them, and the queue of requests that wait."""
