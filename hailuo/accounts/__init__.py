"""The accounts that answer, and the requests that wait for them."""
