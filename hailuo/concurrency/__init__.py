"""Waiting and sharing: watch, semaphore, gather, cache, time slices."""
