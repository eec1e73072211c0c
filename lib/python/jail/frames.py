"""Frames between the driver and the zygote, little-endian. The other end is `frames.ts`."""

import collections
import struct

JOB = struct.Struct('<6I2Q')
Job = collections.namedtuple(
    'Job', 'id cpu_ms wall_ms source_bytes stdin_bytes judge_bytes output_bytes memory_bytes'
)

HELLO = struct.Struct('<2I')  # kind, bytes of the JSON that follows
DONE = struct.Struct('<2I2iI3Q4I')  # kind, id, two wait statuses, ended by, cpu µs, wall µs, rss bytes, four lengths

KIND_HELLO, KIND_DONE = 1, 2
ENDED_ITSELF, ENDED_BY_WALL, ENDED_BY_CPU, ENDED_BY_OUTPUT = 0, 1, 2, 3
NO_STATUS = -1
