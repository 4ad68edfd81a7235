"""Audio worker: the child process in which FFmpeg reads, cuts and converts audio.

Only the child imports the modules of this package; the server starts it through
`audio.process` and knows its exit codes.
"""

NO_AUDIO = 65  # the file holds no audio that can be read
TOO_LONG = 66  # it holds too much
FAULT = 70  # the worker itself is at fault
