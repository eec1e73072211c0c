"""Messages over two pipes."""

import os
import struct

from faults import Closed, Malformed
from values import dumps, loads

_LENGTH = struct.Struct('<I')
_MAX_FRAME = 32 << 20


class Channel:
    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer

    def send(self, message):
        data = dumps(message)
        data = _LENGTH.pack(len(data)) + data
        while data:
            try:
                data = data[os.write(self._writer, data) :]
            except BrokenPipeError:
                raise Closed from None

    def receive(self):
        (length,) = _LENGTH.unpack(self._read(4))
        if length > _MAX_FRAME:
            raise Malformed('a message that is too long')
        message = loads(self._read(length))
        if type(message) is not dict:
            raise Malformed('a message that is none')
        return message

    def _read(self, size):
        parts = []
        while size > 0:
            part = os.read(self._reader, size)
            if not part:
                raise Closed
            parts.append(part)
            size -= len(part)
        return b''.join(parts)
