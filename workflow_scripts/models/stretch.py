"""Read protobuf messages from a file, without the parts that nobody asks for.

The onnx library would read the whole file, and a small file can describe millions of nodes.
Encoding: https://protobuf.dev/programming-guides/encoding/.
"""

import io
from collections import defaultdict
from dataclasses import dataclass, field
from typing import BinaryIO

from workflow_scripts.models.limits import MOST_FIELDS

# Protobuf's types of fields that ONNX files have here.
VARINT, LENGTH_DELIMITED = 0, 2
# Bytes of a number at most: groups of seven bits.
LONGEST_VARINT = 10


class TruncatedError(ValueError):
    """A file has fewer bytes than it says."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive bytes of an open file. Nothing is read before `read`."""

    file: BinaryIO
    start: int
    size: int

    @classmethod
    def of(cls, data: bytes) -> "Stretch":
        """All of `data`."""
        return cls(io.BytesIO(data), 0, len(data))

    def part(self, first: int, size: int) -> "Stretch":
        """The `size` bytes from `first`. Raises TruncatedError if there are fewer."""
        if first + size > self.size:
            raise TruncatedError
        return Stretch(self.file, self.start + first, size)

    def read(self) -> bytes:
        """The bytes. Raises TruncatedError if the file has become shorter."""
        self.file.seek(self.start)
        data = self.file.read(self.size)
        if len(data) != self.size:
            raise TruncatedError
        return data


@dataclass(frozen=True)
class Message:
    """The fields of a message by number: `numbers`, and `parts`, which are messages or bytes."""

    numbers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[int, list[Stretch]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, content: Stretch) -> "Message":
        """The fields in `content`. Raises ValueError if it has too many, or is not a message."""
        message = cls()
        place = 0
        for _ in range(MOST_FIELDS):
            if place == content.size:
                return message
            head = content.part(place, min(2 * LONGEST_VARINT, content.size - place)).read()
            key, after_key = _varint(head, 0)
            number, after_number = _varint(head, after_key)
            place += after_number
            if key & 7 == VARINT:
                message.numbers[key >> 3].append(number)
            elif key & 7 == LENGTH_DELIMITED:
                message.parts[key >> 3].append(content.part(place, number))
                place += number
            else:
                raise ValueError("a type of field that model files do not have")
        raise ValueError("too many fields")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """The number at `place`, in groups of seven bits, and the place after it."""
    value = 0
    for group, byte in enumerate(data[place : place + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * group
        if byte < 0x80:
            return value, place + group + 1
    raise ValueError("a number that does not end")
