"""The tiles of a PMTiles file on this machine (version 3), as they lie there."""

from __future__ import annotations

from pathlib import Path

from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, MagicNumberNotFound, SpecVersionUnsupported, TileType

from interplug.config import BadSettings

PACKED = {Compression.GZIP: "gzip", Compression.BROTLI: "br", Compression.ZSTD: "zstd"}
"""As HTTP names it."""


class Tiles:
    """`deepest` is the last zoom of which there are tiles: from there on the map draws these larger."""

    def __init__(self, path: str) -> None:
        """Raises BadSettings."""
        try:
            with Path(path).open("rb") as file:
                self._reader = Reader(MmapSource(file))  # type: ignore[no-untyped-call]
            header = self._reader.header()  # type: ignore[no-untyped-call]
        except OSError as error:
            raise BadSettings(f"map.pmtiles: {path}: {error.strerror}") from None
        except (MagicNumberNotFound, SpecVersionUnsupported, ValueError, IndexError):
            raise BadSettings(f"map.pmtiles: {path} is no PMTiles file of version 3") from None
        if header["tile_type"] != TileType.MVT:
            raise BadSettings(f"map.pmtiles: {path} holds no vector tiles")
        self.deepest = int(header["max_zoom"])
        self.packed = PACKED.get(header["tile_compression"], "")

    def get(self, z: int, x: int, y: int) -> bytes | None:
        found: bytes | None = self._reader.get(z, x, y)  # type: ignore[no-untyped-call]
        return found
