"""The entries of a zip file that `package.write` could have written.

zipfile reads the whole list of entries before anyone can count them, so the record at the end of
the file is checked first (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3).
"""

import struct
import zipfile
from typing import BinaryIO

from workflow_scripts.models.limits import MOST_MODELS
from workflow_scripts.models.metadata import NotOurModelError
from workflow_scripts.models.stretch import Stretch

# A manifest, the models, and at most one card a model.
MOST_ENTRIES = 1 + 2 * MOST_MODELS
# Bytes in the list of entries: 46 and a name each, and what another program may add.
LARGEST_DIRECTORY = MOST_ENTRIES * 512
# Disk numbers, entries of this disk, all entries; bytes and place of their list; a comment's bytes.
END = struct.Struct("<4s4H2LH")
END_SIGNATURE = b"PK\x05\x06"
# Of zip files above 4 GiB: before the end, and what it refers to.
LOCATOR_SIZE, LOCATOR_SIGNATURE = 20, b"PK\x06\x07"
# Up to the bytes of the name and of the extra field of an entry.
LOCAL = struct.Struct("<4s22x2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
ENCRYPTED = 1


def entries(file: BinaryIO, size: int) -> dict[str, Stretch]:
    """The content of each entry by name, in a file of `size` bytes; no content is read.

    Raises NotOurModelError if there are too many entries, or if they are compressed or encrypted,
    and any exception if the file is damaged, or its entries overlap or share a name.
    """
    _check_end(file, size)
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
    found = {info.filename: _content(file, size, info) for info in infos}
    if len(found) != len(infos):
        raise NotOurModelError("has two entries of one name")
    places = sorted((info.header_offset, found[info.filename]) for info in infos)
    end = 0
    # Overlapping entries would make a small file fill the memory.
    for header, content in sorted(places, key=lambda place: place[0]):
        if header < end:
            raise ValueError("overlapping entries")
        end = content.start + content.size
    return found


def _check_end(file: BinaryIO, size: int) -> None:
    """Raise unless the record at the end of the file declares a list of acceptable size."""
    place = size - END.size
    file.seek(max(place - LOCATOR_SIZE, 0))
    tail = file.read()
    signature, _, _, here, total, n_bytes, start, comment = END.unpack(tail[-END.size :])
    if signature != END_SIGNATURE or comment:
        raise ValueError("no end record")
    if max(here, total) > MOST_ENTRIES or n_bytes > LARGEST_DIRECTORY:
        raise NotOurModelError(f"has more than {MOST_ENTRIES} entries")
    # Counts that lie do not matter: zipfile reads `n_bytes`, wherever they say it ends.
    if tail[: -END.size].startswith(LOCATOR_SIGNATURE) or start + n_bytes > place:
        raise ValueError("another kind of zip file")


def _content(file: BinaryIO, size: int, info: zipfile.ZipInfo) -> Stretch:
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ENCRYPTED:
        raise NotOurModelError("has compressed or encrypted entries, unlike a packed model")
    if info.file_size != info.compress_size:
        raise ValueError("damaged entry")
    whole = Stretch(file, 0, size)
    header = whole.part(info.header_offset, LOCAL.size).read()
    signature, name, extra = LOCAL.unpack(header)
    if signature != LOCAL_SIGNATURE:
        raise ValueError("damaged entry")
    return whole.part(info.header_offset + LOCAL.size + name + extra, info.file_size)
