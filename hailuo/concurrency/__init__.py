"""Waiting and sharing: Watch, fair semaphore, gather, single-flight cache, time slices."""
