"""Disjoint sets of tracks that are joined one by one."""


class Sets:
    """Tracks, numbered from 0; each is in a set of its own at first."""

    def __init__(self, n_tracks: int) -> None:
        self._parent = list(range(n_tracks))

    def join(self, first: int, second: int) -> bool:
        """Join the sets of two tracks; False if they are in one set already."""
        first, second = self._root(first), self._root(second)
        self._parent[max(first, second)] = min(first, second)
        return first != second

    def _root(self, track: int) -> int:
        while self._parent[track] != track:
            self._parent[track] = self._parent[self._parent[track]]
            track = self._parent[track]
        return track
