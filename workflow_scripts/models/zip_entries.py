"""The entries of a zip file that `package.write`, or another program after it, has written.

Other programs add folders, notes and comments: only what the manifest lists is read.

zipfile reads the whole list of entries before anyone can count them, so the record at the end of
the file is checked first (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3).
"""

import struct
import zipfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO

from workflow_scripts.models.limits import MOST_MODELS
from workflow_scripts.models.metadata import NotOurModelError
from workflow_scripts.models.stretch import Stretch

# A manifest, the models, and at most one card a model; other entries count too.
MOST_ENTRIES = 1 + 2 * MOST_MODELS
# Bytes in the list of entries: 46 and a name each, and what another program may add.
LARGEST_DIRECTORY = MOST_ENTRIES * 512
# Disk numbers, entries of this disk, all entries; bytes and place of their list; a comment's bytes.
END = struct.Struct("<4s4H2LH")
END_SIGNATURE = b"PK\x05\x06"
# Bytes of a comment, which follows the end.
LONGEST_COMMENT = (1 << 16) - 1
# Of zip files above 4 GiB: before the end, and what it refers to.
LOCATOR_SIZE, LOCATOR_SIGNATURE = 20, b"PK\x06\x07"
# Up to the bytes of the name and of the extra field of an entry.
LOCAL = struct.Struct("<4s22x2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
ENCRYPTED = 1


@dataclass(frozen=True)
class Entries:
    """The list of entries of a zip file of `size` bytes. No content is read."""

    file: BinaryIO
    size: int
    infos: dict[str, zipfile.ZipInfo]
    # Names of more than one entry.
    repeated: frozenset[str]

    @classmethod
    def of(cls, file: BinaryIO, size: int) -> "Entries":
        """Read the list.

        Raises NotOurModelError if there are too many entries, and any exception if the file is
        damaged.
        """
        _check_end(file, size)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
        names = Counter(info.filename for info in infos)
        repeated = frozenset(name for name, n in names.items() if n > 1)
        return cls(file, size, {info.filename: info for info in infos}, repeated)

    def contents(self, names: Collection[str]) -> dict[str, Stretch]:
        """The content of each of these entries by name.

        Raises NotOurModelError if one is missing, compressed, encrypted or not the only one of its
        name, and any exception if the file is damaged, or if they overlap.
        """
        for name in names:
            if name not in self.infos:
                raise NotOurModelError(f"has no entry {name!r:.120}")
            if name in self.repeated:
                raise NotOurModelError("has two entries of one name")
        found = {name: self._content(self.infos[name]) for name in names}
        places = sorted((self.infos[name].header_offset, name) for name in found)
        end = 0
        # Overlapping entries would make a small file fill the memory.
        for header, name in places:
            if header < end:
                raise ValueError("overlapping entries")
            end = found[name].start + found[name].size
        return found

    def _content(self, info: zipfile.ZipInfo) -> Stretch:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ENCRYPTED:
            raise NotOurModelError("has compressed or encrypted entries, unlike a packed model")
        if info.file_size != info.compress_size:
            raise ValueError("damaged entry")
        whole = Stretch(self.file, 0, self.size)
        header = whole.part(info.header_offset, LOCAL.size).read()
        signature, name, extra = LOCAL.unpack(header)
        if signature != LOCAL_SIGNATURE:
            raise ValueError("damaged entry")
        return whole.part(info.header_offset + LOCAL.size + name + extra, info.file_size)


def _check_end(file: BinaryIO, size: int) -> None:
    """Raise unless the record at the end of the file declares a list of acceptable size."""
    place = _place_of_end(file, size)
    file.seek(max(place - LOCATOR_SIZE, 0))
    before = file.read(min(place, LOCATOR_SIZE))
    _, _, _, here, total, n_bytes, start, comment = END.unpack(file.read(END.size))
    if place + END.size + comment != size:
        raise ValueError("bytes after the end")
    if max(here, total) > MOST_ENTRIES or n_bytes > LARGEST_DIRECTORY:
        raise NotOurModelError(f"has more than {MOST_ENTRIES} entries")
    # Counts that lie do not matter: zipfile reads `n_bytes`, wherever they say it ends.
    if before.startswith(LOCATOR_SIGNATURE) or start + n_bytes > place:
        raise ValueError("another kind of zip file")


def _place_of_end(file: BinaryIO, size: int) -> int:
    """Where the end record starts, as zipfile finds it: at the end, or before a comment."""
    first = max(size - END.size - LONGEST_COMMENT, 0)
    file.seek(first)
    tail = file.read()
    last = tail[-END.size :]
    if last.startswith(END_SIGNATURE) and last.endswith(b"\0\0"):
        return size - END.size
    place = tail.rindex(END_SIGNATURE)
    return first + place
