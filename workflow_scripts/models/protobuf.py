"""Protocol buffers' wire format, as far as it takes to look into an ONNX file before it is used.

https://protobuf.dev/programming-guides/encoding/: a message is a row of fields, each a key (number
and wire type) and a value. The library that would read them is not there where models are used.
"""

from collections.abc import Iterator

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
WIDTH = {FIXED_64: 8, FIXED_32: 4}
# Ten groups of seven bits hold 64.
LONGEST_VARINT = 10


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an int for a varint, else the bytes.

    Raises ValueError where the message ends too soon or has another wire type.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == BYTES:
            length, place = _varint(message, place)
        elif kind in WIDTH:
            length = WIDTH[kind]
        else:
            raise ValueError(f"wire type {kind}")
        if length > len(message) - place:
            raise ValueError("a field longer than its message")
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number that begins at `place`, and the place after it."""
    value = 0
    for shift in range(LONGEST_VARINT):
        if place >= len(message):
            raise ValueError("a number cut short")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than 64 bits")
